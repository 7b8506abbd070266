/* Bits a second: steady, begun, stopped, and after a pause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stream/rate.h"

#define BEGIN_US (1000 * SL_SECOND_US)

/* 1000 bytes each 10 ms from then on; when the last ones were added. */
static int64_t run(sl_rate *rate, int64_t from_us, int64_t for_us) {
    for (int64_t passed_us = 0; passed_us < for_us; passed_us += 10000)
        sl_rate_add(rate, from_us + passed_us, 1000);
    return from_us + for_us;
}

static void tells_what_is_steady(void **state) {
    (void)state;
    sl_rate rate = {0};
    int64_t now_us = run(&rate, BEGIN_US, 5 * SL_SECOND_US);
    for (int64_t i = 0; i < 20; i++)
        assert_in_range(sl_rate_get(&rate, run(&rate, now_us + i * 70000, 70000)), 780000, 900000);
}

static void nothing_is_nothing(void **state) {
    (void)state;
    sl_rate rate = {0};
    assert_int_equal(sl_rate_get(&rate, BEGIN_US), 0);
    assert_int_equal(sl_rate_get(&rate, 0), 0);
}

static void forgets_within_a_second(void **state) {
    (void)state;
    sl_rate rate = {0};
    int64_t end_us = run(&rate, BEGIN_US, 2 * SL_SECOND_US);
    assert_in_range(sl_rate_get(&rate, end_us + SL_SECOND_US / 2), 350000, 480000);
    assert_int_equal(sl_rate_get(&rate, end_us + SL_SECOND_US), 0);
    sl_rate_add(&rate, end_us + 60 * SL_SECOND_US, 125);
    assert_in_range(sl_rate_get(&rate, end_us + 60 * SL_SECOND_US), 1000, 1112);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_steady),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(forgets_within_a_second),
    };
    return cmocka_run_group_tests_name("stream/rate", tests, NULL, NULL);
}
