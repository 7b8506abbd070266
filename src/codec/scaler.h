/* codec: decoded pictures back to the size that they had at their sender. Belongs to one thread at
 * a time. */
#ifndef CODEC_SCALER_H
#define CODEC_SCALER_H

#include <sightline/frame.h>

typedef struct sl_scaler sl_scaler;

/* SL_ENOMEM. */
int sl_scaler_open(sl_scaler **scaler);

/* Sets NULL. Safe on NULL. */
void sl_scaler_close(sl_scaler **scaler);

/* Puts a picture as large as `coded` says its camera's is in place of `*frame`, which is what
 * `coded` was decoded to, and which the caller alone has. One that is that large already is left,
 * and so is what has no pixels to scale: CMYK, and what is coded still. SL_ENOMEM. */
int sl_scaler_restore(sl_scaler *scaler, const sl_frame *coded, sl_frame **frame);

#endif
