/* stream: percentiles of the age of frames, in fixed memory. */
#ifndef STREAM_LATENCY_H
#define STREAM_LATENCY_H

#include <sightline/stats.h>
#include <stdint.h>

#define SL_LATENCY_MS_MAX 10000 /* older frames count as this old, but for the maximum */

/* Zeroed is empty. The owner locks it. */
typedef struct sl_latency_log {
    uint32_t counts[SL_LATENCY_MS_MAX + 1]; /* frames that were this many milliseconds old */
    uint64_t total;
    int32_t last_ms, max_ms;
} sl_latency_log;

/* A frame from the future, as a sender may claim whose clock is off, counts as new. */
void sl_latency_add(sl_latency_log *log, int32_t age_ms);

/* The age in milliseconds of a frame whose timecode reads `timecode` at UTC `now_us`; false when
 * that can't be a timecode: over a minute old, or from the future. Clocks that differ by up to a
 * second make age 0. */
bool sl_latency_age(uint32_t timecode, int64_t now_us, int32_t *age_ms);

/* All negative while nothing was added. */
sl_latency sl_latency_summary(const sl_latency_log *log);

#endif
