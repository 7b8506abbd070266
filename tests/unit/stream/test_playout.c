/* Frames come out evenly, in order, never before they were asked to, and never long after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/error.h>

#include "base/clock.h"
#include "stream/playout.h"

#define SMOOTH_US   100000
#define INTERVAL_US 40000
#define CAMERA_US   (INT64_C(1700000000) * SL_SECOND_US) /* its clock's, where ours says BEGIN_US */
#define BEGIN_US    (1000 * SL_SECOND_US)

static sl_playout *playout;

static int set_up(void **state) {
    (void)state;
    return sl_playout_open(&playout, SMOOTH_US);
}

static int tear_down(void **state) {
    (void)state;
    sl_playout_close(&playout);
    assert_null(playout);
    return 0;
}

/* A frame whose number is when it was captured, counted from the beginning. */
static void put(size_t lane, int64_t captured_us, int64_t took_us) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 10, 10), SL_OK);
    frame->sequence = (uint64_t)captured_us;
    sl_playout_put(playout, lane, frame, CAMERA_US + captured_us, BEGIN_US + captured_us + took_us);
}

/* The frame captured then, and no other, is due so long after that. */
static void expect(size_t lane, int64_t captured_us, int64_t after_us) {
    int64_t due_us = BEGIN_US + captured_us + after_us;
    assert_null(sl_playout_take(playout, lane, due_us - 1));
    sl_frame *frame = sl_playout_take(playout, lane, due_us);
    assert_non_null(frame);
    assert_int_equal(frame->sequence, captured_us);
    sl_frame_unref(&frame);
}

static void jitter_is_evened_out(void **state) {
    (void)state;
    static const int64_t took_us[] = {20000, 90000, 35000, 20000, 119000, 60000};
    for (int i = 0; i < 6; i++)
        put(0, i * INTERVAL_US, took_us[i]);
    expect(0, 0, 20000 + SMOOTH_US);
    for (int i = 1; i < 6; i++) {
        assert_in_range(sl_playout_due(playout), BEGIN_US + i * INTERVAL_US + 20000 + SMOOTH_US,
                        BEGIN_US + i * INTERVAL_US + 23000 + SMOOTH_US);
        sl_frame *frame = sl_playout_take(playout, 0, sl_playout_due(playout));
        assert_int_equal(frame->sequence, i * INTERVAL_US);
        sl_frame_unref(&frame);
    }
    assert_int_equal(sl_playout_due(playout), -1);
}

static void late_ones_are_due_at_once(void **state) {
    (void)state;
    put(0, 0, 20000);
    expect(0, 0, 20000 + SMOOTH_US);
    put(0, INTERVAL_US, 500000);
    assert_true(sl_playout_due(playout) <= BEGIN_US + INTERVAL_US + 500000);
    sl_frame *frame = sl_playout_take(playout, 0, BEGIN_US + INTERVAL_US + 500000);
    assert_non_null(frame);
    sl_frame_unref(&frame);
}

/* Whatever a camera says of its times. */
static void order_is_kept_and_waiting_is_bounded(void **state) {
    (void)state;
    static const int64_t lies[] = {0, 1, INT64_C(1) << 52, 5, 0, 1000000, -3};
    for (size_t i = 0; i < 7; i++) {
        sl_frame *frame = NULL;
        assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 10, 10), SL_OK);
        frame->sequence = i;
        sl_playout_put(playout, 0, frame, lies[i], BEGIN_US + (int64_t)i);
    }
    for (size_t i = 0; i < 7; i++) {
        sl_frame *frame = sl_playout_take(playout, 0, BEGIN_US + 7 + SMOOTH_US);
        assert_non_null(frame);
        assert_int_equal(frame->sequence, i);
        sl_frame_unref(&frame);
    }
}

/* The path got longer for good: from then on frames are even again, after a while. */
static void learns_a_longer_path(void **state) {
    (void)state;
    int64_t last_us = 0;
    for (int64_t i = 0; i < 25 * 20; i++) {
        put(0, i * INTERVAL_US, i == 0 ? 20000 : 80000);
        last_us = sl_playout_due(playout) - BEGIN_US - i * INTERVAL_US;
        sl_frame *frame = sl_playout_take(playout, 0, INT64_MAX);
        sl_frame_unref(&frame);
    }
    assert_int_equal(last_us, 80000 + SMOOTH_US);
}

/* A minute, while frames go on as before: they are even again within seconds. */
static void believes_a_clock_that_was_set_back(void **state) {
    (void)state;
    const int64_t back_us = 60 * SL_SECOND_US;
    int64_t waits_us = 0, even = 0;
    for (int64_t i = 0; i < 25 * 10; i++) {
        const int64_t now_us = BEGIN_US + i * INTERVAL_US;
        put(0, i < 25 ? i * INTERVAL_US : i * INTERVAL_US - back_us,
            i < 25 ? 20000 : 20000 + back_us);
        waits_us = sl_playout_due(playout) - now_us - 20000;
        even += waits_us == SMOOTH_US;
        sl_frame *frame = sl_playout_take(playout, 0, INT64_MAX);
        sl_frame_unref(&frame);
    }
    assert_int_equal(waits_us, SMOOTH_US);
    assert_true(even >= 25 * 7);
}

/* A path that is far longer for a moment changes nothing. */
static void outlasts_an_outage(void **state) {
    (void)state;
    for (int64_t i = 0; i < 25 * 3; i++) {
        put(0, i * INTERVAL_US, 20000 + (i > 10 && i < 60 ? 2 * SL_SECOND_US : 0));
        sl_frame *frame = sl_playout_take(playout, 0, INT64_MAX);
        sl_frame_unref(&frame);
    }
    put(0, 75 * INTERVAL_US, 20000);
    expect(0, 75 * INTERVAL_US, 20000 + SMOOTH_US);
}

static void cameras_have_their_own(void **state) {
    (void)state;
    put(0, 0, 20000);
    put(1, 0, 70000);
    assert_int_equal(sl_playout_due(playout), BEGIN_US + 20000 + SMOOTH_US);
    expect(1, 0, 70000 + SMOOTH_US);
    expect(0, 0, 20000 + SMOOTH_US);
    put(1, INTERVAL_US, 200000); /* late, by what is known of this one */
    sl_playout_begin(playout, 1);
    put(1, 8 * INTERVAL_US, 90000); /* the first one of another connection */
    sl_frame *frame = sl_playout_take(playout, 1, BEGIN_US + INTERVAL_US + 200000);
    assert_non_null(frame);
    sl_frame_unref(&frame);
    expect(1, 8 * INTERVAL_US, 90000 + SMOOTH_US);
}

static void is_bounded(void **state) {
    (void)state;
    for (int i = 0; i < SL_PLAYOUT_MOST; i++) {
        assert_true(sl_playout_has_room(playout, 3, 1000));
        put(3, i, 0);
    }
    assert_false(sl_playout_has_room(playout, 3, 1000));
    assert_true(sl_playout_has_room(playout, 4, 1000));
    assert_false(sl_playout_has_room(playout, 4, (size_t)64 << 20));
    assert_false(sl_playout_has_room(playout, 4, SIZE_MAX));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(jitter_is_evened_out),
        TEST(late_ones_are_due_at_once),
        TEST(order_is_kept_and_waiting_is_bounded),
        TEST(learns_a_longer_path),
        TEST(believes_a_clock_that_was_set_back),
        TEST(outlasts_an_outage),
        TEST(cameras_have_their_own),
        TEST(is_bounded),
    };
    return cmocka_run_group_tests_name("stream/playout", tests, NULL, NULL);
}
