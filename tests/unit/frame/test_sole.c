/* Waiting until a frame is one's own again. */
#include "base/error.h"
#include "base/thread.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static sl_frame *picture(void) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 8, 8), 0);
    return frame;
}

static void ones_own_frame_is_not_waited_for(void **state) {
    (void)state;
    sl_frame *frame = picture();
    assert_int_equal(sl_frame_wait(frame, NULL, 0), SL_OK);
    assert_int_equal(sl_frame_wait(frame, NULL, -1), SL_OK);
    sl_frame_unref(&frame);
}

static void frame_or_pixels_of_somebody_else_are_waited_for(void **state) {
    (void)state;
    sl_frame *frame = picture(), *other = sl_frame_ref(frame);
    assert_int_equal(sl_frame_wait(frame, NULL, 0), SL_EAGAIN);
    assert_int_equal(sl_frame_wait(frame, NULL, 1), SL_EAGAIN);
    sl_frame_unref(&other);
    assert_int_equal(sl_frame_share(&other, frame), 0);
    assert_int_equal(sl_frame_wait(frame, NULL, 0), SL_EAGAIN);
    sl_frame_unref(&other);
    assert_int_equal(sl_frame_wait(frame, NULL, 0), SL_OK);
    sl_frame_unref(&frame);
}

static void unref(void *frame) {
    sl_frame_unref((sl_frame **)frame);
}

/* In whichever order the two threads get there. */
static void who_waits_is_woken(void **state) {
    (void)state;
    for (int round = 0; round < 200; round++) {
        sl_frame *frame = picture(), *shared = NULL;
        sl_frame *other = sl_frame_ref(frame);
        sl_thread threads[2];
        assert_int_equal(sl_frame_share(&shared, frame), 0);
        assert_int_equal(sl_thread_start(&threads[0], "test-frame", unref, &other), 0);
        assert_int_equal(sl_thread_start(&threads[1], "test-pixels", unref, &shared), 0);
        assert_int_equal(sl_frame_wait(frame, NULL, -1), SL_OK);
        frame->planes[0][0] = 1;
        sl_frame_unref(&frame);
        sl_thread_join(&threads[0]);
        sl_thread_join(&threads[1]);
    }
}

static void wait_for(void *frame) {
    sl_frame_wait(frame, NULL, -1);
}

static void each_of_several_waits_for_its_own(void **state) {
    (void)state;
    sl_frame *frames[3], *others[3];
    sl_thread threads[3];
    for (int i = 0; i < 3; i++) {
        frames[i] = picture();
        others[i] = sl_frame_ref(frames[i]);
        assert_int_equal(sl_thread_start(&threads[i], "test-wait", wait_for, frames[i]), 0);
    }
    for (int i = 2; i >= 0; i--) {
        sl_frame_unref(&others[i]);
        sl_thread_join(&threads[i]);
        sl_frame_unref(&frames[i]);
    }
}

static void wait_can_be_cancelled(void **state) {
    (void)state;
    sl_frame *frame = picture(), *other = sl_frame_ref(frame);
    sl_cancel *cancel;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_frame_wait(frame, cancel, -1), SL_ECANCELED);
    sl_frame_unref(&other);
    assert_int_equal(sl_frame_wait(frame, cancel, -1), SL_OK);
    sl_cancel_close(&cancel);
    sl_frame_unref(&frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ones_own_frame_is_not_waited_for),
        cmocka_unit_test(frame_or_pixels_of_somebody_else_are_waited_for),
        cmocka_unit_test(who_waits_is_woken),
        cmocka_unit_test(each_of_several_waits_for_its_own),
        cmocka_unit_test(wait_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
