/* netlab: a recorded link: when it could carry a packet. */
#ifndef NETLAB_TRACE_H
#define NETLAB_TRACE_H

#include <stddef.h>
#include <stdint.h>

#define NETLAB_OPPORTUNITY_BYTES 1500

/* Opportunities to carry 1500 bytes, each at a millisecond after the beginning. After the last one
 * it begins again: its stamp is the trace's length. */
typedef struct netlab_trace {
    uint32_t *stamps_ms;
    size_t count;
} netlab_trace;

/* Reads a file of one stamp a line, as mahimahi has them. SL_EINVAL names the line that isn't one,
 * SL_ESYSTEM, SL_ENOMEM. */
int netlab_trace_open(netlab_trace **trace, const char *path);

/* Sets NULL; safe on NULL. */
void netlab_trace_close(netlab_trace **trace);

/* When opportunity number `index` comes, in nanoseconds after the beginning. */
int64_t netlab_trace_time_ns(const netlab_trace *trace, uint64_t index);

/* How many come before `time_ns`: the number of the first one at that time or later. */
uint64_t netlab_trace_before(const netlab_trace *trace, int64_t time_ns);

double netlab_trace_mean_bps(const netlab_trace *trace);

#endif
