/* codec: pixels from one layout and size to another, by libswscale. */
#ifndef CODEC_PIXELS_H
#define CODEC_PIXELS_H

#include "codec/codec.h"
#include "frame/frame.h"

#include <libavutil/frame.h>

/* What libswscale is set up for. Zeroed to begin with. */
typedef struct sl_pixels_plan {
    int width, height, format; /* AVPixelFormat */
    int full;                  /* range of YUV: 1 is 0 to 255 */
    int matrix;                /* AVColorSpace of YUV */
} sl_pixels_plan;

typedef struct sl_pixels {
    void *context; /* SwsContext */
    sl_pixels_plan from, to;
    sl_pool *pool; /* for what is made here; NULL: the heap */
} sl_pixels;

/* An uninitialised array of pixels in this colour space. */
int sl_pixels_new(sl_frame **frame, sl_pool *pool, sl_colorspace colorspace, int width, int height);

/* The part of a picture that goes into one of `scale` times its size, at most 1, and what size that
 * has: both with even sides, and no more than SL_VIDEO_PIXELS_MAX. SL_EINVAL for what is too small,
 * or no picture. */
int sl_pixels_size(const sl_frame *picture, double scale, sl_size *from, sl_size *to);

/* Makes I420 of this size from the top left of `picture`, `from_width` by `from_height` of it;
 * gives a reference to its own memory where it is that already. A picture is planar, gray, or an
 * array in the order of `colorspace`. `full` is the range: frames' own, or video's 16 to 235.
 * SL_EINVAL for an array that is no such picture. */
int sl_pixels_fit(sl_pixels *pixels, const sl_frame *picture, sl_colorspace colorspace,
                  sl_size from, sl_size to, bool full, sl_frame **fitted);

/* Makes I420 as frames have it, full range and BT.601, or an array in the order of `colorspace`, of
 * a decoded picture. SL_EINVAL when nothing converts to that. */
int sl_pixels_planes(sl_pixels *pixels, const AVFrame *picture, sl_frame **frame);
int sl_pixels_array(sl_pixels *pixels, const AVFrame *picture, sl_colorspace colorspace,
                    sl_frame **frame);

/* Makes a picture of another size and the same layout. An array has the order of `colorspace`.
 * SL_EINVAL for an array that is no such picture. */
int sl_pixels_scale(sl_pixels *pixels, const sl_frame *picture, sl_colorspace colorspace,
                    sl_size to, sl_frame **scaled);

void sl_pixels_finish(sl_pixels *pixels);

#endif
