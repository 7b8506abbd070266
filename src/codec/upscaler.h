/* codec: decoded pictures back to the size that they had at their sender. Belongs to one thread at
 * a time. */
#ifndef CODEC_UPSCALER_H
#define CODEC_UPSCALER_H

#include <sightline/frame.h>

typedef struct sl_upscaler sl_upscaler;

/* SL_ENOMEM. */
int sl_upscaler_open(sl_upscaler **upscaler);

/* Sets NULL. Safe on NULL. */
void sl_upscaler_close(sl_upscaler **upscaler);

/* Puts a picture as large as `coded` says its camera's is in place of `*frame`, which is what
 * `coded` was decoded to, and which the caller alone has. One that is that large already is left,
 * and so is what has no pixels to scale: CMYK, and what is coded still. SL_EMESSAGE when no
 * sender can have made that picture of one so large; SL_ENOMEM. */
int sl_upscaler_restore(sl_upscaler *upscaler, const sl_frame *coded, sl_frame **frame);

#endif
