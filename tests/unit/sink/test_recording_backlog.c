/* Frames on their way to a slow disk: their order, their bound, and what is let go. */
#include "sink/recording/backlog.h"
#include "base/clock.h"
#include "base/thread.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define BYTES    ((size_t)1000)
#define PATIENCE (sl_now_us() + 60 * SL_SECOND_US)

static void put(sl_backlog *backlog, size_t lane, sl_format format, bool keyframe, int number) {
    sl_buffer *bytes;
    sl_frame *frame;
    assert_int_equal(sl_buffer_new(&bytes, BYTES), 0);
    assert_int_equal(sl_frame_new_coded(&frame, format, bytes), 0);
    frame->keyframe = keyframe;
    frame->sequence = (uint64_t)number;
    sl_backlog_put(backlog, frame, lane);
    sl_frame_unref(&frame);
    sl_buffer_unref(&bytes);
}

static void expect(sl_backlog *backlog, size_t lane, bool gap, int number) {
    sl_backlog_entry entry;
    assert_true(sl_backlog_take(backlog, &entry, PATIENCE));
    assert_int_equal(entry.lane, lane);
    assert_int_equal(entry.gap, gap);
    assert_int_equal(entry.frame->sequence, number);
    sl_frame_unref(&entry.frame);
}

static void frames_come_out_in_order(void **state) {
    (void)state;
    sl_backlog *backlog;
    sl_backlog_entry entry;
    assert_int_equal(sl_backlog_open(&backlog, 1 << 20), 0);
    assert_false(sl_backlog_take(backlog, &entry, sl_now_us()));
    for (int number = 0; number < 6; number++)
        put(backlog, (size_t)number % 3, SL_FORMAT_JPEG, false, number);
    for (int number = 0; number < 5; number++)
        expect(backlog, (size_t)number % 3, false, number);
    sl_backlog_close(&backlog);
    assert_null(backlog);
    sl_backlog_close(&backlog);
}

static void without_room_it_goes_on_with_a_keyframe(void **state) {
    (void)state;
    sl_backlog *backlog;
    assert_int_equal(sl_backlog_open(&backlog, 8 * BYTES), 0);
    put(backlog, 1, SL_FORMAT_H264, true, 0);
    int number = 1;
    for (; sl_backlog_lost(backlog, 1) == 0; number++)
        put(backlog, 1, SL_FORMAT_H264, false, number);
    int held = number - 1;
    for (int each = 0; each < held; each++)
        expect(backlog, 1, false, each);
    put(backlog, 1, SL_FORMAT_H264, false, 100); /* builds on what is gone */
    put(backlog, 2, SL_FORMAT_H264, false, 101); /* another camera's is none of that */
    put(backlog, 1, SL_FORMAT_H264, true, 102);
    put(backlog, 1, SL_FORMAT_H264, false, 103);
    expect(backlog, 2, false, 101);
    expect(backlog, 1, true, 102);
    expect(backlog, 1, false, 103);
    assert_int_equal(sl_backlog_lost(backlog, 1), 2);
    assert_int_equal(sl_backlog_lost(backlog, 2), 0);
    sl_backlog_close(&backlog);
}

static void jpegs_need_no_keyframe(void **state) {
    (void)state;
    sl_backlog *backlog;
    assert_int_equal(sl_backlog_open(&backlog, 2 * BYTES), 0);
    put(backlog, 0, SL_FORMAT_JPEG, false, 0);
    put(backlog, 0, SL_FORMAT_JPEG, false, 1);
    expect(backlog, 0, false, 0);
    put(backlog, 0, SL_FORMAT_JPEG, false, 2);
    expect(backlog, 0, true, 2);
    assert_int_equal(sl_backlog_lost(backlog, 0), 1);
    sl_backlog_close(&backlog);
}

static void one_camera_leaves_room_for_others(void **state) {
    (void)state;
    sl_backlog *backlog;
    assert_int_equal(sl_backlog_open(&backlog, 64 * BYTES), 0);
    for (int number = 0; number < 200; number++)
        put(backlog, 1, SL_FORMAT_JPEG, false, number);
    for (int number = 0; number < 200; number++)
        put(backlog, 2, SL_FORMAT_JPEG, false, number);
    for (int number = 0; number < 3; number++)
        put(backlog, 3, SL_FORMAT_H264, number == 0, number);
    assert_true(sl_backlog_lost(backlog, 1) > 0);
    assert_true(sl_backlog_lost(backlog, 2) > 0);
    assert_int_equal(sl_backlog_lost(backlog, 3), 0);
    sl_backlog_close(&backlog);
}

static void put_a_thousand(void *argument) {
    for (int number = 0; number < 1000; number++)
        put(argument, 0, SL_FORMAT_JPEG, false, number);
    sl_backlog_wake(argument);
}

static void another_thread_takes(void **state) {
    (void)state;
    sl_backlog *backlog;
    sl_thread thread = {0};
    sl_backlog_entry entry;
    int taken = 0;
    assert_int_equal(sl_backlog_open(&backlog, 1 << 22), 0);
    assert_int_equal(sl_thread_start(&thread, "putter", put_a_thousand, backlog), 0);
    while (taken < 1000 && sl_backlog_take(backlog, &entry, PATIENCE)) {
        assert_int_equal(entry.frame->sequence, taken++);
        sl_frame_unref(&entry.frame);
    }
    assert_int_equal(taken, 1000);
    sl_thread_join(&thread);
    /* Woken, it waits no longer. */
    assert_false(sl_backlog_take(backlog, &entry, PATIENCE));
    sl_backlog_close(&backlog);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_in_order),
        cmocka_unit_test(without_room_it_goes_on_with_a_keyframe),
        cmocka_unit_test(jpegs_need_no_keyframe),
        cmocka_unit_test(one_camera_leaves_room_for_others),
        cmocka_unit_test(another_thread_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
