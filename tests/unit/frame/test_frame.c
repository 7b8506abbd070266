/* Frames: pictures, arrays, coded bytes, and what they share. */
#include "frame/frame.h"
#include "base/error.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void pictures_are_laid_out(void **state) {
    (void)state;
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_BGR, 5, 3), 0);
    assert_int_equal(frame->size, 45);
    assert_int_equal(frame->strides[0], 15);
    assert_int_equal(frame->dimensions, 3);
    assert_int_equal(frame->shape[0], 3);
    assert_int_equal(frame->shape[1], 5);
    assert_int_equal(frame->shape[2], 3);
    assert_string_equal(frame->dtype, "uint8");
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I420, 33, 3), 0);
    assert_int_equal(frame->strides[0], 64);
    assert_int_equal(frame->strides[1], 32);
    assert_ptr_equal(frame->planes[1], frame->planes[0] + 64 * 3);
    assert_ptr_equal(frame->planes[2], frame->planes[1] + 32 * 2);
    assert_int_equal(frame->size, 64 * 3 + 2 * 32 * 2);
    assert_int_equal(frame->dimensions, 0);
    sl_buffer *bytes;
    assert_int_equal(sl_frame_bytes(frame, &bytes), SL_EINVAL);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I422, 33, 3), 0);
    assert_ptr_equal(frame->planes[2], frame->planes[1] + 32 * 3);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 0, 3), SL_EINVAL);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 3, 65536), SL_EINVAL);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_JPEG, 3, 3), SL_EINVAL);
    assert_null(frame);
}

static void arrays_that_are_pictures_say_so(void **state) {
    (void)state;
    sl_frame *frame;
    assert_int_equal(sl_frame_new_array(&frame, "|u1", 2, (int64_t[]){4, 6}), 0);
    assert_int_equal(frame->format, SL_FORMAT_GRAY);
    assert_int_equal(frame->width, 6);
    assert_int_equal(frame->strides[0], 6);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 3, (int64_t[]){4, 6, 3}), 0);
    assert_int_equal(frame->format, SL_FORMAT_BGR);
    assert_int_equal(frame->height, 4);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new_array(&frame, ">u2", 3, (int64_t[]){4, 6, 3}), 0);
    assert_int_equal(frame->format, SL_FORMAT_ARRAY);
    assert_string_equal(frame->dtype, ">u2");
    assert_int_equal(frame->size, 144);
    assert_int_equal(frame->width, 0);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 2, (int64_t[]){1, 70000}), 0);
    assert_int_equal(frame->format, SL_FORMAT_ARRAY);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new_array(&frame, "float64", 0, NULL), 0);
    assert_int_equal(frame->size, 8);
    sl_frame_unref(&frame);
}

static void absurd_arrays_are_refused(void **state) {
    (void)state;
    sl_frame *frame;
    size_t size;
    int64_t big[] = {INT64_MAX, INT64_MAX, 0};
    assert_int_equal(sl_frame_new_array(&frame, "object", 1, big), SL_EINVAL);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 2, big), SL_EINVAL);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 1, (int64_t[]){-1}), SL_EINVAL);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 9, big), SL_EINVAL);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", -1, big), SL_EINVAL);
    assert_int_equal(sl_array_size("uint8", 3, big, 100, &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(sl_array_size("float32", 2, (int64_t[]){5, 5}, 100, &size), 0);
    assert_int_equal(size, 100);
    assert_int_equal(sl_array_size("float32", 2, (int64_t[]){5, 5}, 99, &size), SL_EINVAL);
    assert_int_equal(sl_array_size("float32", 0, NULL, 3, &size), SL_EINVAL);
}

static void dtypes_have_sizes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t size;
    } known[] = {
        {"bool", 1},        {"int8", 1},      {"uint64", 8},
        {"float16", 2},     {"float128", 16}, {"complex64", 8},
        {"complex256", 32}, {">u2", 2},       {"<f4", 4},
        {"|b1", 1},         {"=i8", 8},       {"u1", 1},
        {">c16", 16},       {">f16", 16},     {"datetime64[ns]", 8},
        {"<M8[25s]", 8},    {"<M8[ms]", 8},   {"timedelta64", 8},
    };
    static const char *const unknown[] = {"",
                                          "object",
                                          "uint9",
                                          "U5",
                                          "<U5",
                                          "S5",
                                          "|V8",
                                          "u",
                                          "<",
                                          "u3",
                                          ">>u2",
                                          "uint8 ",
                                          "uint8[2]",
                                          "datetime64[",
                                          "datetime64[]",
                                          "M8[ns]x",
                                          "M8[x]",
                                          "complex64[ns]",
                                          "float32float32float32float32float32"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_int_equal(sl_dtype_size(known[i].name), known[i].size);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(sl_dtype_size(unknown[i]), 0);
    assert_int_equal(sl_dtype_size(NULL), 0);
}

static void count_release(void *opaque, void *data) {
    (void)data;
    ++*(int *)opaque;
}

static void wraps_and_shares_bytes(void **state) {
    (void)state;
    uint8_t data[12] = {1, 2, 3};
    int released = 0;
    sl_frame *frame, *array, *shared;
    sl_buffer *bytes;
    int64_t shape[] = {2, 2, 3};
    assert_int_equal(sl_frame_wrap_array(&frame, "no", 3, shape, data, count_release, &released),
                     SL_EINVAL);
    assert_int_equal(released, 0);
    assert_int_equal(sl_frame_wrap_array(&frame, "uint8", 3, shape, data, count_release, &released),
                     0);
    assert_int_equal(frame->format, SL_FORMAT_BGR);
    assert_int_equal(sl_frame_bytes(frame, &bytes), 0);
    assert_ptr_equal(bytes->data, data);
    assert_int_equal(sl_frame_new_array_of(&array, "uint16", 1, (int64_t[]){6}, bytes), 0);
    assert_int_equal(sl_frame_new_array_of(&shared, "uint16", 1, (int64_t[]){5}, bytes),
                     SL_EMESSAGE);
    assert_int_equal(sl_frame_share(&shared, frame), 0);
    assert_false(sl_frame_sole(frame));
    sl_buffer_unref(&bytes);
    sl_frame_unref(&frame);
    sl_frame_unref(&array);
    assert_true(sl_frame_sole(shared));
    assert_int_equal(shared->planes[0][2], 3);
    assert_int_equal(released, 0);
    sl_frame_unref(&shared);
    assert_int_equal(released, 1);
}

static void properties_travel(void **state) {
    (void)state;
    sl_frame *from, *to;
    sl_buffer *bytes;
    assert_int_equal(sl_frame_new(&from, SL_FORMAT_GRAY, 2, 2), 0);
    from->sequence = 7;
    from->captured_utc_us = 8;
    from->captured_monotonic_us = 9;
    from->keyframe = true;
    assert_int_equal(sl_frame_put_message(from, "{}"), 0);
    assert_int_equal(sl_buffer_new(&bytes, 10), 0);
    assert_int_equal(sl_frame_new_coded(&to, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    assert_int_equal(to->size, 10);
    assert_string_equal(to->dtype, "");
    assert_int_equal(sl_frame_copy_properties(to, from), 0);
    sl_frame_unref(&from);
    assert_int_equal(to->sequence, 7);
    assert_int_equal(to->captured_utc_us, 8);
    assert_int_equal(to->captured_monotonic_us, 9);
    assert_true(to->keyframe);
    assert_string_equal(to->message, "{}");
    assert_int_equal(sl_frame_put_message(to, NULL), 0);
    assert_null(to->message);
    sl_frame_unref(&to);
    sl_frame_unref(&to);
    assert_null(sl_frame_ref(NULL));
}

static void video_is_coded(void **state) {
    (void)state;
    assert_false(sl_format_is_coded(SL_FORMAT_I444));
    assert_true(sl_format_is_coded(SL_FORMAT_JPEG));
    assert_false(sl_format_is_video(SL_FORMAT_JPEG));
    for (int i = SL_FORMAT_H264; i <= SL_FORMAT_AV1; i++) {
        assert_true(sl_format_is_coded((sl_format)i));
        assert_true(sl_format_is_video((sl_format)i));
    }
    assert_string_equal(sl_format_name(SL_FORMAT_AV1), "AV1");
    assert_string_equal(sl_format_name((sl_format)99), "unknown");
}

static sl_frame *coded_frame(uint64_t sequence, int *released) {
    static uint8_t data[4];
    sl_buffer *bytes;
    sl_frame *frame;
    assert_int_equal(sl_buffer_wrap(&bytes, data, sizeof(data), count_release, released), 0);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_H264, bytes), 0);
    sl_buffer_unref(&bytes);
    frame->sequence = sequence;
    return frame;
}

/* The newest holds all before it, however many; so does one that shares its bytes. */
static void frames_of_a_stream_hold_those_before(void **state) {
    (void)state;
    enum { FRAMES = 100000 };
    int released = 0;
    sl_frame *last = NULL, *other;
    for (uint64_t i = 0; i < FRAMES; i++) {
        sl_frame *frame = coded_frame(i, &released);
        assert_false(sl_frame_follows(frame));
        sl_frame_follow(frame, last);
        assert_true(sl_frame_follows(frame));
        sl_frame_unref(&last);
        last = frame;
    }
    assert_int_equal(released, 0);
    assert_int_equal(sl_frame_share(&other, last), 0);
    sl_frame_unref(&last);
    assert_int_equal(released, 0);
    assert_true(sl_frame_follows(other));
    uint64_t expected = FRAMES;
    for (const sl_frame *each = other; each; each = sl_frame_before(each))
        assert_int_equal(each->sequence, --expected);
    assert_int_equal(expected, 0);
    sl_frame_unref(&other);
    assert_int_equal(released, FRAMES);
}

static void colour_spaces_have_names(void **state) {
    (void)state;
    sl_colorspace colorspace;
    for (int i = 0; i <= SL_COLORSPACE_CMYK; i++) {
        assert_int_equal(sl_colorspace_parse(sl_colorspace_name((sl_colorspace)i), &colorspace), 0);
        assert_int_equal(colorspace, i);
    }
    assert_int_equal(sl_colorspace_parse("YUV", &colorspace), SL_EINVAL);
    assert_null(sl_colorspace_name((sl_colorspace)99));
    assert_int_equal(sl_colorspace_channels(SL_COLORSPACE_GRAY), 1);
    assert_int_equal(sl_colorspace_channels(SL_COLORSPACE_RGB), 3);
    assert_int_equal(sl_colorspace_channels(SL_COLORSPACE_CMYK), 4);
}

static void take_and_give_back(void *argument) {
    for (int i = 0; i < 20000; i++) {
        sl_frame *reference = sl_frame_ref(argument);
        sl_frame_unref(&reference);
    }
    sl_frame *last = argument;
    sl_frame_unref(&last);
}

static void threads_share_references(void **state) {
    (void)state;
    int released = 0;
    uint8_t data[4];
    sl_frame *frame;
    sl_thread threads[3];
    assert_int_equal(
        sl_frame_wrap_array(&frame, "uint8", 2, (int64_t[]){2, 2}, data, count_release, &released),
        0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            sl_thread_start(&threads[i], "share", take_and_give_back, sl_frame_ref(frame)), 0);
    sl_frame_unref(&frame);
    for (int i = 0; i < 3; i++)
        sl_thread_join(&threads[i]);
    assert_int_equal(released, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_laid_out),
        cmocka_unit_test(arrays_that_are_pictures_say_so),
        cmocka_unit_test(absurd_arrays_are_refused),
        cmocka_unit_test(dtypes_have_sizes),
        cmocka_unit_test(wraps_and_shares_bytes),
        cmocka_unit_test(properties_travel),
        cmocka_unit_test(video_is_coded),
        cmocka_unit_test(frames_of_a_stream_hold_those_before),
        cmocka_unit_test(colour_spaces_have_names),
        cmocka_unit_test(threads_share_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
