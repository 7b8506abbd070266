/* base: time. */
#include "base/clock.h"

#include <limits.h>
#include <time.h>

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SL_SECOND_US + now.tv_nsec / 1000;
}

int64_t sl_now_us(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t sl_utc_us(void) {
    return read_clock(CLOCK_REALTIME);
}

int64_t sl_deadline_us(int timeout_ms) {
    return timeout_ms < 0 ? -1 : sl_now_us() + (int64_t)timeout_ms * 1000;
}

int64_t sl_earlier_us(int64_t one_us, int64_t other_us) {
    if (one_us < 0 || other_us < 0)
        return one_us < 0 ? other_us : one_us;
    return one_us < other_us ? one_us : other_us;
}

int sl_remaining_ms(int64_t deadline_us) {
    if (deadline_us < 0)
        return -1;
    int64_t left_us = deadline_us - sl_now_us();
    if (left_us <= 0)
        return 0;
    int64_t left_ms = (left_us + 999) / 1000;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int64_t sl_later_us(int64_t one_us, int64_t other_us) {
    return one_us > other_us ? one_us : other_us;
}
