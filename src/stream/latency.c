/* stream: percentiles of the age of frames, in fixed memory. */
#include "stream/latency.h"

#define OLDEST_MS      60000
#define CLOCK_SLACK_MS 1000

void sl_latency_add(sl_latency_log *log, int32_t age_ms) {
    if (age_ms < 0)
        age_ms = 0;
    log->counts[age_ms < SL_LATENCY_MS_MAX ? age_ms : SL_LATENCY_MS_MAX]++;
    log->total++;
    log->last_ms = age_ms;
    if (age_ms > log->max_ms)
        log->max_ms = age_ms;
}

bool sl_latency_age(uint32_t timecode, int64_t now_us, int32_t *age_ms) {
    int32_t age = (int32_t)((uint32_t)(now_us / 1000) - timecode);
    if (age < -CLOCK_SLACK_MS || age > OLDEST_MS)
        return false;
    *age_ms = age > 0 ? age : 0;
    return true;
}

static double percentile(const sl_latency_log *log, double share) {
    uint64_t wanted = (uint64_t)((double)log->total * share);
    uint64_t seen = 0;
    for (int32_t ms = 0; ms < SL_LATENCY_MS_MAX; ms++) {
        seen += log->counts[ms];
        if (seen > wanted)
            return ms;
    }
    return log->max_ms;
}

sl_latency sl_latency_summary(const sl_latency_log *log) {
    if (log->total == 0)
        return (sl_latency){-1, -1, -1, -1, -1};
    return (sl_latency){
        .last = log->last_ms,
        .p50 = percentile(log, 0.50),
        .p95 = percentile(log, 0.95),
        .p99 = percentile(log, 0.99),
        .max = log->max_ms,
    };
}
