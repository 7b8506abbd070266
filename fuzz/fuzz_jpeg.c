/*
 * A peer's JPEG, decoded in every way. The first byte chooses the way: bit 0 planes or array, bit 1
 * the sender's wish for fast transforms, bits 4 to 7 the colour space.
 */
#include "codec/codec.h"
#include "frame/frame.h"
#include "frame/jpeg_header.h"
#include "fuzz.h"

#include <string.h>

/* Larger pictures take the fuzzer's time and find nothing new. */
#define PIXELS_MAX (512 * 512)

/* Reads the last byte of all, so that a sanitizer sees if it is not there. */
static void touch(const sl_frame *frame) {
    volatile uint8_t last;
    if (frame->dimensions > 0) {
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

static void decode(sl_codec *codec, const sl_frame *coded, sl_output output) {
    sl_frame *frame = NULL;
    int width, height;
    if (sl_jpeg_size(coded->planes[0], coded->size, &width, &height) && width > PIXELS_MAX / height)
        return;
    if (sl_codec_decode(codec, coded, output, &frame) == 0)
        touch(frame);
    sl_frame_unref(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const sl_codec_settings settings = {.jpeg = true, .quality = 90};
    sl_codec *codec = NULL;
    sl_buffer *bytes = NULL;
    sl_frame *coded = NULL;
    if (size < 1 || sl_codec_open(&codec, &settings) != 0)
        return 0;
    if (sl_buffer_new(&bytes, size - 1) != 0)
        goto out;
    memcpy(bytes->data, data + 1, size - 1);
    if (sl_frame_new_coded(&coded, SL_FORMAT_JPEG, bytes) != 0)
        goto out;
    coded->fast_dct = coded->fast_upsample = data[0] & 2;
    coded->colorspace = (sl_colorspace)((data[0] >> 4) % (SL_COLORSPACE_CMYK + 1));
    /* Twice, because a codec must be as good as new after a bad frame. */
    for (int i = 0; i < 2; i++)
        decode(codec, coded, data[0] & 1 ? SL_OUTPUT_PLANES : SL_OUTPUT_ARRAY);
out:
    sl_frame_unref(&coded);
    sl_buffer_unref(&bytes);
    sl_codec_close(&codec);
    return 0;
}
