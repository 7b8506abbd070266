/* netlab: the narrow place of a link: how long it takes to carry what is first in the queue. It
 * goes by times that it is told, in nanoseconds, and never looks at a clock. */
#ifndef NETLAB_CARRIER_H
#define NETLAB_CARRIER_H

#include "schedule.h"

#include <stdbool.h>

typedef struct netlab_carrier {
    double rate_bps;           /* without a trace */
    const netlab_trace *trace; /* or NULL */
    int64_t origin_ns;         /* when this rate, or the trace, began */
    double left_bytes;         /* of what is being carried */
    int64_t since_ns;          /* until when all that it does is done */
    uint64_t opportunity;      /* the next one of the trace */
    double credit_bytes;       /* not used yet of the one before */
    double capacity_bytes;     /* what it could have carried until `origin_ns` */
} netlab_carrier;

/* From `at_ns` on it is like this, and a trace begins; what is being carried goes on. Its capacity
 * counts from then. The first time the carrier is zeroed before. */
void netlab_carrier_start(netlab_carrier *carrier, const netlab_settings *settings, int64_t at_ns);

/* The same later; nothing changes for it when neither rate nor trace do. */
void netlab_carrier_change(netlab_carrier *carrier, const netlab_settings *settings, int64_t at_ns);

/* Begins to carry so many bytes. `idle`: nothing was carried until now. */
void netlab_carrier_begin(netlab_carrier *carrier, size_t bytes, int64_t at_ns, bool idle);

/* When all of them are through; INT64_MAX for never. */
int64_t netlab_carrier_done_ns(const netlab_carrier *carrier);

/* They are. */
void netlab_carrier_end(netlab_carrier *carrier);

/* What could have been carried until then since the start; INFINITY without a rate. */
double netlab_carrier_capacity(const netlab_carrier *carrier, int64_t at_ns);

/* What a link with this schedule can have carried until so long after its start, with nothing in
 * its way: what a sender who knew everything could count on. Without a rate INFINITY. */
double netlab_schedule_capacity(const netlab_schedule *schedule, int64_t after_ns);

/* The queue's limit in bytes. */
double netlab_carrier_limit(const netlab_carrier *carrier, const netlab_settings *settings);

#endif
