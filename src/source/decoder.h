/* source: pictures of an input, decoded. Belongs to the thread that reads the source. */
#ifndef SOURCE_DECODER_H
#define SOURCE_DECODER_H

#include "source/input.h"

typedef struct sl_decoder sl_decoder;

/* Decodes what `input` (borrowed) brings. SL_ESOURCE. */
int sl_decoder_open(sl_decoder **decoder, sl_input *input, sl_source_shared *shared);

/* Decodes a packet that was read already, and empties it. SL_OK for a broken one, too. */
int sl_decoder_send(sl_decoder *decoder, AVPacket *packet, int64_t captured_us);

/* The next picture, reading packets as needed; its reordered_opaque is when its packet came. What
 * can't be decoded is counted and skipped. SL_EEND, SL_ESOURCE, SL_ECANCELED. */
int sl_decoder_read(sl_decoder *decoder, AVFrame *picture);

void sl_decoder_close(sl_decoder **decoder);

#endif
