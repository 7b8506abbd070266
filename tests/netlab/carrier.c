/* netlab: the narrow place of a link: how long it takes to carry what is first in the queue. */
#include "carrier.h"

#include <math.h>

#define BYTE_NS(rate_bps) (8e9 / (rate_bps))

/* Does until `at_ns` what doesn't end what is being carried. */
static void work(netlab_carrier *carrier, int64_t at_ns) {
    if (carrier->trace) {
        uint64_t next = netlab_trace_before(carrier->trace, at_ns - carrier->origin_ns + 1);
        if (next > carrier->opportunity) {
            double gained = (double)(next - carrier->opportunity) * NETLAB_OPPORTUNITY_BYTES;
            carrier->left_bytes -= carrier->credit_bytes + gained;
            carrier->credit_bytes = 0;
            carrier->opportunity = next;
        }
    } else if (isfinite(carrier->rate_bps)) {
        carrier->left_bytes -= (double)(at_ns - carrier->since_ns) * carrier->rate_bps / 8e9;
    }
    carrier->left_bytes = fmax(carrier->left_bytes, 0);
    carrier->since_ns = at_ns;
}

static void begin_with(netlab_carrier *carrier, const netlab_settings *settings, int64_t at_ns) {
    if (carrier->left_bytes > 0)
        work(carrier, at_ns);
    carrier->rate_bps = settings->rate_bps;
    carrier->trace = settings->trace;
    carrier->origin_ns = at_ns;
    carrier->since_ns = at_ns;
    carrier->opportunity = 0;
    carrier->credit_bytes = 0;
}

void netlab_carrier_start(netlab_carrier *carrier, const netlab_settings *settings, int64_t at_ns) {
    begin_with(carrier, settings, at_ns);
    carrier->capacity_bytes = 0;
}

void netlab_carrier_change(netlab_carrier *carrier, const netlab_settings *settings,
                           int64_t at_ns) {
    bool same_rate = carrier->trace || carrier->rate_bps == settings->rate_bps;
    if (carrier->trace == settings->trace && same_rate)
        return;
    carrier->capacity_bytes = netlab_carrier_capacity(carrier, at_ns);
    begin_with(carrier, settings, at_ns);
}

void netlab_carrier_begin(netlab_carrier *carrier, size_t bytes, int64_t at_ns, bool idle) {
    carrier->left_bytes = (double)bytes;
    carrier->since_ns = at_ns;
    if (idle && carrier->trace) {
        /* What nobody used is gone. */
        uint64_t next = netlab_trace_before(carrier->trace, at_ns - carrier->origin_ns);
        carrier->opportunity = next > carrier->opportunity ? next : carrier->opportunity;
        carrier->credit_bytes = 0;
    }
}

/* How many more opportunities are needed. */
static uint64_t needed(const netlab_carrier *carrier) {
    double more = fmax(carrier->left_bytes - carrier->credit_bytes, 0);
    return (uint64_t)ceil(more / NETLAB_OPPORTUNITY_BYTES);
}

int64_t netlab_carrier_done_ns(const netlab_carrier *carrier) {
    if (carrier->trace) {
        uint64_t count = needed(carrier);
        if (count == 0)
            return carrier->since_ns;
        uint64_t last = carrier->opportunity + count - 1;
        return carrier->origin_ns + netlab_trace_time_ns(carrier->trace, last);
    }
    if (carrier->left_bytes <= 0)
        return carrier->since_ns;
    double takes_ns = ceil(carrier->left_bytes * BYTE_NS(carrier->rate_bps));
    return takes_ns > 1e18 ? INT64_MAX : carrier->since_ns + (int64_t)takes_ns;
}

void netlab_carrier_end(netlab_carrier *carrier) {
    carrier->since_ns = netlab_carrier_done_ns(carrier);
    if (carrier->trace) {
        uint64_t count = needed(carrier);
        carrier->credit_bytes += (double)count * NETLAB_OPPORTUNITY_BYTES - carrier->left_bytes;
        carrier->opportunity += count;
    }
    carrier->left_bytes = 0;
}

double netlab_carrier_capacity(const netlab_carrier *carrier, int64_t at_ns) {
    int64_t passed_ns = at_ns - carrier->origin_ns;
    if (carrier->trace) {
        uint64_t opportunities = netlab_trace_before(carrier->trace, passed_ns + 1);
        return carrier->capacity_bytes + (double)opportunities * NETLAB_OPPORTUNITY_BYTES;
    }
    if (isinf(carrier->rate_bps))
        return INFINITY;
    return carrier->capacity_bytes + carrier->rate_bps * (double)passed_ns / 8e9;
}

double netlab_schedule_capacity(const netlab_schedule *schedule, int64_t after_ns) {
    netlab_carrier carrier = {0};
    netlab_carrier_start(&carrier, &schedule->steps[0].settings, 0);
    for (size_t i = 1; i < schedule->count && schedule->steps[i].at_ns <= after_ns; i++)
        netlab_carrier_change(&carrier, &schedule->steps[i].settings, schedule->steps[i].at_ns);
    return netlab_carrier_capacity(&carrier, after_ns);
}

double netlab_carrier_limit(const netlab_carrier *carrier, const netlab_settings *settings) {
    if (settings->queue_unit == NETLAB_QUEUE_BYTES)
        return settings->queue;
    double rate_bps = carrier->trace ? netlab_trace_mean_bps(carrier->trace) : carrier->rate_bps;
    return settings->queue / 8e9 * rate_bps;
}
