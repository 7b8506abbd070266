/* Pictures that were made smaller come back in their size, in whatever layout they are wanted. */
#include "codec/codec.h"
#include "codec/upscaler.h"
#include "frame/frame.h"
#include <sightline/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const sl_codec_settings settings = {.jpeg = true, .quality = 90};

/* Coded at that scale: dark above, bright below. */
static sl_frame *code(sl_format format, sl_format made, int width, int height, double scale) {
    sl_codec *codec;
    sl_frame *frame, *coded;
    sl_codec_aim aim = {.format = made,
                        .bit_rate = 100000000,
                        .fps = 30,
                        .scale = scale,
                        .quality = 90,
                        .threads = 1};
    assert_int_equal(sl_frame_new(&frame, format, width, height), SL_OK);
    memset(frame->planes[0], 128, frame->size);
    for (int y = 0; y < height; y++)
        memset(frame->planes[0] + (size_t)y * frame->strides[0], y < height / 2 ? 50 : 200,
               frame->strides[0]);
    frame->sequence = 7;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_OK);
    assert_int_equal(sl_codec_aim_at(codec, &aim), SL_OK);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_OK);
    sl_codec_close(&codec);
    sl_frame_unref(&frame);
    return coded;
}

static sl_frame *decode(const sl_frame *coded, sl_output output) {
    sl_codec *codec;
    sl_frame *frame;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_OK);
    assert_int_equal(sl_codec_decode(codec, coded, output, &frame), SL_OK);
    sl_codec_close(&codec);
    return frame;
}

static int brightness(const sl_frame *frame, int y) {
    size_t stride =
        frame->dimensions >= 2 ? frame->size / (size_t)frame->height : frame->strides[0];
    return frame->planes[0][(size_t)y * stride + stride / 3];
}

static void comes_back(sl_frame *coded, sl_output output, sl_size full) {
    sl_upscaler *upscaler;
    sl_frame *frame = decode(coded, output);
    sl_format format = frame->format;
    assert_int_equal(sl_upscaler_open(&upscaler), SL_OK);
    assert_true(frame->width < full.width && frame->height < full.height);
    assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_OK);
    sl_upscaler_close(&upscaler);
    assert_int_equal(frame->width, full.width);
    assert_int_equal(frame->height, full.height);
    assert_int_equal(frame->format, format);
    assert_int_equal(frame->sequence, 7);
    assert_in_range(brightness(frame, full.height / 4), 40, 60);
    assert_in_range(brightness(frame, full.height * 3 / 4), 190, 210);
    sl_frame_unref(&frame);
}

static void video_comes_back(void **state) {
    (void)state;
    sl_frame *coded = code(SL_FORMAT_I420, SL_FORMAT_H264, 320, 240, 0.5);
    assert_int_equal(coded->width, 160);
    comes_back(coded, SL_OUTPUT_PLANES, (sl_size){320, 240});
    comes_back(coded, SL_OUTPUT_ARRAY, (sl_size){320, 240});
    sl_frame_unref(&coded);
}

/* Without the last column and row of odd sides, as it is at its full size. */
static void odd_video_comes_back_even(void **state) {
    (void)state;
    sl_frame *coded = code(SL_FORMAT_BGR, SL_FORMAT_H264, 321, 241, 0.75);
    comes_back(coded, SL_OUTPUT_ARRAY, (sl_size){320, 240});
    sl_frame_unref(&coded);
}

static void jpegs_come_back(void **state) {
    (void)state;
    sl_frame *coded = code(SL_FORMAT_I420, SL_FORMAT_JPEG, 321, 241, 0.5);
    comes_back(coded, SL_OUTPUT_PLANES, (sl_size){321, 241});
    comes_back(coded, SL_OUTPUT_ARRAY, (sl_size){321, 241});
    coded->colorspace = SL_COLORSPACE_GRAY;
    comes_back(coded, SL_OUTPUT_ARRAY, (sl_size){321, 241});
    sl_frame_unref(&coded);
}

/* Of four channels, which is no picture by its shape. */
static void any_order_of_colours_comes_back(void **state) {
    (void)state;
    sl_upscaler *upscaler;
    sl_frame *coded = code(SL_FORMAT_I420, SL_FORMAT_JPEG, 320, 240, 0.5);
    coded->colorspace = SL_COLORSPACE_RGBA;
    sl_frame *frame = decode(coded, SL_OUTPUT_ARRAY);
    assert_int_equal(sl_upscaler_open(&upscaler), SL_OK);
    assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_OK);
    sl_upscaler_close(&upscaler);
    assert_int_equal(frame->format, SL_FORMAT_ARRAY);
    assert_int_equal(frame->shape[0], 240);
    assert_int_equal(frame->shape[1], 320);
    assert_int_equal(frame->shape[2], 4);
    sl_frame_unref(&frame);
    sl_frame_unref(&coded);
}

static void what_has_its_size_is_left(void **state) {
    (void)state;
    sl_upscaler *upscaler;
    sl_frame *coded = code(SL_FORMAT_I420, SL_FORMAT_H264, 320, 240, 1);
    assert_int_equal(coded->full_width, 0);
    sl_frame *frame = decode(coded, SL_OUTPUT_PLANES), *same = frame;
    assert_int_equal(sl_upscaler_open(&upscaler), SL_OK);
    assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_OK);
    assert_ptr_equal(frame, same);
    coded->full_width = 300; /* no picture is made smaller here */
    coded->full_height = 200;
    assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_OK);
    assert_ptr_equal(frame, same);
    sl_upscaler_close(&upscaler);
    sl_frame_unref(&frame);
    sl_frame_unref(&coded);
}

/* Else a few bytes would become as many as a picture may have, or more sides than can be scaled. */
static void no_picture_was_that_large(void **state) {
    (void)state;
    static const uint16_t sizes[][2] = {{1, 65535}, {65535, 1}, {2, 65000}, {324, 240}, {320, 244}};
    sl_upscaler *upscaler;
    sl_frame *coded = code(SL_FORMAT_I420, SL_FORMAT_JPEG, 80, 60, 1);
    sl_frame *frame = decode(coded, SL_OUTPUT_PLANES), *same = frame;
    assert_int_equal(sl_upscaler_open(&upscaler), SL_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        coded->full_width = sizes[i][0];
        coded->full_height = sizes[i][1];
        assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_EMESSAGE);
        assert_ptr_equal(frame, same);
    }
    coded->full_width = 320;
    coded->full_height = 240;
    assert_int_equal(sl_upscaler_restore(upscaler, coded, &frame), SL_OK);
    assert_int_equal(frame->width, 320);
    sl_upscaler_close(&upscaler);
    sl_frame_unref(&frame);
    sl_frame_unref(&coded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(video_comes_back),
        cmocka_unit_test(odd_video_comes_back_even),
        cmocka_unit_test(jpegs_come_back),
        cmocka_unit_test(any_order_of_colours_comes_back),
        cmocka_unit_test(what_has_its_size_is_left),
        cmocka_unit_test(no_picture_was_that_large),
    };
    return cmocka_run_group_tests_name("codec/upscaler", tests, NULL, NULL);
}
