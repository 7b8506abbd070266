/* stream: a worker's decoders. Coded video builds on the frames before, so each sender's has one of
 * its own; all else shares one. Belongs to one thread at a time. */
#ifndef STREAM_DECODERS_H
#define STREAM_DECODERS_H

#include "codec/codec.h"

typedef struct sl_decoders sl_decoders;

/* The settings are borrowed. `full_size`: pictures that were made smaller for a narrow link are
 * scaled back. SL_EINVAL for settings out of their range; SL_ENOMEM. */
int sl_decoders_open(sl_decoders **decoders, const sl_codec_settings *settings, bool full_size);

/* Sets NULL. Safe on NULL. */
void sl_decoders_close(sl_decoders **decoders);

/* As sl_codec_decode(), by the decoder that has the frames which this one may build on. The one
 * that was not used for longest makes way when there are as many as there may be senders. Closes
 * what is idle. */
int sl_decoders_decode(sl_decoders *decoders, const sl_frame *coded, sl_output output,
                       sl_frame **frame);

/* Closes those that were not used for a minute: whose senders have ended, or show nobody anything.
 * `now_us`: monotonic. How many are left. */
size_t sl_decoders_close_idle(sl_decoders *decoders, int64_t now_us);

#endif
