/* stream: bits a second, over the last second, in fixed memory. Arithmetic over numbers and times
 * that it is given. */
#ifndef STREAM_RATE_H
#define STREAM_RATE_H

#include <stdint.h>

#define SL_RATE_SLOTS 10 /* tenths of a second */

/* Zeroed is empty. The owner locks it. */
typedef struct sl_rate {
    uint64_t bytes[SL_RATE_SLOTS];
    int64_t slot; /* the newest one's number: tenths of a second since the clock began */
} sl_rate;

/* Times are monotonic, in microseconds. */
void sl_rate_add(sl_rate *rate, int64_t now_us, uint64_t bytes);

/* Bits a second in the last full nine tenths of a second and the one that runs. */
int64_t sl_rate_get(const sl_rate *rate, int64_t now_us);

#endif
