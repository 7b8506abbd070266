/* How much work an encoder puts into a frame, as the machine has time for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "codec/effort.h"

#define INTERVAL_S (1 / 60.0)

static void run(sl_effort *effort, double seconds, double took_s) {
    for (int i = 0; i < (int)(seconds / INTERVAL_S); i++)
        sl_effort_note(effort, took_s, INTERVAL_S);
}

static sl_effort begin(void) {
    sl_effort effort;
    sl_effort_init(&effort, 1280 * 720 * 60);
    return effort;
}

static void falls_where_there_is_little_time(void **state) {
    (void)state;
    sl_effort effort = begin();
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
    run(&effort, 0.9, 0.015);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
    run(&effort, 0.2, 0.015);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    run(&effort, 60, 0.010);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
}

static void falls_soon_where_there_is_none(void **state) {
    (void)state;
    sl_effort effort = begin();
    run(&effort, 0.3, 0.020);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    assert_int_equal(sl_effort_quantiser(&effort), SL_VIDEO_QUANTISER_BEST);
}

/* Bits take time, too; beyond some it is no use to save more of them. */
static void makes_fewer_bits_at_last(void **state) {
    (void)state;
    sl_effort effort = begin();
    for (int quantiser = 0, i = 0; i < 20; i++) {
        run(&effort, 1, 0.020);
        assert_true(sl_effort_quantiser(&effort) >= quantiser);
        quantiser = sl_effort_quantiser(&effort);
    }
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    assert_int_equal(sl_effort_quantiser(&effort), SL_VIDEO_QUANTISER_BEST + 6);
}

static void begins_low_with_many_pixels(void **state) {
    (void)state;
    sl_effort effort;
    sl_effort_init(&effort, 1920 * 1080 * 60);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    run(&effort, 19, 0.004);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_ULTRAFAST);
    run(&effort, 2, 0.004);
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
}

/* Little suffices at one level, and there is no time for the next: it is not tried for ever. */
static void learns_what_was_wrong(void **state) {
    (void)state;
    sl_effort effort;
    int falls = 0;
    sl_effort_init(&effort, 1920 * 1080 * 60);
    for (int second = 0; second < 3600; second++) {
        bool was = sl_effort_preset(&effort) == SL_PRESET_SUPERFAST;
        run(&effort, 1, was ? 0.020 : 0.004);
        falls += was && sl_effort_preset(&effort) == SL_PRESET_ULTRAFAST;
    }
    assert_in_range(falls, 2, 10);
}

static void bears_a_slow_frame_now_and_then(void **state) {
    (void)state;
    sl_effort effort = begin();
    for (int i = 0; i < 100; i++) {
        run(&effort, 0.5, 0.008);
        sl_effort_note(&effort, 0.060, INTERVAL_S);
    }
    assert_int_equal(sl_effort_preset(&effort), SL_PRESET_SUPERFAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_where_there_is_little_time),
        cmocka_unit_test(falls_soon_where_there_is_none),
        cmocka_unit_test(makes_fewer_bits_at_last),
        cmocka_unit_test(begins_low_with_many_pixels),
        cmocka_unit_test(learns_what_was_wrong),
        cmocka_unit_test(bears_a_slow_frame_now_and_then),
    };
    return cmocka_run_group_tests_name("codec/effort", tests, NULL, NULL);
}
