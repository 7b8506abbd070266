/* Percentiles of the age of frames. */
#include "stream/latency.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static void empty_is_unknown(void **state) {
    (void)state;
    sl_latency_log *log = calloc(1, sizeof *log);
    sl_latency summary = sl_latency_summary(log);
    assert_true(summary.p50 < 0 && summary.p95 < 0 && summary.p99 < 0 && summary.max < 0);
    free(log);
}

static void percentiles_of_one_to_a_hundred(void **state) {
    (void)state;
    sl_latency_log *log = calloc(1, sizeof *log);
    for (int32_t ms = 100; ms >= 1; ms--)
        sl_latency_add(log, ms);
    sl_latency summary = sl_latency_summary(log);
    assert_int_equal((int)summary.p50, 51);
    assert_int_equal((int)summary.p95, 96);
    assert_int_equal((int)summary.p99, 100);
    assert_int_equal((int)summary.max, 100);
    assert_int_equal((int)summary.last, 1);
    free(log);
}

static void frames_from_the_future_count_as_new(void **state) {
    (void)state;
    struct {
        uint64_t before;
        sl_latency_log log;
    } *of = calloc(1, sizeof *of);
    sl_latency_add(&of->log, -1);
    sl_latency_add(&of->log, -2);
    sl_latency summary = sl_latency_summary(&of->log);
    assert_int_equal(of->before, 0);
    assert_true(summary.p50 == 0 && summary.max == 0 && summary.last == 0);
    free(of);
}

static void very_old_frames_count_at_the_top(void **state) {
    (void)state;
    sl_latency_log *log = calloc(1, sizeof *log);
    sl_latency_add(log, 50000);
    assert_int_equal((int)sl_latency_summary(log).p50, 50000);
    free(log);
}

static void age_of_a_timecode(void **state) {
    (void)state;
    int32_t age = -1;
    int64_t now_us = INT64_C(1700000000123456);
    uint32_t now_ms = (uint32_t)(now_us / 1000);
    assert_true(sl_latency_age(now_ms - 42, now_us, &age));
    assert_int_equal(age, 42);
    assert_true(sl_latency_age(now_ms + 400, now_us, &age)); /* clocks that differ a little */
    assert_int_equal(age, 0);
    assert_false(sl_latency_age(now_ms + 5000, now_us, &age));
    assert_false(sl_latency_age(now_ms - 100000, now_us, &age));
}

static void age_across_the_wrap_of_the_timecode(void **state) {
    (void)state;
    int32_t age = -1;
    int64_t now_us = (INT64_C(1) << 32) * 1000 * 400 + 20000; /* 20 ms after a wrap */
    assert_true(sl_latency_age(UINT32_MAX - 9, now_us, &age));
    assert_int_equal(age, 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_unknown),
        cmocka_unit_test(percentiles_of_one_to_a_hundred),
        cmocka_unit_test(frames_from_the_future_count_as_new),
        cmocka_unit_test(very_old_frames_count_at_the_top),
        cmocka_unit_test(age_of_a_timecode),
        cmocka_unit_test(age_across_the_wrap_of_the_timecode),
    };
    return cmocka_run_group_tests_name("stream/latency", tests, NULL, NULL);
}
