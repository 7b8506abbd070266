/* JPEG headers: whole, cut off, and lying. */
#include "frame/jpeg_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SOI   "\xff\xd8"
#define APP0  "\xff\xe0\0\6JFIF"
#define FRAME "\xff\xc0\0\x0b\x08\0\x30\0\x40\1\1\x11\0" /* gray, 64x48 */
#define SOS   "\xff\xda\0\2"

static const char whole[] = SOI APP0 "\xff\xff" FRAME SOS;

/* In memory of just that size, for the sanitizers. */
static bool size_of(const char *bytes, size_t size, int *width, int *height) {
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    *width = *height = 0;
    bool found = sl_jpeg_size(exact, size, width, height);
    free(exact);
    return found;
}

static void segments_come_one_by_one(void **state) {
    (void)state;
    static const int markers[] = {SL_JPEG_APP0, SL_JPEG_SOF0, SL_JPEG_SOS};
    sl_jpeg_segment segment;
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        at = sl_jpeg_next((const uint8_t *)whole, sizeof(whole) - 1, at, &segment);
        assert_int_not_equal(at, 0);
        assert_int_equal(segment.marker, markers[i]);
        assert_int_equal(sl_jpeg_is_frame(&segment), i == 1);
    }
    assert_int_equal(at, sizeof(whole) - 1);
    assert_int_equal(sl_jpeg_next((const uint8_t *)whole, at, at, &segment), 0);
}

static void a_size_is_found_in_whole_headers_alone(void **state) {
    (void)state;
    int width, height;
    size_t end = sizeof(whole) - 1 - strlen("\xff\xda") - 2;
    for (size_t size = 0; size < sizeof(whole); size++) {
        bool found = size_of(whole, size, &width, &height);
        assert_int_equal(found, size >= end);
        assert_true(!found || (width == 64 && height == 48));
    }
}

static void what_lies_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
#define CASE(text) {text, sizeof(text) - 1}
        CASE(""),
        CASE("PNG, perhaps"),
        CASE(SOI SOS FRAME),                                      /* pixels come first */
        CASE(SOI "\xff\xe0\0\1" FRAME),                           /* shorter than its length */
        CASE(SOI "\xff\xe0\xff\xff" FRAME),                       /* longer than all */
        CASE(SOI "\xff\xc0\0\x0b\x08\0\0\0\x40\1\1\x11\0"),       /* no height */
        CASE(SOI "\xff\xc0\0\x0b\x08\0\x30\0\x40\xff\1\x11\0"),   /* more components than fit */
        CASE(SOI "\xff\xc4\0\x0b\x08\0\x30\0\x40\1\1\x11\0" SOS), /* tables */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int width, height;
        assert_false(size_of(cases[i].bytes, cases[i].size, &width, &height));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_come_one_by_one),
        cmocka_unit_test(a_size_is_found_in_whole_headers_alone),
        cmocka_unit_test(what_lies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
