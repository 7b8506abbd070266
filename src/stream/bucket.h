/* stream: a token bucket: so many bytes a second may be spent, and what was saved, up to a bound,
 * at once. It may be overdrawn: then nothing should be spent until that is paid. Within any time no
 * more than its rate and its bound allow is spent, and what was begun while it had something.
 * Arithmetic over times in microseconds that it is given. */
#ifndef STREAM_BUCKET_H
#define STREAM_BUCKET_H

#include <stdint.h>

typedef struct sl_bucket {
    double rate;   /* bytes a second; 0: there is no limit */
    double most;   /* bytes that are saved at most */
    double bytes;  /* that were there, or with a minus were overdrawn, */
    int64_t at_us; /* at that time */
} sl_bucket;

/* Full to begin with. */
void sl_bucket_init(sl_bucket *bucket, double rate, double most, int64_t now_us);

void sl_bucket_spend(sl_bucket *bucket, double bytes, int64_t now_us);

/* What is there now; with a minus, what is overdrawn. */
double sl_bucket_left(const sl_bucket *bucket, int64_t now_us);

/* When it is not overdrawn: now, or later. */
int64_t sl_bucket_paid_us(const sl_bucket *bucket, int64_t now_us);

#endif
