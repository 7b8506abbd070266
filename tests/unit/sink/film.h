/* Coded video to give to recordings, made by libavcodec on the spot. */
#ifndef TESTS_UNIT_SINK_FILM_H
#define TESTS_UNIT_SINK_FILM_H

#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <string.h>

struct film {
    AVCodecContext *context;
    AVFrame *image;
    AVPacket *packet;
    sl_format format;
    int number;
};

static inline void film_open(struct film *film, sl_format format, int width, int height) {
    static const struct {
        sl_format format;
        const char *name, *options;
    } makers[] = {
        {SL_FORMAT_H264, "libx264", "preset=ultrafast;tune=zerolatency;forced-idr=1"},
        {SL_FORMAT_HEVC, "libx265",
         "preset=ultrafast;tune=zerolatency;forced-idr=1;x265-params=log-level=none:open-gop=0:"
         "frame-threads=1"},
        {SL_FORMAT_AV1, "libaom-av1", "usage=realtime;cpu-used=8;lag-in-frames=0"},
    };
    size_t kind = (size_t)(format - SL_FORMAT_H264);
    *film = (struct film){.format = format};
    av_log_set_level(AV_LOG_QUIET);
    assert_int_equal(makers[kind].format, format);
    const AVCodec *codec = avcodec_find_encoder_by_name(makers[kind].name);
    assert_non_null(codec);
    film->context = avcodec_alloc_context3(codec);
    film->context->width = width;
    film->context->height = height;
    film->context->pix_fmt = AV_PIX_FMT_YUV420P;
    film->context->time_base = (AVRational){1, 30};
    film->context->gop_size = 100000;
    film->context->max_b_frames = 0;
    film->context->thread_count = 1;
    AVDictionary *options = NULL;
    assert_true(av_dict_parse_string(&options, makers[kind].options, "=", ";", 0) >= 0);
    assert_int_equal(avcodec_open2(film->context, codec, &options), 0);
    av_dict_free(&options);
    film->image = av_frame_alloc();
    film->image->format = AV_PIX_FMT_YUV420P;
    film->image->width = width;
    film->image->height = height;
    assert_int_equal(av_frame_get_buffer(film->image, 0), 0);
    film->packet = av_packet_alloc();
}

/* The next frame, captured then; the first is a keyframe in any case. */
static inline sl_frame *film_next(struct film *film, bool keyframe, int64_t utc_us) {
    sl_buffer *bytes;
    sl_frame *frame;
    assert_true(av_frame_make_writable(film->image) >= 0);
    for (int plane = 0; plane < 3; plane++)
        for (int row = 0; row < film->image->height >> (plane > 0); row++)
            memset(film->image->data[plane] + row * film->image->linesize[plane],
                   (film->number * 3 + row + plane * 60) & 0xff,
                   (size_t)film->image->linesize[plane]);
    film->image->pts = film->number;
    film->image->pict_type = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    assert_int_equal(avcodec_send_frame(film->context, film->image), 0);
    assert_int_equal(avcodec_receive_packet(film->context, film->packet), 0);
    assert_int_equal(sl_buffer_new(&bytes, (size_t)film->packet->size), 0);
    memcpy(bytes->data, film->packet->data, bytes->size);
    assert_int_equal(sl_frame_new_coded(&frame, film->format, bytes), 0);
    sl_buffer_unref(&bytes);
    frame->keyframe = film->packet->flags & AV_PKT_FLAG_KEY;
    frame->sequence = (uint64_t)film->number++;
    frame->captured_utc_us = utc_us;
    frame->captured_monotonic_us = utc_us;
    av_packet_unref(film->packet);
    return frame;
}

static inline void film_close(struct film *film) {
    avcodec_free_context(&film->context);
    av_frame_free(&film->image);
    av_packet_free(&film->packet);
}

#endif
