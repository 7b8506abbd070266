/* stream: who sees a receiver's frames as they come, coded, before any is let go or decoded. */
#ifndef STREAM_TAPS_H
#define STREAM_TAPS_H

#include <pthread.h>
#include <sightline/view.h>

#define SL_TAPS_MAX 4

typedef struct sl_taps {
    pthread_mutex_t lock; /* everything below; held while a tap takes a frame */
    sl_tap all[SL_TAPS_MAX];
    size_t count;
} sl_taps;

void sl_taps_init(sl_taps *taps);
void sl_taps_finish(sl_taps *taps);

/* SL_EINVAL when there are as many as there may be. */
int sl_taps_add(sl_taps *taps, const sl_tap *tap);

/* Takes those of that user away. None of their calls is under way then. */
void sl_taps_remove(sl_taps *taps, const void *user);

/* Link thread: shows them a frame. */
void sl_taps_pass(sl_taps *taps, const sl_frame *coded);

#endif
