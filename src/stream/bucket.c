/* stream: a token bucket. */
#include "stream/bucket.h"

#include "base/clock.h"

#include <math.h>

void sl_bucket_init(sl_bucket *bucket, double rate, double most, int64_t now_us) {
    *bucket = (sl_bucket){rate, most, most, now_us};
}

double sl_bucket_left(const sl_bucket *bucket, int64_t now_us) {
    double passed_s = (double)(now_us - bucket->at_us) / SL_SECOND_US;
    return fmin(bucket->bytes + bucket->rate * passed_s, bucket->most);
}

void sl_bucket_spend(sl_bucket *bucket, double bytes, int64_t now_us) {
    bucket->bytes = sl_bucket_left(bucket, now_us) - bytes;
    bucket->at_us = now_us;
}

int64_t sl_bucket_paid_us(const sl_bucket *bucket, int64_t now_us) {
    double left = sl_bucket_left(bucket, now_us);
    if (left >= 0 || bucket->rate <= 0)
        return now_us;
    return now_us + (int64_t)ceil(-left / bucket->rate * SL_SECOND_US);
}
