/*
 * The kind that codes nothing: arrays travel as they are. Called by codec.c.
 */
#include "base/error.h"
#include "codec/codec.h"
#include "frame/frame.h"

static bool encodes(const sl_codec_settings *settings) {
    return !settings->jpeg;
}

static bool decodes(sl_format format) {
    return format == SL_FORMAT_ARRAY || format == SL_FORMAT_GRAY || format == SL_FORMAT_BGR;
}

/* Codecs must have a state, so that opening one can be told from not having opened it. */
static int open_raw(void **state, const sl_codec_settings *settings) {
    static char none;
    (void)settings;
    *state = &none;
    return SL_OK;
}

static int encode(void *state, const sl_frame *frame, sl_frame **coded) {
    (void)state;
    if (!decodes(frame->format))
        return sl_fail(SL_EINVAL,
                       "%s can't be sent raw, only arrays, GRAY and BGR: ask the source for one of "
                       "these, or send JPEG",
                       sl_format_name(frame->format));
    *coded = sl_frame_ref(frame);
    return SL_OK;
}

static int decode(void *state, const sl_frame *coded, sl_output output, sl_frame **frame) {
    (void)state;
    (void)output;
    *frame = sl_frame_ref(coded);
    return SL_OK;
}

static void close_raw(void *state) {
    (void)state;
}

const sl_codec_kind sl_codec_raw = {
    .name = "raw",
    .encodes = encodes,
    .decodes = decodes,
    .open = open_raw,
    .encode = encode,
    .decode = decode,
    .close = close_raw,
};
