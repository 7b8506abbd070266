/*
 * Decoded pictures back to the size that they had at their sender. Called by the stream room, after
 * a codec.
 */
#include "codec/upscaler.h"

#include "base/error.h"
#include "codec/pixels.h"

#include <stdlib.h>

#define TIMES_MOST    4 /* a side is scaled by; senders halve it at most */
#define KEPT_PICTURES 3 /* one shown, one queued, one being filled */

struct sl_upscaler {
    sl_pixels pixels;
};

int sl_upscaler_open(sl_upscaler **upscaler) {
    *upscaler = calloc(1, sizeof **upscaler);
    if (!*upscaler)
        return sl_fail_memory();
    int result = sl_pool_open(&(*upscaler)->pixels.pool, KEPT_PICTURES);
    if (result != SL_OK)
        sl_upscaler_close(upscaler);
    return result;
}

void sl_upscaler_close(sl_upscaler **upscaler) {
    sl_upscaler *closing = *upscaler;
    if (!closing)
        return;
    *upscaler = NULL;
    sl_pixels_finish(&closing->pixels);
    sl_pool_close(&closing->pixels.pool);
    free(closing);
}

/* Of arrays that are no pictures by their shape, such as those with four channels, too. */
static sl_size size_of(const sl_frame *frame) {
    if (frame->dimensions >= 2)
        return (sl_size){(int)frame->shape[1], (int)frame->shape[0]};
    return (sl_size){frame->width, frame->height};
}

/* Whether a side may have been made smaller like that. */
static bool is_likely(int has, int full) {
    return full >= has && full <= has * TIMES_MOST;
}

int sl_upscaler_restore(sl_upscaler *upscaler, const sl_frame *coded, sl_frame **frame) {
    sl_size full = {coded->full_width, coded->full_height}, has = size_of(*frame);
    sl_frame *restored = NULL;
    bool smaller = has.width < full.width || has.height < full.height;
    if (!smaller || sl_format_is_coded((*frame)->format) || coded->colorspace == SL_COLORSPACE_CMYK)
        return SL_OK;
    if (!is_likely(has.width, full.width) || !is_likely(has.height, full.height))
        return sl_fail(SL_EMESSAGE, "a picture of %dx%d can't have been one of %dx%d", has.width,
                       has.height, full.width, full.height);
    int result = sl_pixels_scale(&upscaler->pixels, *frame, coded->colorspace, full, &restored);
    if (result != SL_OK)
        return result;
    sl_frame_unref(frame);
    *frame = restored;
    return SL_OK;
}
