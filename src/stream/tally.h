/* stream: what one end counts, for sl_stats. Any thread may add and read. */
#ifndef STREAM_TALLY_H
#define STREAM_TALLY_H

#include "base/log.h"
#include "stream/latency.h"
#include "stream/rate.h"
#include <pthread.h>
#include <sightline/stats.h>

typedef struct sl_tally {
    pthread_mutex_t lock; /* everything below */
    uint64_t frames, drops[SL_DROPS], rejected, bytes;
    sl_rate rate;              /* of bytes */
    int64_t first_us, last_us; /* frames; monotonic; 0: there was none yet */
    sl_latency_log latency;
    sl_log_limit rejections; /* of log lines */
} sl_tally;

void sl_tally_init(sl_tally *tally);
void sl_tally_finish(sl_tally *tally);

/* A frame was delivered. */
void sl_tally_frame(sl_tally *tally);

/* A frame of so many bytes was on the link. */
void sl_tally_bytes(sl_tally *tally, size_t bytes);

/* A frame was let go. */
void sl_tally_drop(sl_tally *tally, sl_drop reason);

/* A message could not be used; logs the calling thread's sl_error(), at most once a second. */
void sl_tally_reject(sl_tally *tally);

/* A frame was this old when it was decoded, or shown. */
void sl_tally_age(sl_tally *tally, int32_t age_ms);

/* Fills the figures that are counted here, and zeros the rest. */
void sl_tally_get(sl_tally *tally, sl_stats *stats);

#endif
