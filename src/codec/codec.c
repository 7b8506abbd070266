/*
 * Chooses who codes and decodes a frame. Called by the stream room, with one codec for each of its
 * workers.
 */
#include "codec/codec.h"

#include "base/error.h"
#include "base/log.h"
#include "base/option.h"
#include "base/settings.h"
#include "codec/pixels.h"
#include "codec/video.h"
#include "frame/frame.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const sl_codec_kind *const kinds[] = {&sl_codec_jpeg, &sl_codec_raw, &sl_codec_video};

#define KINDS SL_COUNT(kinds)

struct sl_codec {
    sl_codec_settings settings;
    void *states[KINDS]; /* NULL where the kind was not opened */
    sl_codec_aim aim;    /* its format is SL_FORMAT_NONE where nothing is aimed at */
    bool no_video;       /* no encoder works: JPEG in its place */
    sl_codec_report report;
};

static const char *const video_codecs[] = {
    [SL_VIDEO_AUTO] = "auto", [SL_VIDEO_H264] = "h264", [SL_VIDEO_HEVC] = "hevc",
    [SL_VIDEO_AV1] = "av1",   [SL_VIDEO_JPEG] = "jpeg", NULL,
};

#define COLORSPACES "BGR, RGB, BGRX, RGBX, XBGR, XRGB, BGRA, RGBA, ABGR, ARGB, GRAY or CMYK"

/* NetGear's jpeg_compression is true, false, or a colour space, so its field is the whole group. */
static int parse_jpeg_compression(void *group, const char *value) {
    static const sl_option plain = {.name = "jpeg_compression", .type = SL_OPTION_BOOL};
    sl_codec_settings *settings = group;
    sl_colorspace colorspace = SL_COLORSPACE_BGR;
    bool on = true;
    if (sl_option_read(&plain, &on, value, true) != SL_OK &&
        sl_colorspace_parse(value, &colorspace) != SL_OK)
        return sl_fail(SL_EINVAL,
                       "jpeg_compression must be true, false or a colour space (" COLORSPACES
                       "), not \"%s\"",
                       value);
    settings->jpeg = on;
    settings->colorspace = colorspace;
    return SL_OK;
}

const sl_option sl_codec_options[] = {
    {
        .name = "jpeg_compression",
        .type = SL_OPTION_PARSED,
        .offset = 0,
        .parse = parse_jpeg_compression,
        .fallback = "true",
        .values = "true, false, " COLORSPACES,
        .help = "Send JPEG, made of arrays in this order of colours (true means BGR); false sends "
                "raw arrays",
    },
    {
        .name = "jpeg_compression_quality",
        .type = SL_OPTION_INT,
        .offset = offsetof(sl_codec_settings, quality),
        .minimum = 10,
        .maximum = 100,
        .fallback = "90",
        .help = "JPEG quality: higher is better and larger",
    },
    {
        .name = "min_quality",
        .type = SL_OPTION_INT,
        .offset = offsetof(sl_codec_settings, min_quality),
        .minimum = 10,
        .maximum = 100,
        .fallback = "30",
        .help =
            "JPEG quality that is not gone below where the way is slow (live, pair, reqrep); 100 "
            "keeps it as it is",
    },
    {
        .name = "jpeg_compression_fastdct",
        .type = SL_OPTION_BOOL,
        .offset = offsetof(sl_codec_settings, fast_dct),
        .fallback = "true",
        .help = "Use the fastest, slightly less exact transform for JPEG, at both ends",
    },
    {
        .name = "jpeg_compression_fastupsample",
        .type = SL_OPTION_BOOL,
        .offset = offsetof(sl_codec_settings, fast_upsample),
        .fallback = "false",
        .help = "Unpack JPEG colours by the fastest, blockier way",
    },
    {
        .name = "video_codec",
        .type = SL_OPTION_CHOICE,
        .offset = offsetof(sl_codec_settings, video_codec),
        .choices = video_codecs,
        .fallback = "auto",
        .values = "auto|h264|hevc|av1|jpeg",
        .help = "How the live pattern codes frames; auto is H.264, and JPEG where nothing makes "
                "that or a viewer can't decode it",
    },
    {
        .name = "video_encoder",
        .type = SL_OPTION_STRING,
        .offset = offsetof(sl_codec_settings, video_encoder),
        .values = "NAME|auto",
        .help = "The encoder for live video, by its name in libavcodec; auto tries hardware first",
    },
    {
        .name = "video_copy",
        .type = SL_OPTION_BOOL,
        .offset = offsetof(sl_codec_settings, video_copy),
        .fallback = "true",
        .help = "Let video that a camera or stream has coded itself go on as it is while the live "
                "pattern's rate allows it; false codes all anew",
    },
    {
        .name = "video_preset",
        .type = SL_OPTION_CHOICE,
        .offset = offsetof(sl_codec_settings, video_preset),
        .choices = sl_video_presets,
        .fallback = "auto",
        .values = "auto|ultrafast|superfast|veryfast|faster|fast|medium|slow|slower|veryslow",
        .help =
            "How much work libx264 and libx265 put into a frame of live video; auto is superfast, "
            "or ultrafast where there is no time for that",
    },
    {
        .name = "hardware_decoding",
        .type = SL_OPTION_BOOL,
        .offset = offsetof(sl_codec_settings, hardware_decoding),
        .fallback = "true",
        .help = "Have hardware decode live video, where there is any that can (VAAPI, NVDEC)",
    },
};

const size_t sl_codec_option_count = SL_COUNT(sl_codec_options);

/* The encoder that the user named, or NULL. */
static const char *named_encoder(const sl_codec_settings *settings) {
    const char *name = settings->video_encoder;
    return name && *name && strcmp(name, "auto") != 0 ? name : NULL;
}

static sl_format format_of(sl_video_codec codec) {
    static const sl_format formats[] = {
        [SL_VIDEO_AUTO] = SL_FORMAT_H264, [SL_VIDEO_H264] = SL_FORMAT_H264,
        [SL_VIDEO_HEVC] = SL_FORMAT_HEVC, [SL_VIDEO_AV1] = SL_FORMAT_AV1,
        [SL_VIDEO_JPEG] = SL_FORMAT_JPEG,
    };
    return (size_t)codec < SL_COUNT(formats) ? formats[codec] : SL_FORMAT_NONE;
}

static int check_video(const sl_codec_settings *settings) {
    const char *name = named_encoder(settings);
    sl_format format = format_of(settings->video_codec);
    sl_format made = name ? sl_video_format_made(name) : format;
    if (format == SL_FORMAT_NONE)
        return sl_fail(SL_EINVAL, "there is no video codec number %d", (int)settings->video_codec);
    if (settings->video_preset > SL_PRESET_VERYSLOW)
        return sl_fail(SL_EINVAL, "there is no video preset number %d",
                       (int)settings->video_preset);
    if (made == SL_FORMAT_NONE)
        return sl_fail(SL_EINVAL,
                       "video_encoder: libavcodec has no encoder \"%s\" for H.264, HEVC "
                       "or AV1; `ffmpeg -encoders` lists what it has",
                       name);
    if (made != format && settings->video_codec != SL_VIDEO_AUTO)
        return sl_fail(SL_EINVAL, "video_encoder: %s makes %s, but video_codec is %s", name,
                       sl_format_name(made), video_codecs[settings->video_codec]);
    return SL_OK;
}

int sl_codec_open(sl_codec **codec, const sl_codec_settings *settings) {
    *codec = NULL;
    if (settings->quality < 10 || settings->quality > 100)
        return sl_fail(SL_EINVAL, "a JPEG quality of %d is not from 10 to 100", settings->quality);
    if (!sl_colorspace_name(settings->colorspace))
        return sl_fail(SL_EINVAL, "there is no JPEG colour space number %d",
                       (int)settings->colorspace);
    int result = check_video(settings);
    if (result != SL_OK)
        return result;
    sl_codec *new = calloc(1, sizeof(*new));
    if (!new)
        return sl_fail_memory();
    new->settings = *settings;
    new->settings.video_encoder = named_encoder(settings);
    *codec = new;
    return SL_OK;
}

sl_format sl_codec_live_format(const sl_codec_settings *settings) {
    const char *name = named_encoder(settings);
    sl_format made = name ? sl_video_format_made(name) : SL_FORMAT_NONE;
    return made != SL_FORMAT_NONE ? made : format_of(settings->video_codec);
}

bool sl_codec_chooses(const sl_codec_settings *settings) {
    return settings->video_codec == SL_VIDEO_AUTO && !named_encoder(settings);
}

/* The kind that decodes this format, or encodes as set when it is SL_FORMAT_NONE, and its state,
 * made when first needed: a sender never decodes. NULL with the code in *result. */
static const sl_codec_kind *choose(sl_codec *codec, sl_format format, void **state, int *result) {
    for (size_t i = 0; i < KINDS; i++) {
        bool fits = format == SL_FORMAT_NONE ? kinds[i]->encodes(&codec->settings)
                                             : kinds[i]->decodes(format);
        if (!fits)
            continue;
        *result = codec->states[i] ? SL_OK : kinds[i]->open(&codec->states[i], &codec->settings);
        *state = codec->states[i];
        return *result == SL_OK ? kinds[i] : NULL;
    }
    *result = sl_fail(SL_EINVAL, "nothing here codes %s", sl_format_name(format));
    return NULL;
}

int sl_codec_aim_at(sl_codec *codec, const sl_codec_aim *aim) {
    bool known = aim->format == SL_FORMAT_JPEG || sl_format_is_video(aim->format);
    /* Comparisons that no NaN passes. */
    bool in_range = aim->bit_rate > 0 && aim->fps > 0 && aim->scale > 0 && aim->scale <= 1 &&
                    aim->quality >= 10 && aim->quality <= 100 && aim->threads >= 0;
    if (!known || !in_range)
        return sl_fail(SL_EINVAL,
                       "nothing can be encoded as %s at %lld bit/s, %g frames/s, scale %g, "
                       "quality %d",
                       sl_format_name(aim->format), (long long)aim->bit_rate, aim->fps, aim->scale,
                       aim->quality);
    bool keyframe = codec->aim.keyframe || aim->keyframe || codec->aim.format != aim->format;
    codec->aim = *aim;
    codec->aim.keyframe = keyframe;
    return SL_OK;
}

/* Whether a coded frame goes out as it came: it is what is wanted, and a JPEG not too large. */
static bool passes(const sl_codec_aim *aim, const sl_frame *frame) {
    if (frame->format != aim->format)
        return false;
    if (frame->format != SL_FORMAT_JPEG)
        return !aim->recode;
    return aim->scale >= 1 && (double)frame->size * 8 * aim->fps <= (double)aim->bit_rate;
}

/* Says in a frame that was made smaller how large the picture is without that. */
static void note_full_size(const sl_frame *picture, sl_frame *coded) {
    sl_size from, full = {picture->width, picture->height};
    if (picture->dimensions >= 2)
        full = (sl_size){(int)picture->shape[1], (int)picture->shape[0]};
    if (sl_format_is_video(coded->format) && sl_pixels_size(picture, 1, &from, &full) != SL_OK)
        return;
    bool larger = coded->width < full.width || coded->height < full.height;
    if (!larger || (int64_t)full.width * full.height > SL_VIDEO_PIXELS_MAX)
        return;
    coded->full_width = full.width;
    coded->full_height = full.height;
}

static int encode_as_aimed(sl_codec *codec, const sl_frame *picture, sl_frame **coded) {
    void *state;
    int result;
    const sl_codec_kind *kind = choose(codec, codec->aim.format, &state, &result);
    if (!kind)
        return result;
    kind->aim(state, &codec->aim);
    result = kind->encode(state, picture, coded);
    if (result != SL_OK)
        return result;
    codec->report = kind->report(state);
    if (codec->aim.scale < 1 && !sl_format_is_coded(picture->format))
        note_full_size(picture, *coded);
    if ((*coded)->keyframe || !sl_format_is_video((*coded)->format))
        codec->aim.keyframe = false;
    return SL_OK;
}

/* What the live pattern wants: coded frames that are none of that are decoded first. */
static int encode_live(sl_codec *codec, const sl_frame *frame, sl_frame **coded) {
    sl_frame *picture = NULL;
    int result = SL_OK;
    if (codec->no_video)
        codec->aim.format = SL_FORMAT_JPEG;
    if (sl_format_is_coded(frame->format) && !passes(&codec->aim, frame))
        result = sl_codec_decode(codec, frame, SL_OUTPUT_PLANES, &picture);
    else
        picture = sl_frame_ref(frame);
    if (result == SL_OK && picture)
        result = encode_as_aimed(codec, picture, coded);
    if (result == SL_EUNSUPPORTED && picture && sl_codec_chooses(&codec->settings)) {
        sl_log(SL_LOG_WARNING, "codec", "%s: frames go as JPEG", sl_error());
        codec->no_video = true;
        codec->aim.format = SL_FORMAT_JPEG;
        result = encode_as_aimed(codec, picture, coded);
    }
    sl_frame_unref(&picture);
    return result;
}

int sl_codec_encode(sl_codec *codec, const sl_frame *frame, sl_frame **coded) {
    void *state;
    int result;
    *coded = NULL;
    if (codec->aim.format != SL_FORMAT_NONE)
        return encode_live(codec, frame, coded);
    /* What is coded already goes to the kind it belongs to, which passes it through. */
    sl_format format = sl_format_is_coded(frame->format) ? frame->format : SL_FORMAT_NONE;
    const sl_codec_kind *kind = choose(codec, format, &state, &result);
    return kind ? kind->encode(state, frame, coded) : result;
}

sl_codec_report sl_codec_last(const sl_codec *codec) {
    return codec->report;
}

int sl_codec_decode(sl_codec *codec, const sl_frame *coded, sl_output output, sl_frame **frame) {
    void *state;
    int result;
    *frame = NULL;
    const sl_codec_kind *kind = choose(codec, coded->format, &state, &result);
    if (!kind)
        return result;
    if (output != SL_OUTPUT_CODED)
        return kind->decode(state, coded, output, frame);
    result = kind->check ? kind->check(state, coded) : SL_OK;
    *frame = result == SL_OK ? sl_frame_ref(coded) : NULL;
    return result;
}

void sl_codec_close(sl_codec **codec) {
    if (!*codec)
        return;
    for (size_t kind = 0; kind < KINDS; kind++) {
        if ((*codec)->states[kind])
            kinds[kind]->close((*codec)->states[kind]);
    }
    free(*codec);
    *codec = NULL;
}
