/* stream: bits a second, over the last second, in fixed memory. */
#include "stream/rate.h"

#include "base/clock.h"

#define SLOT_US (SL_SECOND_US / SL_RATE_SLOTS)

void sl_rate_add(sl_rate *rate, int64_t now_us, uint64_t bytes) {
    int64_t slot = now_us / SLOT_US;
    if (slot - rate->slot > SL_RATE_SLOTS)
        rate->slot = slot - SL_RATE_SLOTS;
    while (rate->slot < slot)
        rate->bytes[++rate->slot % SL_RATE_SLOTS] = 0;
    rate->bytes[slot % SL_RATE_SLOTS] += bytes;
}

int64_t sl_rate_get(const sl_rate *rate, int64_t now_us) {
    int64_t slot = now_us / SLOT_US;
    uint64_t bytes = 0;
    for (int64_t i = slot - SL_RATE_SLOTS + 1; i <= rate->slot; i++) {
        if (i >= 0 && i > rate->slot - SL_RATE_SLOTS)
            bytes += rate->bytes[i % SL_RATE_SLOTS];
    }
    double seconds = (double)(SL_RATE_SLOTS - 1) / SL_RATE_SLOTS +
                     (double)(now_us % SLOT_US) / (double)SL_SECOND_US;
    return (int64_t)((double)bytes * 8 / seconds);
}
