/*
 * Chooses who codes and decodes a frame. Called by the stream room, with one codec for each of its
 * workers.
 */
#include "codec/codec.h"

#include "base/error.h"
#include "base/option.h"
#include "base/settings.h"
#include "frame/frame.h"

#include <stddef.h>
#include <stdlib.h>

static const sl_codec_kind *const kinds[] = {&sl_codec_jpeg, &sl_codec_raw};

#define KINDS SL_COUNT(kinds)

struct sl_codec {
    sl_codec_settings settings;
    void *states[KINDS]; /* NULL where the kind was not opened */
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
};

const size_t sl_codec_option_count = SL_COUNT(sl_codec_options);

int sl_codec_open(sl_codec **codec, const sl_codec_settings *settings) {
    *codec = NULL;
    if (settings->quality < 10 || settings->quality > 100)
        return sl_fail(SL_EINVAL, "a JPEG quality of %d is not from 10 to 100", settings->quality);
    if (!sl_colorspace_name(settings->colorspace))
        return sl_fail(SL_EINVAL, "there is no JPEG colour space number %d",
                       (int)settings->colorspace);
    sl_codec *new = calloc(1, sizeof(*new));
    if (!new)
        return sl_fail_memory();
    new->settings = *settings;
    *codec = new;
    return SL_OK;
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

int sl_codec_encode(sl_codec *codec, const sl_frame *frame, sl_frame **coded) {
    void *state;
    int result;
    *coded = NULL;
    /* What is coded already goes to the kind it belongs to, which passes it through. */
    sl_format format = frame->format == SL_FORMAT_JPEG ? frame->format : SL_FORMAT_NONE;
    const sl_codec_kind *kind = choose(codec, format, &state, &result);
    return kind ? kind->encode(state, frame, coded) : result;
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
