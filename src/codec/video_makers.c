/*
 * The encoders of libavcodec that we know how to use, and how. Called by the video kind.
 */
#include "codec/video.h"

#include "base/settings.h"
#include "base/thread.h"

#include <signal.h>
#include <string.h>

#define THREADS_AUTOMATIC 4

/* libx264: a constant quantiser where the rate allows it (crf with qcomp 1), the best that can be
 * seen. Above that the buffer (rc_buffer_size) rules; of its two ways to do so crf's keeps nearer
 * to it: it used 96 to 99 % of 3 Mbit/s at 720p30 where a set rate used 77 to 80. A column of intra
 * blocks wanders through the picture every four seconds instead of keyframes, and scenes that
 * change don't cause one. `qmin` leaves room for keyframes, which are 3 finer. The others: a
 * constant rate, no delay, and a keyframe only when asked for (gop_size). */
static const sl_video_maker list[] = {
    {
        .name = "h264_v4l2m2m",
        .format = SL_FORMAT_H264,
        .hardware = true,
        .limited = true,
        .options = "",
    },
    {
        .name = "h264_vaapi",
        .format = SL_FORMAT_H264,
        .hardware = true,
        .device = AV_HWDEVICE_TYPE_VAAPI,
        .options = "rc_mode=CBR;async_depth=1;qmin=18",
    },
    {
        .name = "h264_nvenc",
        .format = SL_FORMAT_H264,
        .hardware = true,
        .steering = SL_STEERING_KEYFRAME, /* nvenc.c: reconfig_encoder() forces one */
        .options = "preset=p3;tune=ull;rc=cbr;zerolatency=1;delay=0;forced-idr=1;qmin=18;qmax=51",
    },
    {
        .name = "libx264",
        .format = SL_FORMAT_H264,
        .steering = SL_STEERING_SMOOTH,
        .slices = true,
        .presets = true,
        .quality = "crf",
        .options = "tune=zerolatency;qcomp=1;qmin=15;intra-refresh=1;g=120;sc_threshold=0;"
                   "forced-idr=1",
    },
    {
        .name = "hevc_vaapi",
        .format = SL_FORMAT_HEVC,
        .hardware = true,
        .device = AV_HWDEVICE_TYPE_VAAPI,
        .options = "rc_mode=CBR;async_depth=1;qmin=18",
    },
    {
        .name = "hevc_nvenc",
        .format = SL_FORMAT_HEVC,
        .hardware = true,
        .steering = SL_STEERING_KEYFRAME,
        .options = "preset=p3;tune=ull;rc=cbr;zerolatency=1;delay=0;forced-idr=1;qmin=18;qmax=51",
    },
    {
        .name = "libx265",
        .format = SL_FORMAT_HEVC,
        .presets = true,
        .options = "tune=zerolatency;forced-idr=1;qmin=18;x265-params=log-level=none:scenecut=0:"
                   "open-gop=0:frame-threads=1",
    },
    {
        .name = "libaom-av1",
        .format = SL_FORMAT_AV1,
        .options = "usage=realtime;cpu-used=8;lag-in-frames=0;row-mt=1;aq-mode=3;"
                   "enable-restoration=0;enable-cdef=1;enable-global-motion=0;qmin=8;qmax=56",
    },
};

const char *const sl_video_presets[] = {
    "auto",   "ultrafast", "superfast", "veryfast", "faster", "fast",
    "medium", "slow",      "slower",    "veryslow", NULL,
};

size_t sl_video_makers(const sl_video_maker **makers) {
    *makers = list;
    return SL_COUNT(list);
}

bool sl_codec_can_encode(sl_format format) {
    for (size_t i = 0; i < SL_COUNT(list); i++) {
        if (list[i].format == format && avcodec_find_encoder_by_name(list[i].name))
            return true;
    }
    return format == SL_FORMAT_JPEG;
}

enum AVCodecID sl_video_codec_id(sl_format format) {
    switch (format) {
    case SL_FORMAT_H264:
        return AV_CODEC_ID_H264;
    case SL_FORMAT_HEVC:
        return AV_CODEC_ID_HEVC;
    case SL_FORMAT_AV1:
        return AV_CODEC_ID_AV1;
    default:
        return AV_CODEC_ID_NONE;
    }
}

const sl_video_maker *sl_video_maker_named(const char *name, sl_video_maker *other) {
    for (size_t i = 0; i < SL_COUNT(list); i++) {
        if (strcmp(list[i].name, name) == 0)
            return avcodec_find_encoder_by_name(name) ? &list[i] : NULL;
    }
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    for (int format = SL_FORMAT_H264; codec && format <= SL_FORMAT_AV1; format++) {
        if (sl_video_codec_id((sl_format)format) != codec->id)
            continue;
        *other = (sl_video_maker){
            .name = codec->name,
            .format = (sl_format)format,
            .hardware = true, /* nothing is known of it, so it has to show what it does */
            .options = "",
        };
        return other;
    }
    return NULL;
}

sl_format sl_video_format_made(const char *name) {
    sl_video_maker other;
    const sl_video_maker *maker = sl_video_maker_named(name, &other);
    return maker ? maker->format : SL_FORMAT_NONE;
}

int sl_video_threads(int wanted) {
    int processors = sl_thread_processors();
    if (wanted > 0)
        return wanted;
    return processors < THREADS_AUTOMATIC ? processors : THREADS_AUTOMATIC;
}

int sl_video_open_context(AVCodecContext *context, AVDictionary **options) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = avcodec_open2(context, context->codec, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
