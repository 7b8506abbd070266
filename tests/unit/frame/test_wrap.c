/* Pictures around memory that somebody else laid out. */
#include "fault.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sightline/error.h>

static int released;

static void release(void *opaque, void *data) {
    assert_ptr_equal(opaque, data);
    released++;
}

static void planes_stay_where_they_are(void **state) {
    (void)state;
    static uint8_t memory[64 * 48 * 2];
    uint8_t *planes[3] = {memory, memory + 64 * 48, memory + 64 * 60};
    size_t strides[3] = {64, 32, 32};
    sl_frame *frame;
    released = 0;
    assert_int_equal(
        sl_frame_wrap_picture(&frame, SL_FORMAT_I420, 61, 47, planes, strides, release, memory), 0);
    assert_int_equal(frame->width, 61);
    assert_ptr_equal(frame->planes[2], planes[2]);
    assert_int_equal(frame->strides[1], 32);
    assert_int_equal(frame->size, 64 * 47 + 32 * 24 * 2);
    assert_int_equal(frame->dimensions, 0);
    sl_frame *other = sl_frame_ref(frame);
    sl_frame_unref(&frame);
    assert_int_equal(released, 0);
    sl_frame_unref(&other);
    assert_int_equal(released, 1);
}

static void packed_pictures_are_arrays(void **state) {
    (void)state;
    static uint8_t memory[20 * 10 * 3];
    uint8_t *planes[3] = {memory};
    size_t strides[3] = {60};
    sl_frame *frame;
    sl_buffer *bytes;
    assert_int_equal(
        sl_frame_wrap_picture(&frame, SL_FORMAT_BGR, 20, 10, planes, strides, release, memory), 0);
    assert_int_equal(frame->dimensions, 3);
    assert_int_equal(frame->shape[0], 10);
    assert_int_equal(frame->shape[2], 3);
    assert_string_equal(frame->dtype, "uint8");
    assert_int_equal(sl_frame_bytes(frame, &bytes), 0);
    assert_int_equal(bytes->size, sizeof(memory));
    sl_buffer_unref(&bytes);
    sl_frame_unref(&frame);
}

static void failing_releases_too(void **state) {
    (void)state;
    static uint8_t memory[16];
    uint8_t *planes[3] = {memory};
    size_t strides[3] = {4};
    for (int nth = 0; fault_next(nth); nth++) {
        sl_frame *frame;
        released = 0;
        int code =
            sl_frame_wrap_picture(&frame, SL_FORMAT_GRAY, 4, 4, planes, strides, release, memory);
        assert_true(code == (fault_happened() ? SL_ENOMEM : 0));
        sl_frame_unref(&frame);
        assert_int_equal(released, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_stay_where_they_are),
        cmocka_unit_test(packed_pictures_are_arrays),
        cmocka_unit_test(failing_releases_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
