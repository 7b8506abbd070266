/*
 * Decoded pictures back to the size that they had at their sender. Called by the stream room, after
 * a codec.
 */
#include "codec/scaler.h"

#include "base/error.h"
#include "codec/pixels.h"

#include <stdlib.h>

#define KEPT_PICTURES 3 /* one shown, one queued, one being filled */

struct sl_scaler {
    sl_pixels pixels;
};

int sl_scaler_open(sl_scaler **scaler) {
    *scaler = calloc(1, sizeof **scaler);
    if (!*scaler)
        return sl_fail_memory();
    int result = sl_pool_open(&(*scaler)->pixels.pool, KEPT_PICTURES);
    if (result != SL_OK)
        sl_scaler_close(scaler);
    return result;
}

void sl_scaler_close(sl_scaler **scaler) {
    sl_scaler *closing = *scaler;
    if (!closing)
        return;
    *scaler = NULL;
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

int sl_scaler_restore(sl_scaler *scaler, const sl_frame *coded, sl_frame **frame) {
    sl_size full = {coded->full_width, coded->full_height}, has = size_of(*frame);
    sl_frame *restored = NULL;
    bool smaller = has.width < full.width || has.height < full.height;
    if (!smaller || sl_format_is_coded((*frame)->format) || coded->colorspace == SL_COLORSPACE_CMYK)
        return SL_OK;
    int result = sl_pixels_scale(&scaler->pixels, *frame, coded->colorspace, full, &restored);
    if (result != SL_OK)
        return result;
    sl_frame_unref(frame);
    *frame = restored;
    return SL_OK;
}
