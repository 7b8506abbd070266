/*
 * Decodes what a peer sent, who may be hostile. Called by the video kind.
 *
 * One frame in, its picture out. After anything wrong nothing is given out up to the next keyframe:
 * a picture that builds on a broken one is broken, too, and nobody could tell.
 */
#include "codec/video.h"

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "codec/pixels.h"
#include "frame/bitstream.h"
#include "frame/frame.h"

#include <libavutil/hwcontext.h>
#include <stdlib.h>
#include <string.h>

/* Arrays that wait for their next use: one shown, one queued, one being filled. */
#define KEPT_PIXELS 3

struct sl_video_decoder {
    sl_format format;
    const AVCodec *codec;
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *picture;
    AVBufferRef *device;      /* the hardware that decodes; NULL: none does */
    enum AVPixelFormat there; /* what its pictures are */
    bool hardware;            /* it may be looked for */
    sl_bitstream stream;
    bool waiting; /* for a keyframe, */
    bool unseen;  /* or would be, but those before were passed on and never decoded */
    sl_pixels pixels;
};

/* The pixels that Sightline and every camera use, or the hardware's, which libavcodec offers first.
 * It also bounds what a peer can have allocated: others take up to four times as much. */
static enum AVPixelFormat take_format(AVCodecContext *context, const enum AVPixelFormat *formats) {
    const sl_video_decoder *decoder = context->opaque;
    for (; *formats != AV_PIX_FMT_NONE; formats++) {
        if (*formats == AV_PIX_FMT_YUV420P || *formats == AV_PIX_FMT_YUVJ420P ||
            (decoder->device && *formats == decoder->there))
            return *formats;
    }
    return AV_PIX_FMT_NONE;
}

/* The first hardware that is there, of the kinds that give one picture for each frame at once. */
static void find_device(sl_video_decoder *decoder) {
    static const enum AVHWDeviceType types[] = {AV_HWDEVICE_TYPE_VAAPI, AV_HWDEVICE_TYPE_CUDA};
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(decoder->codec, i)); i++) {
        for (size_t k = 0; k < SL_COUNT(types); k++) {
            if (config->device_type != types[k] ||
                !(config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) ||
                av_hwdevice_ctx_create(&decoder->device, types[k], NULL, NULL, 0) < 0)
                continue;
            decoder->there = config->pix_fmt;
            sl_log(SL_LOG_DEBUG, "codec", "%s decodes %s", av_hwdevice_get_type_name(types[k]),
                   sl_format_name(decoder->format));
            return;
        }
    }
}

static int open_context(sl_video_decoder *decoder) {
    AVCodecContext *context = avcodec_alloc_context3(decoder->codec);
    if (!context)
        return sl_fail_memory();
    context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    context->max_pixels = SL_VIDEO_PIXELS_MAX;
    context->get_format = take_format;
    context->opaque = decoder;
    if (decoder->hardware && !decoder->device)
        find_device(decoder);
    decoder->hardware = decoder->device;
    if (decoder->device)
        context->hw_device_ctx = av_buffer_ref(decoder->device);
    /* libavcodec's H.264 decoder overlooks damaged slices when several threads share in a frame. */
    context->thread_count = decoder->format == SL_FORMAT_AV1 ? sl_video_threads(0) : 1;
    int error = sl_video_open_context(context, NULL);
    if (error < 0) {
        avcodec_free_context(&context);
        if (error == AVERROR(ENOMEM))
            return sl_fail_memory();
        return sl_fail(SL_EUNSUPPORTED, "libavcodec can't decode %s here",
                       sl_format_name(decoder->format));
    }
    decoder->context = context;
    return SL_OK;
}

/* libdav1d where it is there: libavcodec's own AV1 needs hardware. */
static const AVCodec *find_codec(sl_format format) {
    const AVCodec *codec = NULL;
    if (format == SL_FORMAT_AV1)
        codec = avcodec_find_decoder_by_name("libdav1d");
    return codec ? codec : avcodec_find_decoder(sl_video_codec_id(format));
}

bool sl_codec_can_decode(sl_format format) {
    return format == SL_FORMAT_JPEG || (sl_format_is_video(format) && find_codec(format));
}

int sl_video_decoder_open(sl_video_decoder **decoder, sl_format format, bool hardware) {
    *decoder = NULL;
    const AVCodec *codec = find_codec(format);
    if (!codec)
        return sl_fail(SL_EUNSUPPORTED, "this build of libavcodec can't decode %s",
                       sl_format_name(format));
    sl_video_decoder *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    *made =
        (sl_video_decoder){.format = format, .codec = codec, .waiting = true, .hardware = hardware};
    made->packet = av_packet_alloc();
    made->picture = av_frame_alloc();
    int result = made->packet && made->picture ? SL_OK : sl_fail_memory();
    if (result == SL_OK)
        result = sl_pool_open(&made->pixels.pool, KEPT_PIXELS);
    if (result == SL_OK)
        *decoder = made;
    else
        sl_video_decoder_close(&made);
    return result;
}

/* Lets a frame go, and all that build on it. What the decoder held is let go too. */
static int refuse(sl_video_decoder *decoder, const sl_frame *coded, const char *why) {
    decoder->waiting = true;
    avcodec_free_context(&decoder->context);
    return sl_fail(SL_EMESSAGE, "%s of %zu bytes can't be decoded: %s",
                   sl_format_name(coded->format), coded->size, why);
}

/* Whether the frame may be decoded or passed on after those before it. */
static int admit(sl_video_decoder *decoder, const sl_frame *coded) {
    if (coded->size == 0 || coded->size > SL_UNPACKED_MAX)
        return refuse(decoder, coded, "no frame has that size");
    sl_bitstream_state state =
        sl_bitstream_look(&decoder->stream, coded->format, coded->planes[0], coded->size);
    if (state == SL_BITSTREAM_LARGE)
        return refuse(decoder, coded,
                      "it has thousands of parts, or wants more memory than level 5.2 "
                      "allows");
    if (state == SL_BITSTREAM_AFRESH) {
        decoder->unseen = false;
        return SL_OK;
    }
    if (decoder->waiting)
        return refuse(decoder, coded, "the keyframe that it builds on is not there");
    if (state == SL_BITSTREAM_GAP)
        return refuse(decoder, coded, "a frame before it is missing");
    return SL_OK;
}

int sl_video_decoder_check(sl_video_decoder *decoder, const sl_frame *coded) {
    int result = admit(decoder, coded);
    if (result == SL_OK)
        decoder->waiting = false;
    decoder->unseen = true;
    return result;
}

/* A copy, with the zeros behind it that libavcodec's readers run into. */
static int fill_packet(sl_video_decoder *decoder, const sl_frame *coded) {
    if (av_new_packet(decoder->packet, (int)coded->size) < 0)
        return sl_fail_memory();
    memcpy(decoder->packet->data, coded->planes[0], coded->size);
    return SL_OK;
}

/* Brings the picture from the hardware to memory. */
static int download(AVFrame *picture) {
    AVFrame *here = av_frame_alloc();
    if (!here)
        return AVERROR(ENOMEM);
    int error = av_hwframe_transfer_data(here, picture, 0);
    if (error >= 0)
        error = av_frame_copy_props(here, picture);
    av_frame_unref(picture);
    if (error >= 0)
        av_frame_move_ref(picture, here);
    av_frame_free(&here);
    return error;
}

/* What the hardware can't decode, or not any more, software may. */
static void leave_hardware(sl_video_decoder *decoder) {
    if (!decoder->device)
        return;
    sl_log(SL_LOG_INFO, "codec", "the hardware failed to decode %s: software goes on",
           sl_format_name(decoder->format));
    av_buffer_unref(&decoder->device);
    decoder->hardware = false;
}

/* From the packet to decoder->picture: exactly one. */
static int run(sl_video_decoder *decoder, const sl_frame *coded) {
    AVFrame *picture = decoder->picture;
    int error = avcodec_send_packet(decoder->context, decoder->packet);
    av_packet_unref(decoder->packet);
    if (error >= 0)
        error = avcodec_receive_frame(decoder->context, picture);
    if (error >= 0 && picture->hw_frames_ctx)
        error = download(picture);
    if (error < 0)
        leave_hardware(decoder);
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    if (error == AVERROR(EAGAIN))
        return refuse(decoder, coded, "it gives no picture at once");
    if (error < 0)
        return refuse(decoder, coded, "it is damaged");
    if (picture->decode_error_flags || picture->flags & AV_FRAME_FLAG_CORRUPT)
        return refuse(decoder, coded, "a part of it is missing");
    if (picture->format != AV_PIX_FMT_YUV420P && picture->format != AV_PIX_FMT_YUVJ420P &&
        picture->format != AV_PIX_FMT_NV12)
        return refuse(decoder, coded, "its pixels are not 4:2:0 of 8 bits");
    return SL_OK;
}

static void release_picture(void *opaque, void *data) {
    AVFrame *picture = opaque;
    (void)data;
    av_frame_free(&picture);
}

/* Whether the picture is what frames promise as it is: full range, BT.601. */
static bool is_ours(const AVFrame *picture) {
    bool full = picture->format == AV_PIX_FMT_YUVJ420P || picture->color_range == AVCOL_RANGE_JPEG;
    return full && picture->format != AV_PIX_FMT_NV12 && picture->linesize[0] > 0 &&
           (picture->colorspace == AVCOL_SPC_BT470BG ||
            picture->colorspace == AVCOL_SPC_SMPTE170M ||
            picture->colorspace == AVCOL_SPC_UNSPECIFIED);
}

/* The planes as libavcodec laid them out, not copied. */
static int wrap(AVFrame *picture, sl_frame **frame) {
    uint8_t *planes[SL_PLANES_MAX];
    size_t strides[SL_PLANES_MAX];
    AVFrame *kept = av_frame_alloc();
    if (!kept)
        return sl_fail_memory();
    av_frame_move_ref(kept, picture);
    for (int i = 0; i < SL_PLANES_MAX; i++) {
        planes[i] = kept->data[i];
        strides[i] = (size_t)kept->linesize[i];
    }
    return sl_frame_wrap_picture(frame, SL_FORMAT_I420, kept->width, kept->height, planes, strides,
                                 release_picture, kept);
}

static int unpack(sl_video_decoder *decoder, const sl_frame *coded, sl_output output,
                  sl_frame **frame) {
    AVFrame *picture = decoder->picture;
    if (output == SL_OUTPUT_PLANES)
        return is_ours(picture) ? wrap(picture, frame)
                                : sl_pixels_planes(&decoder->pixels, picture, frame);
    if (coded->colorspace == SL_COLORSPACE_CMYK)
        return refuse(decoder, coded, "video has no CMYK");
    return sl_pixels_array(&decoder->pixels, picture, coded->colorspace, frame);
}

/* The frame's picture, in decoder->picture. */
static int decode(sl_video_decoder *decoder, const sl_frame *coded) {
    int result = admit(decoder, coded);
    if (result == SL_OK && decoder->unseen)
        return sl_fail(SL_EAGAIN, "frames before it were not decoded");
    if (result == SL_OK && !decoder->context)
        result = open_context(decoder);
    if (result == SL_OK)
        result = fill_packet(decoder, coded);
    return result == SL_OK ? run(decoder, coded) : result;
}

static int give(sl_video_decoder *decoder, const sl_frame *coded, sl_output output,
                sl_frame **frame) {
    *frame = NULL;
    int result = unpack(decoder, coded, output, frame);
    if (result == SL_OK)
        result = sl_frame_copy_properties(*frame, coded);
    if (result != SL_OK)
        sl_frame_unref(frame);
    return result;
}

int sl_video_decoder_decode(sl_video_decoder *decoder, const sl_frame *coded, sl_output output,
                            sl_frame **frame) {
    int result = decode(decoder, coded);
    if (result == SL_OK && frame)
        result = give(decoder, coded, output, frame);
    av_frame_unref(decoder->picture);
    if (result != SL_EAGAIN)
        decoder->waiting = result != SL_OK;
    return result;
}

bool sl_video_decoder_waits(const sl_video_decoder *decoder) {
    return decoder->waiting;
}

void sl_video_decoder_lose(sl_video_decoder *decoder) {
    decoder->waiting = true;
}

sl_format sl_video_decoder_format(const sl_video_decoder *decoder) {
    return decoder->format;
}

void sl_video_decoder_close(sl_video_decoder **decoder) {
    sl_video_decoder *closed = *decoder;
    if (!closed)
        return;
    *decoder = NULL;
    avcodec_free_context(&closed->context);
    av_buffer_unref(&closed->device);
    av_packet_free(&closed->packet);
    av_frame_free(&closed->picture);
    sl_pixels_finish(&closed->pixels);
    sl_pool_close(&closed->pixels.pool);
    free(closed);
}
