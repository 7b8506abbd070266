/* stream: the encoder of one lane in the live pattern, as the lane's destinations steer it. Used by
 * sender.c. */
#ifndef STREAM_CODER_H
#define STREAM_CODER_H

#include "codec/codec.h"
#include "stream/passing.h"
#include "stream/steering.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct sl_coder {
    const sl_codec_settings *settings; /* borrowed, as what follows is */
    sl_steering *steering;
    size_t lane;
    int threads;       /* that may share in one frame; 0: as many as are of use */
    atomic_bool rests; /* sl_coder_rest() was called, and nobody has seen to it yet */

    pthread_mutex_t lock; /* what follows, held while a frame is coded */
    sl_codec *codec;      /* NULL while there is none */
    sl_passing passing;   /* whether it is needed for a camera's own video */
} sl_coder;

void sl_coder_init(sl_coder *coder, const sl_codec_settings *settings, sl_steering *steering,
                   size_t lane, int threads);
void sl_coder_finish(sl_coder *coder);

/* SL_EINVAL for settings that no codec takes. What costs memory waits for the first frame. */
int sl_coder_open(sl_coder *coder);

/* Codes a frame, as sl_codec_encode() does, and reports how. For the lane's one worker. */
int sl_coder_code(sl_coder *coder, const sl_frame *frame, sl_frame **coded);

/* Frees the encoder if nobody takes the lane's frames, once no frame is being coded, for which it
 * does not wait; the next frame opens another one. The first lane keeps its own: whoever comes
 * begins there. Any thread. */
void sl_coder_rest(sl_coder *coder);

#endif
