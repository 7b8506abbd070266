/* Frames to give to sinks, and files to read them back from. */
#ifndef TESTS_UNIT_SINK_PICTURES_H
#define TESTS_UNIT_SINK_PICTURES_H

#include "frame/frame.h"
#include "sink/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sightline/error.h>
#include <sightline/sink.h>
#include <sys/resource.h>
#include <unistd.h>

/* A picture whose bytes all differ from `seed` to `seed`, row by row. */
static inline sl_frame *picture(sl_format format, int width, int height, int seed) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, format, width, height), 0);
    for (int plane = 0; plane < sl_format_planes(format); plane++) {
        int samples = sl_plane_width(format, plane, width) * (format == SL_FORMAT_BGR ? 3 : 1);
        for (int row = 0; row < sl_plane_height(format, plane, height); row++)
            for (int i = 0; i < samples; i++)
                frame->planes[plane][(size_t)row * frame->strides[plane] + (size_t)i] =
                    (uint8_t)(seed + plane * 40 + row * 3 + i);
    }
    return frame;
}

/* The same as a JPEG, with its time. Width and height are left for the sink to find out. */
static inline sl_frame *jpeg(int width, int height, int seed, int64_t time_us) {
    AVFrame *image = av_frame_alloc();
    sl_encoder encoder = {0};
    sl_frame *pixels = picture(SL_FORMAT_I422, width, height, seed), *frame;
    sl_buffer *bytes;
    assert_true(sl_image_of(pixels, image));
    assert_int_equal(sl_encoder_encode(&encoder, AV_CODEC_ID_MJPEG, image), 0);
    assert_int_equal(sl_buffer_new(&bytes, (size_t)encoder.packet->size), 0);
    memcpy(bytes->data, encoder.packet->data, bytes->size);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_JPEG, bytes), 0);
    frame->width = frame->height = 0;
    frame->captured_monotonic_us = time_us;
    sl_buffer_unref(&bytes);
    sl_frame_unref(&pixels);
    sl_encoder_finish(&encoder);
    av_frame_free(&image);
    return frame;
}

static inline sl_frame *array(const char *dtype, int dimensions, const int64_t *shape) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new_array(&frame, dtype, dimensions, shape), 0);
    memset(frame->planes[0], 0x55, frame->size);
    return frame;
}

static inline int open_sink(sl_sink **sink, const char *name, sl_cancel *cancel) {
    sl_sink_settings settings;
    sl_sink_settings_init(&settings);
    settings.sink = name;
    settings.cancel = cancel;
    int code = sl_sink_open(sink, &settings);
    sl_settings_finish(&settings);
    return code;
}

/* Gives the frame away. */
static inline int put(sl_sink *sink, sl_frame *frame) {
    int code = sl_sink_write(sink, frame);
    sl_frame_unref(&frame);
    return code;
}

/* Lets this process open no more descriptors, or as many as before. */
static inline void have_descriptors(bool some) {
    static rlim_t before;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (!some)
        before = limit.rlim_cur;
    limit.rlim_cur = some ? before : 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* What is in a recording or picture file. */
struct content {
    int packets;
    int width, height;
    int64_t first_us, last_us;
    bool increasing;     /* every time after the one before */
    uint8_t bytes[4096]; /* the start of the first packet */
    size_t size;         /* of the first packet */
};

static inline int read_file(const char *path, struct content *content) {
    AVFormatContext *context = NULL;
    memset(content, 0, sizeof(*content));
    int code = avformat_open_input(&context, path, NULL, NULL);
    if (code < 0)
        return code;
    AVPacket *packet = av_packet_alloc();
    const AVStream *stream = context->streams[0];
    AVRational microseconds = {1, 1000000};
    content->increasing = true;
    content->width = stream->codecpar->width;
    content->height = stream->codecpar->height;
    while (av_read_frame(context, packet) >= 0) {
        int64_t time_us = av_rescale_q(packet->pts, stream->time_base, microseconds);
        if (content->packets == 0) {
            content->first_us = time_us;
            content->size = (size_t)packet->size;
            memcpy(content->bytes, packet->data,
                   content->size < sizeof(content->bytes) ? content->size : sizeof(content->bytes));
        } else if (time_us <= content->last_us) {
            content->increasing = false;
        }
        content->last_us = time_us;
        content->packets++;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&context);
    return 0;
}

/* A folder for this program's files, which goes with it. */
static char folder[64];

static inline int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/sightline-sink-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

/* "file:FOLDER/NAME"; its last 5 characters less, the path. */
static inline const char *in_folder(const char *name) {
    static char text[400];
    snprintf(text, sizeof(text), "file:%s/%s", folder, name);
    return text;
}

static inline const char *path_of(const char *name) {
    return in_folder(name) + 5;
}

#endif
