/* netlab: how times are spread: mean, percentiles, the longest. */
#include "spread.h"

#include <stddef.h>

#define FINE_BITS 6
#define FINE      (1 << FINE_BITS)
#define MOST_US   ((INT64_C(1) << (FINE_BITS + 35)) - 1)

static size_t class_of(int64_t time_us) {
    if (time_us < FINE)
        return (size_t)time_us;
    int shift = 63 - __builtin_clzll((unsigned long long)time_us) - FINE_BITS;
    return (size_t)(shift * FINE + (time_us >> shift));
}

static double middle_us(size_t class) {
    if (class < FINE)
        return (double)class;
    size_t shift = class / FINE - 1;
    int64_t low_us = (int64_t)(class - shift * FINE) << shift;
    return (double)low_us + (double)((INT64_C(1) << shift) - 1) / 2;
}

void netlab_spread_add(netlab_spread *spread, int64_t time_ns) {
    int64_t time_us = time_ns > 0 ? (time_ns + 500) / 1000 : 0;
    if (time_us > MOST_US)
        time_us = MOST_US;
    spread->classes[class_of(time_us)]++;
    spread->count++;
    spread->sum_us += (double)time_us;
    if (time_us > spread->most_us)
        spread->most_us = time_us;
}

double netlab_spread_mean_ms(const netlab_spread *spread) {
    return spread->count ? spread->sum_us / (double)spread->count / 1000 : 0;
}

double netlab_spread_percentile_ms(const netlab_spread *spread, double share) {
    uint64_t before = 0;
    for (size_t i = 0; i < sizeof(spread->classes) / sizeof(spread->classes[0]); i++) {
        before += spread->classes[i];
        if (before > 0 && (double)before >= share * (double)spread->count)
            return middle_us(i) / 1000;
    }
    return 0;
}
