/* netlab: how times are spread: mean, percentiles, the longest. */
#ifndef NETLAB_SPREAD_H
#define NETLAB_SPREAD_H

#include <stdint.h>

/* 64 classes for each doubling: a percentile is wrong by less than 1 %. Start it with zeros. */
typedef struct netlab_spread {
    uint64_t classes[64 * 36];
    uint64_t count;
    double sum_us;
    int64_t most_us;
} netlab_spread;

/* Negative times count as 0. */
void netlab_spread_add(netlab_spread *spread, int64_t time_ns);

double netlab_spread_mean_ms(const netlab_spread *spread);

/* The time that so large a share (0 to 1) of all stays within; 0 without any. */
double netlab_spread_percentile_ms(const netlab_spread *spread, double share);

#endif
