/* Which frames of a picture at rest need not be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "frame/frame.h"
#include "stream/stillness.h"

#define SECOND_US 1000000
#define FRAME_US  33333
#define WIDTH     67 /* no multiple of a word */
#define HEIGHT    34

static sl_frame *picture(sl_format format, uint8_t value) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, format, WIDTH, HEIGHT), 0);
    memset(frame->planes[0], value, frame->size);
    return frame;
}

/* Offers one that finds room; whether it was sent. */
static bool offer(sl_stillness *stillness, const sl_frame *frame, bool best, bool awaited,
                  int64_t now_us) {
    if (sl_stillness_skips(stillness, frame, best, awaited, now_us))
        return false;
    sl_stillness_passed(stillness, now_us);
    return true;
}

/* How many of a second's frames are sent, and then one that is not. */
static int sent(sl_stillness *stillness, const sl_frame *frame, bool best, int64_t from_us) {
    int count = 0;
    for (int i = 0; i < 30; i++)
        count += offer(stillness, frame, best, false, from_us + i * FRAME_US);
    return count;
}

static void a_picture_at_rest_is_sent_once_a_second(void **state) {
    (void)state;
    sl_stillness stillness = {0};
    sl_frame *frame = picture(SL_FORMAT_I420, 5);
    assert_in_range(sent(&stillness, frame, true, SECOND_US), 1, 2);
    for (int second = 2; second < 10; second++)
        assert_in_range(sent(&stillness, frame, true, second * SECOND_US), 1, 1);
    sl_frame_unref(&frame);
}

static void it_becomes_as_good_as_it_gets_first(void **state) {
    (void)state;
    sl_stillness stillness = {0};
    sl_frame *frame = picture(SL_FORMAT_I420, 5);
    assert_int_equal(sent(&stillness, frame, false, SECOND_US), 30);
    assert_int_equal(sent(&stillness, frame, true, 2 * SECOND_US), 1);
    /* What never is has had two seconds for it. */
    stillness = (sl_stillness){0};
    for (int second = 1; second < 3; second++)
        assert_int_equal(sent(&stillness, frame, false, second * SECOND_US), 30);
    sent(&stillness, frame, false, 3 * SECOND_US);
    assert_int_equal(sent(&stillness, frame, false, 4 * SECOND_US), 1);
    sl_frame_unref(&frame);
}

static void who_waits_gets_a_frame_at_once(void **state) {
    (void)state;
    sl_stillness stillness = {0};
    sl_frame *frame = picture(SL_FORMAT_I420, 5);
    sent(&stillness, frame, true, SECOND_US);
    assert_false(offer(&stillness, frame, true, false, 2 * SECOND_US - 1));
    assert_true(offer(&stillness, frame, true, true, 2 * SECOND_US));
    assert_false(offer(&stillness, frame, true, false, 2 * SECOND_US + FRAME_US));
    sl_frame_unref(&frame);
}

/* Wherever a picture differs, in rows that are sampled and in others, padding aside. */
static void whatever_moves_is_sent(void **state) {
    (void)state;
    static const sl_format formats[] = {SL_FORMAT_I420, SL_FORMAT_I444, SL_FORMAT_GRAY,
                                        SL_FORMAT_BGR};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        sl_stillness stillness = {0};
        sl_frame *frame = picture(formats[i], 5);
        int64_t now_us = SECOND_US;
        for (int plane = 0; plane < sl_format_planes(formats[i]); plane++) {
            int height = sl_plane_height(formats[i], plane, HEIGHT);
            int width = sl_plane_width(formats[i], plane, WIDTH);
            for (int at = 0; at < width * height; at += 7) {
                uint8_t *pixel = frame->planes[plane] +
                                 (size_t)(at / width) * frame->strides[plane] + at % width;
                *pixel ^= 1U << at % 8;
                assert_true(offer(&stillness, frame, true, false, now_us));
                now_us += 3;
            }
        }
        sl_frame_unref(&frame);
    }
}

/* The picture that was sent is what counts, not the one that found no room. */
static void what_found_no_room_was_not_sent(void **state) {
    (void)state;
    sl_stillness stillness = {0};
    sl_frame *frame = picture(SL_FORMAT_I420, 5), *other = picture(SL_FORMAT_I420, 6);
    sent(&stillness, frame, true, SECOND_US);
    assert_false(sl_stillness_skips(&stillness, other, true, false, 2 * SECOND_US - 3));
    assert_false(sl_stillness_skips(&stillness, other, true, false, 2 * SECOND_US - 2));
    assert_true(sl_stillness_skips(&stillness, frame, true, false, 2 * SECOND_US - 1));
    sl_frame_unref(&other);
    sl_frame_unref(&frame);
}

static sl_frame *coded(sl_format format, const char *bytes) {
    sl_buffer *buffer;
    sl_frame *frame;
    assert_int_equal(sl_buffer_new(&buffer, strlen(bytes)), 0);
    memcpy(buffer->data, bytes, strlen(bytes));
    assert_int_equal(sl_frame_new_coded(&frame, format, buffer), 0);
    sl_buffer_unref(&buffer);
    return frame;
}

static void coded_pictures_rest_and_video_does_not(void **state) {
    (void)state;
    sl_stillness stillness = {0};
    sl_frame *one = coded(SL_FORMAT_JPEG, "a picture"), *same = coded(SL_FORMAT_JPEG, "a picture");
    sl_frame *other = coded(SL_FORMAT_JPEG, "a picturf"), *video = coded(SL_FORMAT_H264, "video");
    assert_true(offer(&stillness, one, true, false, SECOND_US));
    assert_true(offer(&stillness, same, true, false, SECOND_US));
    assert_false(offer(&stillness, one, true, false, SECOND_US));
    assert_true(offer(&stillness, other, true, false, SECOND_US));
    for (int i = 0; i < 5; i++)
        assert_true(offer(&stillness, video, true, false, SECOND_US));
    sl_frame_unref(&one);
    sl_frame_unref(&same);
    sl_frame_unref(&other);
    sl_frame_unref(&video);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_at_rest_is_sent_once_a_second),
        cmocka_unit_test(it_becomes_as_good_as_it_gets_first),
        cmocka_unit_test(who_waits_gets_a_frame_at_once),
        cmocka_unit_test(whatever_moves_is_sent),
        cmocka_unit_test(what_found_no_room_was_not_sent),
        cmocka_unit_test(coded_pictures_rest_and_video_does_not),
    };
    return cmocka_run_group_tests_name("stream/stillness", tests, NULL, NULL);
}
