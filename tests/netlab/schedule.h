/* netlab: what one direction of a link is to be like, and when it changes. */
#ifndef NETLAB_SCHEDULE_H
#define NETLAB_SCHEDULE_H

#include "trace.h"

#include <stddef.h>
#include <stdint.h>

#define NETLAB_STEPS_MOST 256

typedef struct netlab_settings {
    double rate_bps;           /* INFINITY: all at once; 0: nothing. Without meaning with a trace */
    const netlab_trace *trace; /* or NULL; the schedule's */
    int64_t delay_ns;
    int64_t jitter_ns; /* each packet takes up to so much longer, but none overtakes another */
    double loss;       /* share of the packets that vanish, 0 to 1 */
    double queue;      /* drop tail; bytes, or nanoseconds at the (mean) rate */
    enum { NETLAB_QUEUE_BYTES, NETLAB_QUEUE_NS } queue_unit;
} netlab_settings;

typedef struct netlab_step {
    int64_t at_ns; /* after the start; the first one is at 0 */
    netlab_settings settings;
} netlab_step;

typedef struct netlab_schedule {
    netlab_step steps[NETLAB_STEPS_MOST];
    size_t count;
    netlab_trace *traces[NETLAB_STEPS_MOST];
    size_t trace_count;
} netlab_schedule;

/* One step, at 0: all at once, without delay or loss, a queue of 300000 bytes. */
void netlab_schedule_init(netlab_schedule *schedule);
void netlab_schedule_finish(netlab_schedule *schedule);

/* Adds one word:
 *
 *     rate=4M  rate=none  trace=FILE  delay=25ms  jitter=5ms  loss=1%  queue=64k  queue=200ms
 *     @20s     what follows holds from 20 seconds on; later than the step before
 *
 * SL_EINVAL with a sentence. */
int netlab_schedule_add(netlab_schedule *schedule, const char *word);

/* Changes settings by one such word without `@`; a trace becomes the schedule's. */
int netlab_schedule_change(netlab_schedule *schedule, netlab_settings *settings, const char *word);

#endif
