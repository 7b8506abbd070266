/* base: time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define SL_SECOND_US INT64_C(1000000)

/* CLOCK_MONOTONIC and CLOCK_REALTIME, in microseconds. */
int64_t sl_now_us(void);
int64_t sl_utc_us(void);

/* A point in time that is timeout_ms from now; -1 for ever. */
int64_t sl_deadline_us(int timeout_ms);

/* The earlier of two times, of which -1 is never. */
int64_t sl_earlier_us(int64_t one_us, int64_t other_us);

/* The later of two times. */
int64_t sl_later_us(int64_t one_us, int64_t other_us);

/* Milliseconds left until then, rounded up, never below 0; -1 for ever. For poll(). */
int sl_remaining_ms(int64_t deadline_us);

#endif
