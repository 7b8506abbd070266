/* When frames of a file are due. */
#include "source/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define INTERVAL 40000

static void follows_the_timestamps(void **state) {
    (void)state;
    sl_pace pace = {0};
    /* The first is due at once, whatever its timestamp. */
    assert_int_equal(sl_pace_due_us(&pace, 500000, INTERVAL, 1000), 1000);
    assert_int_equal(sl_pace_due_us(&pace, 540000, INTERVAL, 1500), 41000);
    /* Variable steps are kept. */
    assert_int_equal(sl_pace_due_us(&pace, 545000, INTERVAL, 42000), 46000);
    assert_int_equal(sl_pace_due_us(&pace, 745000, INTERVAL, 46000), 246000);
    /* A little late is no reason to shift all that follows. */
    assert_int_equal(sl_pace_due_us(&pace, 785000, INTERVAL, 290000), 286000);
    assert_int_equal(sl_pace_due_us(&pace, 825000, INTERVAL, 291000), 326000);
}

static void starts_afresh_after_falling_behind(void **state) {
    (void)state;
    sl_pace pace = {0};
    sl_pace_due_us(&pace, 0, INTERVAL, 1000);
    assert_int_equal(sl_pace_due_us(&pace, 40000, INTERVAL, 5000000), 5000000);
    /* The next is not due yet: no burst. */
    assert_int_equal(sl_pace_due_us(&pace, 80000, INTERVAL, 5000001), 5040000);
}

static void crosses_seams(void **state) {
    (void)state;
    sl_pace pace = {0};
    sl_pace_due_us(&pace, 9000000, INTERVAL, 1000);
    assert_int_equal(sl_pace_due_us(&pace, 9040000, INTERVAL, 2000), 41000);
    /* From the start again: one interval after the last. */
    assert_int_equal(sl_pace_due_us(&pace, 0, INTERVAL, 42000), 81000);
    assert_int_equal(sl_pace_due_us(&pace, 40000, INTERVAL, 81000), 121000);
    /* An hour's jump is not waited for. */
    assert_int_equal(sl_pace_due_us(&pace, INT64_C(3600000000), INTERVAL, 121000), 161000);
}

static void long_still_pictures_are_no_seams(void **state) {
    (void)state;
    sl_pace pace = {0};
    sl_pace_due_us(&pace, 0, 10000000, 1000);
    assert_int_equal(sl_pace_due_us(&pace, 10000000, 10000000, 2000), 10001000);
}

static void makes_up_missing_timestamps(void **state) {
    (void)state;
    sl_pace pace = {0};
    assert_int_equal(sl_pace_due_us(&pace, INT64_MIN, INTERVAL, 1000), 1000);
    assert_int_equal(sl_pace_due_us(&pace, INT64_MIN, INTERVAL, 1000), 41000);
    assert_int_equal(sl_pace_due_us(&pace, INT64_MIN, INTERVAL, 1000), 81000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_timestamps),
        cmocka_unit_test(starts_afresh_after_falling_behind),
        cmocka_unit_test(crosses_seams),
        cmocka_unit_test(long_still_pictures_are_no_seams),
        cmocka_unit_test(makes_up_missing_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
