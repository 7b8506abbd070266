/* sink: a frame as libav sees it, and other pixels made of it. */
#ifndef SINK_IMAGE_H
#define SINK_IMAGE_H

#include "base/log.h"
#include <libavutil/frame.h>
#include <sightline/frame.h>
#include <stdbool.h>
#include <stdint.h>

/* Fills `image` (which the caller zeroed or used for this before) so that it points into the
 * frame's pixels, without a reference of its own. False when the frame is no picture: coded, or an
 * array other than 8-bit of height, width, and nothing or 1, 3 or 4 channels. YUV is marked full
 * range; four channels are taken for BGRA, as OpenCV has it, the alpha ignored. */
bool sl_image_of(const sl_frame *frame, AVFrame *image);

/* Makes pixels of one format and size of whatever comes; zeroed to begin with. */
typedef struct sl_scaler {
    struct SwsContext *context;
    AVFrame *made;
} sl_scaler;

/* Converts `image` into `*made`, which belongs to the scaler and is good until the next call.
 * SL_EUNSUPPORTED when the sizes are beyond what can be converted, SL_ENOMEM. */
int sl_scaler_convert(sl_scaler *scaler, const AVFrame *image, enum AVPixelFormat format, int width,
                      int height, AVFrame **made);

void sl_scaler_finish(sl_scaler *scaler);

/* Counts frames that a sink can't show or store, and logs why: a peer chose them, so they are no
 * failure. Zeroed to begin with. */
typedef struct sl_refused {
    uint64_t count;
    sl_log_limit limit;
} sl_refused;

void sl_refused_frame(sl_refused *refused, const sl_frame *frame, const char *why);

#endif
