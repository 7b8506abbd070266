/* Taps: who sees a receiver's frames as they come, in which patterns, and what they see. */
#include "ends.h"

#include "base/clock.h"
#include "frame/frame.h"
#include "stream/taps.h"
#include <sched.h>
#include <stdatomic.h>

struct seen {
    atomic_int frames, keyframes;
    atomic_int last; /* the number that a frame carried, or its sequence */
    sl_format format;
};

static void see(void *user, const sl_frame *coded) {
    struct seen *seen = user;
    uint32_t number = (uint32_t)coded->sequence;
    seen->format = coded->format;
    if (coded->size == sizeof number)
        memcpy(&number, coded->planes[0], sizeof number);
    assert_true((int)number > atomic_load(&seen->last));
    atomic_fetch_add(&seen->keyframes, coded->keyframe);
    atomic_fetch_add(&seen->frames, 1);
    atomic_store(&seen->last, (int)number); /* last: who waits for it counts on the others */
}

static void there_are_no_more_than_four(void **state) {
    (void)state;
    struct seen seen[5] = {0};
    sl_taps taps;
    sl_frame *frame = NULL;
    uint32_t number = 7;
    int64_t shape[] = {1};
    assert_int_equal(sl_frame_new_array(&frame, "uint32", 1, shape), SL_OK);
    memcpy(frame->planes[0], &number, sizeof number);
    sl_taps_init(&taps);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sl_taps_add(&taps, &(sl_tap){see, &seen[i]}), SL_OK);
    assert_int_equal(sl_taps_add(&taps, &(sl_tap){see, &seen[4]}), SL_EINVAL);
    sl_taps_remove(&taps, &seen[1]);
    sl_taps_pass(&taps, frame);
    assert_int_equal(sl_taps_add(&taps, &(sl_tap){see, &seen[4]}), SL_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(seen[i].frames, i != 1 && i != 4);
    sl_taps_finish(&taps);
    sl_frame_unref(&frame);
}

/* Each frame, though who takes them gets the newest alone; none after it was taken away. */
static void see_what_others_miss(void **state) {
    (void)state;
    static const sl_pattern patterns[] = {SL_PATTERN_PUBSUB, SL_PATTERN_PAIR};
    for (size_t i = 0; i < 2; i++) {
        struct ends ends;
        struct seen seen = {0};
        uint32_t got;
        open_both(&ends, patterns[i]);
        assert_int_equal(sl_receiver_tap(ends.receiver, &(sl_tap){see, &seen}), SL_OK);
        for (uint32_t number = 1; number <= 3; number++) {
            assert_int_equal(send_number(&ends, number, -1), SL_OK);
            assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
            while (atomic_load(&seen.last) < (int)number)
                sched_yield();
        }
        assert_int_equal(seen.frames, 3);
        sl_receiver_untap(ends.receiver, &seen);
        assert_int_equal(send_number(&ends, 4, -1), SL_OK);
        while (receive_number(&ends, &got, -1) == SL_OK && got < 4)
            ;
        assert_int_equal(seen.frames, 3);
        close_both(&ends);
    }
}

#define SIDE 160

static int send_picture(struct ends *ends, uint8_t number, int timeout_ms) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, SIDE, SIDE), SL_OK);
    memset(frame->planes[0], number, frame->size);
    frame->captured_utc_us = sl_utc_us();
    frame->captured_monotonic_us = sl_now_us();
    int result = sl_sender_send(ends->sender, frame, timeout_ms);
    sl_frame_unref(&frame);
    return result;
}

/* Pictures that move, one after another, until one comes of that kind: coded, or not. */
static void watch_for(struct ends *ends, bool coded, uint8_t *number) {
    sl_frame *frame = NULL;
    bool is_coded = !coded;
    while (is_coded != coded) {
        send_picture(ends, *number += 9, 1000);
        int result = sl_receiver_recv(ends->receiver, &frame, 100);
        assert_true(result == SL_OK || result == SL_EAGAIN);
        if (frame)
            is_coded = sl_format_is_coded(frame->format);
        sl_frame_unref(&frame);
    }
}

/* What was not decoded for a while is decoded again from a keyframe on, which the camera is asked
 * for; whoever sees frames as they come misses none meanwhile. */
static void decoding_pauses_and_goes_on(void **state) {
    (void)state;
    struct ends ends;
    struct seen seen = {0};
    sl_stats stats;
    uint8_t number = 0;
    open_both(&ends, SL_PATTERN_LIVE);
    assert_int_equal(sl_receiver_tap(ends.receiver, &(sl_tap){see, &seen}), SL_OK);
    watch_for(&ends, false, &number);
    sl_receiver_set_output(ends.receiver, SL_OUTPUT_CODED);
    watch_for(&ends, true, &number);
    for (int i = 0; i < 3; i++)
        watch_for(&ends, true, &number);
    int keyframes = seen.keyframes;
    assert_true(sl_format_is_video(seen.format));
    sl_receiver_set_output(ends.receiver, SL_OUTPUT_PLANES);
    watch_for(&ends, false, &number);
    assert_int_equal(seen.keyframes, keyframes + 1);
    assert_int_equal(seen.frames, seen.last); /* their sequence begins with 1 */
    sl_receiver_stats(ends.receiver, &stats);
    assert_int_equal(stats.rejected, 0);
    close_both(&ends);
}

/* A picture at rest is not sent for a while; who asks for a keyframe has it at once. */
static void a_picture_at_rest_is_refreshed(void **state) {
    (void)state;
    struct ends ends;
    struct seen seen = {0};
    sl_frame *frame = NULL;
    open_both(&ends, SL_PATTERN_LIVE);
    assert_int_equal(sl_receiver_tap(ends.receiver, &(sl_tap){see, &seen}), SL_OK);
    for (int wishes = 0; wishes < 2; wishes++) {
        int keyframes = atomic_load(&seen.keyframes);
        if (wishes > 0)
            sl_receiver_refresh(ends.receiver, frame->port);
        sl_frame_unref(&frame);
        while (atomic_load(&seen.keyframes) == keyframes || !frame) {
            sl_frame_unref(&frame);
            send_picture(&ends, 100, 100);
            sl_receiver_recv(ends.receiver, &frame, 20);
        }
    }
    assert_int_equal(seen.keyframes, 2);
    sl_frame_unref(&frame);
    close_both(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_no_more_than_four),
        cmocka_unit_test(see_what_others_miss),
        cmocka_unit_test(decoding_pauses_and_goes_on),
        cmocka_unit_test(a_picture_at_rest_is_refreshed),
    };
    return cmocka_run_group_tests_name("stream/taps", tests, NULL, NULL);
}
