/* The timecode strip: what is drawn can be read, in every format, and stands where it should. */
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define UTC_US INT64_C(1764000000123456)
#define LOW_MS ((uint32_t)(UTC_US / 1000))

static void draw_and_read(sl_format format, int width, int height) {
    sl_frame *frame;
    uint32_t read = 0;
    assert_int_equal(sl_frame_new(&frame, format, width, height), 0);
    memset(frame->planes[0], 77, frame->size);
    assert_true(sl_timecode_draw(frame, UTC_US));
    assert_true(sl_timecode_read(frame, &read));
    assert_int_equal(read, LOW_MS);
    sl_frame_unref(&frame);
}

static void reads_what_it_draws(void **state) {
    (void)state;
    static const int sizes[][2] = {{128, 16}, {130, 17}, {501, 62}, {1280, 720}, {4096, 64}};
    for (int format = SL_FORMAT_GRAY; format <= SL_FORMAT_I444; format++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            draw_and_read((sl_format)format, sizes[i][0], sizes[i][1]);
    }
}

static void too_small_has_none(void **state) {
    (void)state;
    static const int sizes[][2] = {{127, 100}, {128, 15}, {1280, 63}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        sl_frame *frame;
        uint32_t read;
        assert_int_equal(sl_frame_new(&frame, SL_FORMAT_BGR, sizes[i][0], sizes[i][1]), 0);
        assert_false(sl_timecode_draw(frame, UTC_US));
        assert_false(sl_timecode_read(frame, &read));
        sl_frame_unref(&frame);
    }
}

static void squares_stand_where_the_protocol_says(void **state) {
    (void)state;
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 320, 200), 0);
    memset(frame->planes[0], 77, frame->size);
    assert_true(sl_timecode_draw(frame, INT64_C(1000) * ((1 << 1) | (1 << 16))));
    const uint8_t *pixels = frame->planes[0];
    assert_int_equal(pixels[0], 0);
    assert_int_equal(pixels[19], 0);
    assert_int_equal(pixels[20], 255);
    assert_int_equal(pixels[39], 255);
    assert_int_equal(pixels[40], 0);
    assert_int_equal(pixels[19 * 320 + 20], 255);
    assert_int_equal(pixels[20 * 320], 255);
    assert_int_equal(pixels[20 * 320 + 20], 0);
    assert_int_equal(pixels[40 * 320], 77);
    sl_frame_unref(&frame);
}

static void shared_pictures_are_not_drawn_on(void **state) {
    (void)state;
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 320, 200), 0);
    sl_frame *second = sl_frame_ref(frame);
    assert_false(sl_timecode_draw(frame, UTC_US));
    sl_frame_unref(&second);
    assert_true(sl_timecode_draw(frame, UTC_US));
    sl_frame_unref(&frame);
}

static void four_byte_pixels_can_be_read(void **state) {
    (void)state;
    sl_frame *gray, *array;
    uint32_t read;
    assert_int_equal(sl_frame_new(&gray, SL_FORMAT_GRAY, 200, 40), 0);
    assert_true(sl_timecode_draw(gray, UTC_US));
    assert_int_equal(sl_frame_new_array(&array, "uint8", 3, (int64_t[]){40, 200, 4}), 0);
    for (size_t i = 0; i < 40 * 200; i++)
        memset(array->planes[0] + 4 * i, gray->planes[0][i], 3);
    assert_true(sl_timecode_read(array, &read));
    assert_int_equal(read, LOW_MS);
    sl_frame_unref(&gray);
    sl_frame_unref(&array);
    assert_int_equal(sl_frame_new_array(&array, "uint16", 3, (int64_t[]){40, 200, 4}), 0);
    assert_false(sl_timecode_read(array, &read));
    sl_frame_unref(&array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_draws),
        cmocka_unit_test(too_small_has_none),
        cmocka_unit_test(squares_stand_where_the_protocol_says),
        cmocka_unit_test(shared_pictures_are_not_drawn_on),
        cmocka_unit_test(four_byte_pixels_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
