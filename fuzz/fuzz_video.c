/*
 * A peer's video, frame by frame. The first byte chooses the way: bits 0 and 1 the format, bits 2
 * and 3 the output, bits 4 to 7 the colour space. Then come frames, each behind its size in two
 * bytes, the lower one first; the last may be shorter.
 */
#include "codec/codec.h"
#include "frame/frame.h"
#include "fuzz.h"

#include <string.h>

/* Reads the last byte of all, so that a sanitizer sees if it is not there. */
static void touch(const sl_frame *frame) {
    volatile uint8_t last;
    if (frame->dimensions > 0 || sl_format_is_coded(frame->format)) {
        last = frame->planes[0][frame->size - 1];
        return;
    }
    for (int plane = 0; plane < sl_format_planes(frame->format); plane++) {
        size_t rows = (size_t)sl_plane_height(frame->format, plane, frame->height);
        size_t samples = (size_t)sl_plane_width(frame->format, plane, frame->width);
        last = frame->planes[plane][frame->strides[plane] * (rows - 1) + samples - 1];
    }
    (void)last;
}

/* Decodes a frame of these bytes. */
static void decode(sl_codec *codec, uint8_t way, const uint8_t *data, size_t size) {
    sl_buffer *bytes = NULL;
    sl_frame *coded = NULL, *frame = NULL;
    if (sl_buffer_new(&bytes, size) != 0)
        return;
    memcpy(bytes->data, data, size);
    if (sl_frame_new_coded(&coded, (sl_format)(SL_FORMAT_H264 + (way & 3) % 3), bytes) == 0) {
        coded->colorspace = (sl_colorspace)((way >> 4) % (SL_COLORSPACE_CMYK + 1));
        if (sl_codec_decode(codec, coded, (sl_output)((way >> 2 & 3) % 3), &frame) == 0)
            touch(frame);
    }
    sl_frame_unref(&frame);
    sl_frame_unref(&coded);
    sl_buffer_unref(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const sl_codec_settings settings = {.jpeg = true, .quality = 90};
    sl_codec *codec = NULL;
    if (size < 1 || sl_codec_open(&codec, &settings) != 0)
        return 0;
    for (size_t at = 1; at + 2 <= size;) {
        size_t length = data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        length = length < size - at ? length : size - at;
        decode(codec, data[0], data + at, length);
        at += length;
    }
    sl_codec_close(&codec);
    return 0;
}
