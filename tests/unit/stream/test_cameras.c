/* Frames are put together from chunks, and what doesn't fit is left until the next keyframe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/error.h>
#include <stdio.h>
#include <string.h>

#include "../fault.h"
#include "stream/cameras.h"

static sl_cameras *cameras;
static sl_camera *camera;

static sl_buffer *identity(uint8_t first) {
    sl_buffer *from = NULL;
    assert_int_equal(sl_buffer_new(&from, 5), SL_OK);
    memset(from->data, 0, 5);
    from->data[0] = first;
    return from;
}

static uint64_t camera_number; /* of whoever says hello next */

static sl_camera *welcome(uint8_t first, uint32_t session, const char *name, int64_t now_us) {
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .session = session, .camera = camera_number};
    sl_buffer *from = identity(first);
    snprintf(hello.text, sizeof hello.text, "%s", name);
    sl_camera *welcomed = sl_cameras_welcome(cameras, from, &hello, now_us);
    sl_buffer_unref(&from);
    return welcomed;
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(sl_cameras_open(&cameras, 1000), SL_OK);
    camera_number = 1;
    camera = welcome(1, 7, "garage", 0);
    assert_non_null(camera);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sl_cameras_close(&cameras);
    return 0;
}

struct piece {
    uint32_t sequence, offset, total;
    size_t size;
    uint8_t flags;
    uint16_t epoch;
};

static int take(struct piece piece, sl_frame **frame) {
    static const uint8_t data[2000] = "the quick brown fox";
    sl_live_message chunk = {
        .kind = SL_LIVE_CHUNK,
        .codec = SL_LIVE_H264,
        .flags = piece.flags,
        .epoch = piece.epoch,
        .session = 7,
        .sequence = piece.sequence,
        .offset = piece.offset,
        .total = piece.total,
        .captured_us = 1000,
        .clock_us = 50,
        .data = data + piece.offset,
        .size = piece.size,
    };
    return sl_cameras_take(cameras, camera, &chunk, frame);
}

static void expect_frame(struct piece piece) {
    sl_frame *frame = NULL;
    assert_int_equal(take(piece, &frame), SL_OK);
    assert_non_null(frame);
    assert_int_equal(frame->size, piece.total);
    assert_int_equal(frame->sequence, piece.sequence);
    sl_frame_unref(&frame);
}

static void expect_nothing(struct piece piece, int code) {
    sl_frame *frame = NULL;
    assert_int_equal(take(piece, &frame), code);
    assert_null(frame);
}

#define KEY SL_LIVE_KEYFRAME

static sl_live_message ack_now(void) {
    sl_live_message chunk = {0}, ack;
    sl_cameras_ack(cameras, camera, &chunk, 0, &ack);
    return ack;
}

static bool wants_keyframe(void) {
    return ack_now().flags & SL_LIVE_KEYFRAME;
}

static void puts_frames_together(void **state) {
    (void)state;
    sl_frame *frame = NULL;
    expect_nothing((struct piece){1, 0, 19, 9, KEY, 1}, SL_OK);
    assert_int_equal(take((struct piece){1, 9, 19, 10, KEY, 1}, &frame), SL_OK);
    assert_non_null(frame);
    assert_memory_equal(frame->planes[0], "the quick brown fox", 19);
    assert_int_equal(frame->format, SL_FORMAT_H264);
    assert_true(frame->keyframe);
    assert_string_equal(frame->port, "\"garage\"");
    assert_int_equal(frame->captured_utc_us, 1050); /* by the receiver's clock */
    sl_frame_unref(&frame);
    expect_frame((struct piece){2, 0, 5, 5, 0, 1});
    assert_int_equal(camera->received, 24);
}

/* What was handed out last is told, of this camera and this session alone. */
static void acks_tell_what_was_shown(void **state) {
    (void)state;
    sl_frame *frame = NULL;
    assert_int_equal(ack_now().shown, 0);
    assert_int_equal(take((struct piece){3, 0, 5, 5, KEY, 1}, &frame), SL_OK);
    sl_cameras_show(cameras, frame, 42000);
    camera_number = 2;
    sl_camera *first = camera;
    camera = welcome(2, 8, "garden", 0);
    assert_int_equal(ack_now().shown, 0);
    camera = first;
    assert_int_equal(ack_now().shown, 3);
    assert_int_equal(ack_now().shown_age_us, 42000);
    sl_cameras_show(cameras, frame, -1);
    assert_int_equal(ack_now().shown_age_us, SL_LIVE_NO_AGE);
    sl_cameras_show(cameras, frame, INT64_MAX);
    assert_int_equal(ack_now().shown_age_us, SL_LIVE_NO_AGE);
    camera_number = 1;
    assert_ptr_equal(welcome(1, 9, "garage", 0), first);
    assert_int_equal(ack_now().shown, 0);
    sl_frame_unref(&frame);
}

static void acks_tell_that_nobody_watches(void **state) {
    (void)state;
    assert_int_equal(ack_now().flags, SL_LIVE_KEYFRAME);
    cameras->unwatched = true;
    assert_int_equal(ack_now().flags, SL_LIVE_KEYFRAME | SL_LIVE_UNWATCHED);
}

/* One frame in work and two that wait are as many as there should be. */
static void acks_tell_that_the_decoder_is_behind(void **state) {
    (void)state;
    camera->lost = false;
    assert_false(sl_cameras_note_undecoded(camera, 3));
    assert_int_equal(ack_now().flags, 0);
    assert_true(sl_cameras_note_undecoded(camera, 4));
    assert_int_equal(ack_now().flags, SL_LIVE_BEHIND);
    assert_false(sl_cameras_note_undecoded(camera, 3));
    assert_true(sl_cameras_note_undecoded(camera, 2));
    assert_int_equal(ack_now().flags, 0);
    sl_cameras_note_undecoded(camera, 4);
    welcome(1, 8, "garage", 0); /* a new session knows nothing of that */
    assert_false(camera->behind);
}

static void waits_for_the_first_keyframe(void **state) {
    (void)state;
    expect_nothing((struct piece){1, 0, 5, 5, 0, 1}, SL_OK);
    assert_true(wants_keyframe());
    expect_frame((struct piece){2, 0, 5, 5, KEY, 1});
    assert_false(wants_keyframe());
}

static void wants_a_keyframe_after(struct piece odd) {
    expect_frame((struct piece){1, 0, 5, 5, KEY, 1});
    expect_nothing((struct piece){2, 0, 20, 10, 0, 1}, SL_OK);
    expect_nothing(odd, SL_EMESSAGE);
    assert_true(wants_keyframe());
    expect_nothing((struct piece){3, 0, 5, 5, 0, 1}, SL_OK);
    expect_frame((struct piece){4, 0, 5, 5, KEY, 1});
    expect_frame((struct piece){5, 0, 5, 5, 0, 1});
}

static void leaves_a_frame_with_a_gap(void **state) {
    (void)state;
    wants_a_keyframe_after((struct piece){2, 12, 20, 8, 0, 1});
}

static void leaves_a_frame_with_an_overlap(void **state) {
    (void)state;
    wants_a_keyframe_after((struct piece){2, 8, 20, 12, 0, 1});
}

static void leaves_a_frame_that_changes_its_size(void **state) {
    (void)state;
    wants_a_keyframe_after((struct piece){2, 10, 21, 10, 0, 1});
}

static void leaves_a_frame_that_is_not_finished(void **state) {
    (void)state;
    wants_a_keyframe_after((struct piece){3, 0, 20, 10, 0, 1});
}

static void leaves_a_frame_of_another_epoch(void **state) {
    (void)state;
    wants_a_keyframe_after((struct piece){2, 10, 20, 10, 0, 2});
}

/* What would be scaled to more than a video may have. */
static void takes_no_picture_that_is_too_large(void **state) {
    (void)state;
    static const uint8_t data[5];
    sl_frame *frame = NULL;
    sl_live_message chunk = {.sequence = 1,
                             .total = sizeof data,
                             .flags = KEY,
                             .width = 640,
                             .height = 480,
                             .data = data,
                             .size = sizeof data};
    assert_int_equal(sl_cameras_take(cameras, camera, &chunk, &frame), SL_OK);
    assert_int_equal(frame->full_width, 640);
    assert_int_equal(frame->full_height, 480);
    sl_frame_unref(&frame);
    chunk.sequence = 2;
    chunk.width = chunk.height = 65535;
    assert_int_equal(sl_cameras_take(cameras, camera, &chunk, &frame), SL_EMESSAGE);
    assert_null(frame);
}

static void misses_a_frame(void **state) {
    (void)state;
    expect_frame((struct piece){1, 0, 5, 5, KEY, 1});
    expect_nothing((struct piece){3, 0, 5, 5, 0, 1}, SL_EMESSAGE);
    expect_nothing((struct piece){4, 0, 5, 5, 0, 1}, SL_OK);
    assert_true(wants_keyframe());
}

static void takes_no_frame_that_is_too_large(void **state) {
    (void)state;
    expect_nothing((struct piece){1, 0, 1001, 10, KEY, 1}, SL_EMESSAGE);
    assert_true(wants_keyframe());
}

/* Begins a keyframe of so many bytes that another one never finishes. */
static void begin_large(uint8_t first, uint32_t total, int code) {
    camera_number = first;
    sl_camera *other = welcome(first, 1, "large", 0);
    sl_frame *frame = NULL;
    sl_live_message chunk = {
        .sequence = 1, .total = total, .flags = KEY, .data = (const uint8_t *)"begun", .size = 5};
    assert_int_equal(sl_cameras_take(cameras, other, &chunk, &frame), code);
    assert_null(frame);
}

/* The memory is never touched. */
static void large_frames_make_way_for_small_ones(void **state) {
    (void)state;
    static const size_t together = (size_t)128 << 20;
    sl_live_message next = {.sequence = 1, .offset = 5, .data = (const uint8_t *)"and", .size = 3};
    sl_frame *frame = NULL;
    sl_camera *displaced = NULL;
    cameras->frame_max = SL_CAMERAS_FRAME_MAX;
    for (uint8_t i = 2; i < 2 + together / SL_CAMERAS_FRAME_MAX; i++)
        begin_large(i, SL_CAMERAS_FRAME_MAX, SL_OK);
    begin_large(100, SL_CAMERAS_FRAME_MAX, SL_EMESSAGE);
    expect_nothing((struct piece){1, 0, 19, 9, KEY, 1}, SL_OK);
    assert_int_equal(take((struct piece){1, 9, 19, 10, KEY, 1}, &frame), SL_OK);
    assert_non_null(frame);
    sl_frame_unref(&frame);
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        if (!cameras->all[i].displaced)
            continue;
        assert_null(displaced);
        displaced = &cameras->all[i];
    }
    assert_non_null(displaced);
    next.total = SL_CAMERAS_FRAME_MAX;
    assert_int_equal(sl_cameras_take(cameras, displaced, &next, &frame), SL_EMESSAGE);
    assert_true(displaced->lost);
    assert_false(displaced->displaced);
}

static void no_setting_allows_immense_frames(void **state) {
    (void)state;
    sl_cameras_close(&cameras);
    assert_int_equal(sl_cameras_open(&cameras, UINT64_MAX), SL_OK);
    begin_large(2, SL_CAMERAS_FRAME_MAX, SL_OK);
    begin_large(3, SL_CAMERAS_FRAME_MAX + 1, SL_EMESSAGE);
}

static void takes_no_codec_that_was_not_offered(void **state) {
    (void)state;
    expect_frame((struct piece){1, 0, 5, 5, KEY, 1});
    cameras->codecs = 1U << SL_LIVE_JPEG;
    expect_nothing((struct piece){2, 0, 5, 5, KEY, 1}, SL_EMESSAGE);
    assert_true(wants_keyframe());
}

/* It costs the camera a keyframe, and the others nothing. */
static void loses_a_frame_for_want_of_memory(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_frame *frame = NULL;
        int result = take((struct piece){(uint32_t)nth + 1, 0, 5, 5, KEY, 1}, &frame);
        assert_int_equal(result, fault_happened() ? SL_EMESSAGE : SL_OK);
        assert_int_equal(wants_keyframe(), fault_happened());
        sl_frame_unref(&frame);
    }
}

static void wants_a_keyframe_when_one_is_no_good(void **state) {
    (void)state;
    sl_frame *frame = NULL;
    assert_int_equal(take((struct piece){1, 0, 5, 5, KEY, 1}, &frame), SL_OK);
    sl_cameras_distrust(cameras, frame);
    sl_frame_unref(&frame);
    assert_true(wants_keyframe());
    expect_nothing((struct piece){2, 0, 5, 5, 0, 1}, SL_OK);
    expect_frame((struct piece){3, 0, 5, 5, KEY, 1});
}

static void begins_anew_with_a_session(void **state) {
    (void)state;
    expect_frame((struct piece){1, 0, 5, 5, KEY, 1});
    assert_ptr_equal(welcome(1, 8, "garage", 0), camera);
    assert_int_equal(camera->received, 0);
    assert_true(wants_keyframe());
    assert_int_equal(sl_cameras_count(cameras), 1);
}

static void knows_one_that_comes_back(void **state) {
    (void)state;
    assert_ptr_equal(welcome(2, 9, "garage", 0), camera);
    assert_string_equal(camera->port, "\"garage\"");
    assert_int_equal(camera->from->data[0], 2);
    assert_int_equal(sl_cameras_count(cameras), 1);
}

static void tells_namesakes_apart(void **state) {
    (void)state;
    camera_number = 2;
    assert_string_equal(welcome(2, 1, "garage", 0)->port, "\"garage (2)\"");
    camera_number = 3;
    assert_string_equal(welcome(3, 1, "garage", 0)->port, "\"garage (3)\"");
    sl_cameras_leave(cameras, camera);
    camera_number = 4;
    assert_string_equal(welcome(4, 1, "garage", 0)->port, "\"garage\"");
}

/* Who is started again has its name again, and no place of its former life is left. */
static void namesakes_replace_who_is_away(void **state) {
    (void)state;
    camera_number = 2;
    assert_string_equal(welcome(2, 1, "garage", 4999999)->port, "\"garage (2)\"");
    camera_number = 3;
    assert_ptr_equal(welcome(3, 1, "garage", 5000000), camera); /* heard last at 0 */
    assert_string_equal(camera->port, "\"garage\"");
    assert_true(wants_keyframe());
    camera->gone = true;
    camera_number = 4;
    assert_ptr_equal(welcome(4, 1, "garage", 5000001), camera);
    assert_int_equal(sl_cameras_count(cameras), 2);
    camera->gone = true;
    assert_ptr_equal(welcome(5, 2, "garage", 5000002), camera); /* it has only connected anew */
    assert_false(camera->gone);
    assert_int_equal(sl_cameras_count(cameras), 2);
}

/* More than it can hold: whoever is silent makes way, and nobody else. */
static void is_bounded(void **state) {
    (void)state;
    for (int i = 2; i <= SL_CAMERAS_MAX; i++) {
        camera_number = (uint64_t)i;
        assert_non_null(welcome((uint8_t)i, 1, "x", 2000000));
    }
    camera_number = 200;
    assert_null(welcome(200, 1, "x", 4000000));
    assert_int_equal(sl_cameras_count(cameras), SL_CAMERAS_MAX); /* one is silent, and may return */
    assert_ptr_equal(welcome(200, 1, "x", 6000000), camera);     /* heard last at 0 */
    camera_number = 201;
    assert_null(welcome(201, 1, "x", 6000000));
    assert_int_equal(sl_cameras_count(cameras), SL_CAMERAS_MAX);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(puts_frames_together),
        TEST(acks_tell_what_was_shown),
        TEST(acks_tell_that_nobody_watches),
        TEST(acks_tell_that_the_decoder_is_behind),
        TEST(waits_for_the_first_keyframe),
        TEST(leaves_a_frame_with_a_gap),
        TEST(leaves_a_frame_with_an_overlap),
        TEST(leaves_a_frame_that_changes_its_size),
        TEST(leaves_a_frame_that_is_not_finished),
        TEST(leaves_a_frame_of_another_epoch),
        TEST(takes_no_picture_that_is_too_large),
        TEST(misses_a_frame),
        TEST(takes_no_frame_that_is_too_large),
        TEST(large_frames_make_way_for_small_ones),
        TEST(no_setting_allows_immense_frames),
        TEST(takes_no_codec_that_was_not_offered),
        TEST(loses_a_frame_for_want_of_memory),
        TEST(wants_a_keyframe_when_one_is_no_good),
        TEST(begins_anew_with_a_session),
        TEST(knows_one_that_comes_back),
        TEST(tells_namesakes_apart),
        TEST(namesakes_replace_who_is_away),
        TEST(is_bounded),
    };
    return cmocka_run_group_tests_name("stream/cameras", tests, NULL, NULL);
}
