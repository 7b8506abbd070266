/* How much work an encoder puts into a frame, as the machine has time for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/effort.h"

#define INTERVAL_S (1 / 60.0)

static void run(sl_effort *effort, double seconds, double took_s) {
    for (int i = 0; i < (int)(seconds / INTERVAL_S); i++)
        sl_effort_note(effort, took_s, INTERVAL_S);
}

static void falls_where_there_is_no_time(void **state) {
    (void)state;
    sl_effort effort = {0};
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
    run(&effort, 0.9, 0.020);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
    run(&effort, 0.2, 0.020);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    run(&effort, 60, 0.010);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
}

static void rises_after_long(void **state) {
    (void)state;
    sl_effort effort = {.least = true};
    run(&effort, 19, 0.004);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    run(&effort, 2, 0.004);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
}

static void bears_a_slow_frame_now_and_then(void **state) {
    (void)state;
    sl_effort effort = {0};
    for (int i = 0; i < 100; i++) {
        run(&effort, 0.5, 0.008);
        sl_effort_note(&effort, 0.060, INTERVAL_S);
    }
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_where_there_is_no_time),
        cmocka_unit_test(rises_after_long),
        cmocka_unit_test(bears_a_slow_frame_now_and_then),
    };
    return cmocka_run_group_tests_name("codec/effort", tests, NULL, NULL);
}
