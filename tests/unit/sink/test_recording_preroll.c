/* What is kept of before: which frames a recording would begin with, and how much that may be. */
#include "sink/recording/preroll.h"
#include "fault.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sightline/error.h>

#define BYTES   ((size_t)1000)
#define AMPLE   ((size_t)1000000)
#define FRAME_S INT64_C(1000000)

/* Frame number `second` arrives at that second. */
static bool add(sl_preroll *preroll, int second, bool afresh) {
    sl_buffer *bytes;
    sl_preroll_frame added = {.afresh = afresh, .arrived_us = second * FRAME_S};
    assert_int_equal(sl_buffer_new(&bytes, BYTES), 0);
    assert_int_equal(sl_frame_new_coded(&added.frame, SL_FORMAT_H264, bytes), 0);
    added.frame->sequence = (uint64_t)second;
    bool kept = sl_preroll_add(preroll, &added);
    sl_frame_unref(&added.frame);
    sl_buffer_unref(&bytes);
    return kept;
}

/* Seconds from `first` on, each `group` of them begun by one that needs none before it. */
static void fill(sl_preroll *preroll, int first, int count, int group) {
    for (int second = first; second < first + count; second++)
        assert_true(add(preroll, second, (second - first) % group == 0));
}

static int oldest(const sl_preroll *preroll) {
    const sl_preroll_frame *found = sl_preroll_oldest(preroll);
    return found ? (int)found->frame->sequence : -1;
}

static void it_begins_with_the_last_keyframe_before(void **state) {
    (void)state;
    sl_preroll preroll = {0};
    assert_false(add(&preroll, 0, false));
    assert_int_equal(oldest(&preroll), -1);
    fill(&preroll, 100, 50, 10);
    sl_preroll_trim(&preroll, 99 * FRAME_S, AMPLE);
    assert_int_equal(oldest(&preroll), 100);
    sl_preroll_trim(&preroll, 109 * FRAME_S, AMPLE);
    assert_int_equal(oldest(&preroll), 100);
    sl_preroll_trim(&preroll, 110 * FRAME_S, AMPLE);
    assert_int_equal(oldest(&preroll), 110);
    sl_preroll_trim(&preroll, 135 * FRAME_S, AMPLE);
    assert_int_equal(oldest(&preroll), 130);
    assert_int_equal(preroll.count, 20);
    sl_preroll_trim(&preroll, 999 * FRAME_S, AMPLE);
    assert_int_equal(oldest(&preroll), 140);
    for (int second = 140; second < 150; second++) {
        assert_int_equal(oldest(&preroll), second);
        sl_preroll_drop(&preroll);
    }
    assert_int_equal(oldest(&preroll), -1);
    assert_int_equal(preroll.bytes, 0);
    sl_preroll_finish(&preroll);
}

static void it_is_bounded_by_bytes(void **state) {
    (void)state;
    sl_preroll preroll = {0};
    fill(&preroll, 0, 30, 10);
    sl_preroll_trim(&preroll, 0, 50 * BYTES);
    assert_int_equal(oldest(&preroll), 0);
    sl_preroll_trim(&preroll, 0, preroll.bytes - 1);
    assert_int_equal(oldest(&preroll), 10);
    /* Of a single group that is too large nothing is of use. */
    sl_preroll_trim(&preroll, 0, BYTES);
    assert_int_equal(oldest(&preroll), -1);
    assert_int_equal(preroll.bytes, 0);
    assert_false(add(&preroll, 30, false));
    sl_preroll_finish(&preroll);
}

static void it_goes_round(void **state) {
    (void)state;
    sl_preroll preroll = {0};
    for (int second = 0; second < 1000; second++) {
        assert_true(add(&preroll, second, true));
        sl_preroll_trim(&preroll, (second - 90) * FRAME_S, AMPLE);
        assert_int_equal(oldest(&preroll), second < 90 ? 0 : second - 90);
        assert_true(preroll.count <= 91);
    }
    assert_true(preroll.room <= 128);
    sl_preroll_finish(&preroll);
}

static void without_memory_nothing_is_kept(void **state) {
    (void)state;
    sl_preroll preroll = {0};
    sl_preroll_frame added = {.afresh = true};
    sl_buffer *bytes;
    assert_int_equal(sl_buffer_new(&bytes, BYTES), 0);
    assert_int_equal(sl_frame_new_coded(&added.frame, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    for (int nth = 0; fault_next(nth); nth++) {
        bool kept = true;
        for (int i = 0; i < 70 && kept; i++)
            kept = sl_preroll_add(&preroll, &added);
        assert_int_equal(kept, !fault_happened());
        assert_int_equal(preroll.count, kept ? 70 : 0);
        sl_preroll_finish(&preroll);
    }
    assert_true(sl_frame_sole(added.frame));
    sl_frame_unref(&added.frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_the_last_keyframe_before),
        cmocka_unit_test(it_is_bounded_by_bytes),
        cmocka_unit_test(it_goes_round),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
