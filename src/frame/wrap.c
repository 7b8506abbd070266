/* frame: pictures around memory that somebody else laid out. */
#include "base/error.h"
#include "frame/frame.h"

#include <stdio.h>

/* What a reader of the frame finds out about its layout; returns the bytes of all planes. */
static size_t lay_out(sl_frame *layout, uint8_t *const *planes, const size_t *strides) {
    size_t total = 0;
    for (int i = 0; i < sl_format_planes(layout->format); i++) {
        layout->planes[i] = planes[i];
        layout->strides[i] = strides[i];
        total += strides[i] * (size_t)sl_plane_height(layout->format, i, layout->height);
    }
    if (sl_format_planes(layout->format) == 1) {
        layout->dimensions = layout->format == SL_FORMAT_BGR ? 3 : 2;
        layout->shape[0] = layout->height;
        layout->shape[1] = layout->width;
        layout->shape[2] = layout->format == SL_FORMAT_BGR ? 3 : 0;
    }
    snprintf(layout->dtype, sizeof(layout->dtype), "uint8");
    return total;
}

int sl_frame_wrap_picture(sl_frame **frame, sl_format format, int width, int height,
                          uint8_t *const *planes, const size_t *strides,
                          void (*release)(void *opaque, void *data), void *opaque) {
    sl_frame layout = {.format = format, .width = width, .height = height};
    sl_buffer *bytes;
    *frame = NULL;
    layout.size = lay_out(&layout, planes, strides);
    int code = sl_buffer_wrap(&bytes, planes[0], layout.size, release, opaque);
    if (code < 0) {
        release(opaque, planes[0]);
        return code;
    }
    code = sl_frame_new_coded(frame, format, bytes);
    sl_buffer_unref(&bytes);
    if (code >= 0)
        **frame = layout;
    return code;
}
