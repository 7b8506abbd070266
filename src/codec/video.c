/*
 * The video kind: which encoder makes what is aimed at, and which decoder takes what came. Called
 * by codec.c.
 */
#include "codec/video.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "codec/boost.h"
#include "codec/effort.h"
#include "codec/pixels.h"
#include "frame/bitstream.h"
#include "frame/frame.h"

#include <libavutil/log.h>
#include <math.h>
#include <stdlib.h>

/* Pictures kept for their next use: libx264 copies what it gets, hardware may hold one. */
#define KEPT_PICTURES 2

#define FRAME_BITS_LEAST 1000
#define FRAME_BITS_MOST  (64 * 1024 * 1024)

struct video {
    sl_codec_settings settings;
    sl_codec_aim aim;
    sl_effort effort;
    sl_pixels pixels;
    sl_video_encoder *encoder;
    const sl_video_maker *maker; /* of `encoder`, kept while another size is opened */
    sl_video_maker other;        /* what the user named and we don't list */
    unsigned failed;             /* a bit for each of sl_video_makers() that doesn't work here */
    bool afresh;                 /* the next frame is the first that the encoder makes in a row */
    sl_boost boost;
    sl_codec_report report;
    sl_video_decoder *decoder;
    uint64_t decoded; /* the sequence of the last frame that was */
};

/* Nothing but live frames is coded like this: see sl_codec_aim_at(). */
static bool encodes(const sl_codec_settings *settings) {
    (void)settings;
    return false;
}

static void close_video(void *state) {
    struct video *video = state;
    sl_video_encoder_close(&video->encoder);
    sl_video_decoder_close(&video->decoder);
    sl_pixels_finish(&video->pixels);
    sl_pool_close(&video->pixels.pool);
    free(video);
}

static int open_video(void **state, const sl_codec_settings *settings) {
    struct video *video = calloc(1, sizeof(*video));
    if (!video)
        return sl_fail_memory();
    av_log_set_level(AV_LOG_QUIET); /* libav would print; what matters our sentences say */
    video->settings = *settings;
    sl_boost_init(&video->boost);
    int result = sl_pool_open(&video->pixels.pool, KEPT_PICTURES);
    if (result == SL_OK)
        *state = video;
    else
        close_video(video);
    return result;
}

static void aim(void *state, const sl_codec_aim *at) {
    struct video *video = state;
    if (at->format != video->aim.format) {
        sl_video_encoder_close(&video->encoder);
        video->maker = NULL;
        video->failed = 0;
    }
    video->aim = *at;
}

static sl_codec_report report(const void *state) {
    const struct video *video = state;
    return video->report;
}

/* Opens one, if it makes what is wanted. */
static int try_maker(struct video *video, const sl_video_maker *maker, const sl_video_plan *plan) {
    int result = sl_video_encoder_open(&video->encoder, maker, video->maker == maker, plan);
    video->maker = result == SL_OK ? maker : NULL;
    video->afresh = result == SL_OK;
    if (result == SL_OK)
        sl_log(SL_LOG_DEBUG, "codec", "%s codes video of %dx%d", maker->name, plan->width,
               plan->height);
    else if (result == SL_EUNSUPPORTED)
        sl_log(SL_LOG_INFO, "codec", "%s", sl_error());
    return result;
}

static int open_named(struct video *video, const sl_video_plan *plan) {
    const char *name = video->settings.video_encoder;
    const sl_video_maker *maker = sl_video_maker_named(name, &video->other);
    if (!maker || maker->format != video->aim.format)
        return sl_fail(SL_EUNSUPPORTED, "%s doesn't make %s", name,
                       sl_format_name(video->aim.format));
    return try_maker(video, maker, plan);
}

/* Opens the one that worked before, or the first that works. */
static int open_encoder(struct video *video, const sl_video_plan *plan) {
    const sl_video_maker *makers;
    size_t count = sl_video_makers(&makers);
    sl_video_encoder_close(&video->encoder);
    if (video->settings.video_encoder)
        return open_named(video, plan);
    for (size_t i = 0; i < count; i++) {
        if (makers[i].format != video->aim.format || video->failed & 1U << i)
            continue;
        int result = try_maker(video, &makers[i], plan);
        if (result != SL_EUNSUPPORTED)
            return result;
        video->failed |= 1U << i;
    }
    return sl_fail(SL_EUNSUPPORTED, "no encoder for %s works here",
                   sl_format_name(video->aim.format));
}

/* The encoder that is open is of no more use, nor will it be opened again. */
static void give_up(struct video *video) {
    const sl_video_maker *makers;
    sl_video_makers(&makers);
    sl_log(SL_LOG_WARNING, "codec", "%s", sl_error());
    sl_video_encoder_close(&video->encoder);
    if (!video->settings.video_encoder)
        video->failed |= 1U << (video->maker - makers);
}

/* Has an encoder of this size code it; another one, when the first fails. */
static int encode_picture(struct video *video, const sl_frame *picture, sl_size from,
                          const sl_video_plan *plan, sl_frame **coded) {
    sl_frame *fitted = NULL;
    for (;;) {
        int result = SL_OK;
        if (!video->encoder || !sl_video_encoder_steer(video->encoder, plan))
            result = open_encoder(video, plan);
        if (result == SL_OK)
            result = sl_pixels_fit(&video->pixels, picture, video->settings.colorspace, from,
                                   (sl_size){plan->width, plan->height}, !video->maker->limited,
                                   &fitted);
        if (result != SL_OK)
            return result;
        result = sl_video_encoder_encode(video->encoder, fitted,
                                         video->aim.keyframe || video->afresh, coded);
        sl_frame_unref(&fitted);
        if (result != SL_EUNSUPPORTED)
            return result;
        give_up(video);
        if (video->settings.video_encoder)
            return result;
    }
}

/* Quality is at its best when the quantiser says so, or where there is none, the frame is far
 * smaller than it might be. Encoders that begin afresh with another rate are not asked for more. */
static void note(struct video *video, const sl_frame *coded, const sl_video_plan *plan,
                 double bits) {
    int quantiser = sl_video_encoder_quantiser(video->encoder);
    bool small = (int64_t)coded->size * 8 < plan->frame_bits / 2;
    video->report = (sl_codec_report){
        .encoder = video->maker->name,
        .width = plan->width,
        .height = plan->height,
        .quantiser = quantiser,
        .best = quantiser < 0 ? small : quantiser <= plan->quantiser,
    };
    if (video->maker->steering == SL_STEERING_SMOOTH)
        sl_boost_note(&video->boost, (double)coded->size * 8 / bits, video->report.best);
    else
        sl_boost_init(&video->boost);
}

/* What a camera has coded goes on as it is. */
static int pass_through(struct video *video, const sl_frame *frame, sl_frame **coded) {
    sl_bitstream stream = {0};
    bool afresh = sl_bitstream_look(&stream, frame->format, frame->planes[0], frame->size) ==
                  SL_BITSTREAM_AFRESH;
    int result = sl_frame_share(coded, frame);
    if (result != SL_OK)
        return result;
    (*coded)->keyframe = afresh;
    video->afresh = true;
    video->report = (sl_codec_report){
        .encoder = "copy",
        .width = frame->width,
        .height = frame->height,
        .quantiser = -1,
        .best = true,
        .copied = true,
    };
    return SL_OK;
}

static int encode(void *state, const sl_frame *frame, sl_frame **coded) {
    struct video *video = state;
    const sl_codec_aim *at = &video->aim;
    sl_video_preset chosen = video->settings.video_preset;
    sl_size from, to;
    if (sl_format_is_video(frame->format))
        return pass_through(video, frame, coded);
    int result = sl_pixels_size(frame, at->scale, &from, &to);
    if (result != SL_OK)
        return result;
    if (video->effort.rise_s == 0)
        sl_effort_init(&video->effort, (double)to.width * to.height * at->fps);
    double bits = fmax((double)at->bit_rate / at->fps, FRAME_BITS_LEAST);
    sl_video_plan plan = {
        .width = to.width,
        .height = to.height,
        .threads = at->threads,
        .frame_bits = (int64_t)fmin(bits * video->boost.times, FRAME_BITS_MOST),
        .preset = chosen != SL_PRESET_AUTO ? chosen : sl_effort_preset(&video->effort),
        .quantiser = sl_effort_quantiser(&video->effort),
    };
    int64_t began_us = sl_now_us();
    result = encode_picture(video, frame, from, &plan, coded);
    if (result != SL_OK)
        return result;
    sl_effort_note(&video->effort, (double)(sl_now_us() - began_us) / SL_SECOND_US, 1 / at->fps);
    video->afresh = false;
    note(video, *coded, &plan, bits);
    bool afresh = (*coded)->keyframe;
    result = sl_frame_copy_properties(*coded, frame);
    (*coded)->keyframe = afresh;
    (*coded)->colorspace = video->settings.colorspace;
    if (result != SL_OK)
        sl_frame_unref(coded);
    return result;
}

/* The decoder for what came: the one that is open, but for another format. */
static int need_decoder(struct video *video, sl_format format) {
    if (video->decoder && sl_video_decoder_format(video->decoder) == format)
        return SL_OK;
    sl_video_decoder_close(&video->decoder);
    return sl_video_decoder_open(&video->decoder, format, video->settings.hardware_decoding);
}

/* What is to be decoded next on the way to a frame of a stream: what follows the last one that was,
 * or a keyframe. NULL: neither is there any more. */
static const sl_frame *next_on_way(const struct video *video, const sl_frame *coded) {
    bool goes_on = !sl_video_decoder_waits(video->decoder);
    const sl_frame *frame = coded;
    while (frame && !frame->keyframe && !(goes_on && frame->sequence == video->decoded + 1))
        frame = sl_frame_before(frame);
    return frame;
}

/* Decodes what is missing before a frame of a stream. */
static int catch_up(struct video *video, const sl_frame *coded) {
    const sl_frame *next = NULL;
    while ((next = next_on_way(video, coded)) != coded) {
        if (!next) {
            sl_video_decoder_lose(video->decoder);
            return sl_fail(SL_EMESSAGE,
                           "the last keyframe is too far back to decode %s now; "
                           "pictures go on with the next one",
                           sl_format_name(coded->format));
        }
        int result = sl_video_decoder_decode(video->decoder, next, SL_OUTPUT_PLANES, NULL);
        if (result != SL_OK)
            return result;
        video->decoded = next->sequence;
    }
    return SL_OK;
}

static int decode(void *state, const sl_frame *coded, sl_output output, sl_frame **frame) {
    struct video *video = state;
    int result = need_decoder(video, coded->format);
    if (result == SL_OK && sl_frame_follows(coded))
        result = catch_up(video, coded);
    if (result == SL_OK)
        result = sl_video_decoder_decode(video->decoder, coded, output, frame);
    if (result == SL_OK)
        video->decoded = coded->sequence;
    return result;
}

static int check(void *state, const sl_frame *coded) {
    struct video *video = state;
    int result = need_decoder(video, coded->format);
    return result == SL_OK ? sl_video_decoder_check(video->decoder, coded) : result;
}

const sl_codec_kind sl_codec_video = {
    .name = "video",
    .encodes = encodes,
    .decodes = sl_format_is_video,
    .open = open_video,
    .encode = encode,
    .decode = decode,
    .close = close_video,
    .check = check,
    .aim = aim,
    .report = report,
};
