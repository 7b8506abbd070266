/* When a camera's own video goes on as it came, and when it is coded anew. */
#include "stream/passing.h"
#include "base/clock.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define FPS        30
#define GROUP      60 /* frames from one keyframe to the next */
#define FRAME_SIZE 4000
#define KEY_SIZE   12000
/* What all that makes, roughly. */
#define CAMERA_RATE 1000000

/* A camera, and what became of its frames. */
struct camera {
    sl_passing passing;
    sl_governor_aim aim;
    sl_frame *last;
    uint64_t sequence;
    bool wish; /* for a keyframe, with the next frame */
    bool passed;
};

static struct camera begin(int64_t bit_rate) {
    return (struct camera){.aim = {.bit_rate = bit_rate, .fps = FPS, .scale = 1}};
}

static void capture(struct camera *camera) {
    bool key = camera->sequence % GROUP == 0;
    sl_buffer *bytes;
    sl_frame *frame;
    assert_int_equal(sl_buffer_new(&bytes, key ? KEY_SIZE : FRAME_SIZE), 0);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_H264, bytes), 0);
    sl_buffer_unref(&bytes);
    frame->keyframe = key;
    frame->sequence = camera->sequence;
    frame->captured_monotonic_us =
        5 * SL_SECOND_US + (int64_t)camera->sequence * SL_SECOND_US / FPS;
    sl_frame_follow(frame, key ? NULL : camera->last);
    sl_frame_unref(&camera->last);
    camera->last = frame;
    camera->sequence++;
}

/* The next frame; whether it goes on as it came. */
static bool next(struct camera *camera) {
    capture(camera);
    camera->passed = sl_passing_decide(&camera->passing, camera->last, &camera->aim, camera->wish);
    camera->wish = false;
    return camera->passed;
}

/* How many frames it takes until they pass or, in the other case, don't. */
static int until(struct camera *camera, bool passes, int most) {
    for (int frames = 1; frames <= most; frames++)
        if (next(camera) == passes)
            return frames;
    fail_msg("nothing changed in %d frames", most);
    return most;
}

static void all_pass(struct camera *camera, int frames) {
    for (int i = 0; i < frames; i++)
        assert_true(next(camera));
}

static void none_passes(struct camera *camera, int frames) {
    for (int i = 0; i < frames; i++)
        assert_false(next(camera));
}

/* Lets so many frames go by that no encoder gets. */
static void leave_out(struct camera *camera, int frames) {
    for (int i = 0; i < frames; i++)
        capture(camera);
}

static void end(struct camera *camera) {
    sl_frame_unref(&camera->last);
}

static void what_fits_passes(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, FPS * 20);
    end(&camera);
}

static void what_does_not_fit_does_not_pass(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE / 2);
    none_passes(&camera, FPS * 20);
    end(&camera);
}

static void it_begins_with_a_keyframe(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    leave_out(&camera, 7);
    assert_int_equal(until(&camera, true, GROUP), GROUP - 7 + 1);
    end(&camera);
}

static void it_stops_at_any_frame_and_takes_its_time_to_begin_again(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, FPS * 25 + 10);
    camera.aim.bit_rate = CAMERA_RATE / 2;
    assert_in_range(until(&camera, false, FPS * 3), FPS - 2, FPS * 2);
    none_passes(&camera, FPS * 5);
    camera.aim.bit_rate = CAMERA_RATE * 4;
    assert_in_range(until(&camera, true, FPS * 6), FPS * 3, FPS * 3 + GROUP + 1);
    assert_true(camera.last->keyframe);
    end(&camera);
}

/* Between the rate at which it begins and the one at which it stops, all stays as it is. */
static void small_changes_change_nothing(void **state) {
    (void)state;
    struct camera one = begin(CAMERA_RATE * 4), other = begin(CAMERA_RATE / 2);
    all_pass(&one, FPS * 10);
    none_passes(&other, FPS * 10);
    one.aim.bit_rate = other.aim.bit_rate = CAMERA_RATE * 20 / 23;
    all_pass(&one, FPS * 20);
    none_passes(&other, FPS * 20);
    end(&one);
    end(&other);
}

static void a_frame_that_was_skipped_breaks_the_chain(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, GROUP + 5);
    leave_out(&camera, 1);
    assert_false(next(&camera));
    /* It waits longer each time that this happens soon. */
    int before = 0;
    for (int i = 0; i < 3; i++) {
        int frames = until(&camera, true, FPS * 30);
        assert_true(frames > before && frames >= FPS * 3);
        before = frames;
        leave_out(&camera, 1);
        assert_false(next(&camera));
    }
    /* And never for ever. */
    for (int i = 0; i < 5; i++) {
        until(&camera, true, FPS * 63);
        leave_out(&camera, 1);
        assert_false(next(&camera));
    }
    end(&camera);
}

static void frames_before_a_keyframe_may_be_missing(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, GROUP - 3);
    leave_out(&camera, 3);
    assert_true(next(&camera));
    end(&camera);
}

/* A keyframe can't be had from the camera: what is coded anew fills in up to its next one. */
static void a_wish_for_a_keyframe_is_met_at_once(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, GROUP + 10);
    camera.wish = true;
    assert_int_equal(until(&camera, true, GROUP), GROUP - 10 + 1);
    assert_true(camera.last->keyframe);
    all_pass(&camera, GROUP - 1);
    camera.wish = true;
    assert_true(next(&camera));
    end(&camera);
}

static void fewer_or_smaller_frames_are_coded_anew(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 4);
    all_pass(&camera, FPS);
    camera.aim.fps = FPS / 2.0;
    assert_false(next(&camera));
    camera.aim.fps = FPS;
    camera.aim.scale = 0.75;
    none_passes(&camera, FPS * 10);
    camera.aim.scale = 1;
    until(&camera, true, FPS * 6);
    end(&camera);
}

/* The rate would do, but a keyframe would hold up what comes after it. */
static void large_keyframes_want_more_room(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE + CAMERA_RATE / 5);
    none_passes(&camera, FPS * 10);
    camera.aim.bit_rate = CAMERA_RATE * 2;
    until(&camera, true, FPS * 6);
    end(&camera);
}

static void what_never_got_here_counts(void **state) {
    (void)state;
    struct camera camera = begin(CAMERA_RATE * 2 / 3);
    for (int i = 0; i < FPS * 5; i++) { /* one frame of two: half the rate, if that were all */
        leave_out(&camera, 1);
        assert_false(next(&camera));
    }
    end(&camera);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_passes),
        cmocka_unit_test(what_does_not_fit_does_not_pass),
        cmocka_unit_test(it_begins_with_a_keyframe),
        cmocka_unit_test(it_stops_at_any_frame_and_takes_its_time_to_begin_again),
        cmocka_unit_test(small_changes_change_nothing),
        cmocka_unit_test(a_frame_that_was_skipped_breaks_the_chain),
        cmocka_unit_test(frames_before_a_keyframe_may_be_missing),
        cmocka_unit_test(a_wish_for_a_keyframe_is_met_at_once),
        cmocka_unit_test(fewer_or_smaller_frames_are_coded_anew),
        cmocka_unit_test(large_keyframes_want_more_room),
        cmocka_unit_test(what_never_got_here_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
