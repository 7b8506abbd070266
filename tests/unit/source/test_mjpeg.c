/* Cutting a stream of JPEGs apart, in whatever pieces it comes. */
#include "source/mjpeg.h"
#include "footage.h"

#define PHOTO  OPENCV_DATA "fruits.jpg"
#define PHOTO2 OPENCV_DATA "baboon.jpg"

/* Adds bytes in pieces of `step`, and takes out each JPEG as soon as it is there. */
static int cut(sl_mjpeg *stream, const uint8_t *bytes, size_t size, size_t step, size_t *sizes,
               int most) {
    int found = 0;
    for (size_t at = 0; at < size; at += step) {
        size_t piece, add = size - at < step ? size - at : step;
        assert_int_equal(sl_mjpeg_add(stream, bytes + at, add), 0);
        while ((piece = sl_mjpeg_find(stream)) != 0) {
            assert_true(found < most);
            sizes[found++] = piece;
            sl_mjpeg_drop(stream, piece);
        }
    }
    return found;
}

static uint8_t *join(size_t first[1], size_t second[1], size_t gap) {
    uint8_t *a = load(PHOTO, first), *b = load(PHOTO2, second);
    uint8_t *both = calloc(1, *first + gap + *second);
    assert_non_null(both);
    memcpy(both, a, *first);
    memcpy(both + *first + gap, b, *second);
    free(a);
    free(b);
    return both;
}

static void finds_each_with_its_last_byte(void **state) {
    (void)state;
    static const size_t steps[] = {1, 7, 4096, 1000000};
    size_t first, second, sizes[2];
    uint8_t *both = join(&first, &second, 0);
    for (size_t i = 0; i < 4; i++) {
        sl_mjpeg stream = {0};
        assert_int_equal(cut(&stream, both, first + second, steps[i], sizes, 2), 2);
        assert_int_equal(sizes[0], first);
        assert_int_equal(sizes[1], second);
        assert_int_equal(stream.size, 0);
        sl_mjpeg_finish(&stream);
    }
    free(both);
}

static void skips_what_is_between(void **state) {
    (void)state;
    size_t first, second, sizes[2];
    sl_mjpeg stream = {0};
    uint8_t *both = join(&first, &second, 300);
    assert_int_equal(cut(&stream, both, first + 300 + second, 100, sizes, 2), 2);
    assert_int_equal(sizes[1], second);
    sl_mjpeg_finish(&stream);
    free(both);
}

static void one_that_breaks_off_ends_where_the_next_begins(void **state) {
    (void)state;
    size_t first, second, sizes[2];
    sl_mjpeg stream = {0};
    uint8_t *both = join(&first, &second, 0);
    size_t half = first / 2;
    memmove(both + half, both + first, second);
    assert_int_equal(cut(&stream, both, half + second, 512, sizes, 2), 2);
    assert_int_equal(sizes[0], half);
    assert_int_equal(sizes[1], second);
    sl_mjpeg_finish(&stream);
    free(both);
}

static void noise_is_bounded(void **state) {
    (void)state;
    static uint8_t noise[1 << 20];
    sl_mjpeg stream = {0};
    uint32_t random = 3;
    for (size_t i = 0; i < sizeof(noise); i++) {
        random = random * 1664525U + 1013904223U;
        noise[i] = (uint8_t)(random >> 24);
    }
    int code = 0;
    /* A picture that never ends. */
    memcpy(noise, "\xff\xd8\xff\xda\0\2", 6);
    for (size_t i = 6; i < sizeof(noise); i++)
        if (noise[i] == 0xff)
            noise[i] = 0;
    for (int i = 0; i < 65 && code == 0; i++) {
        code = sl_mjpeg_add(&stream, noise + (i ? 6 : 0), sizeof(noise) - 6);
        assert_int_equal(sl_mjpeg_find(&stream), 0);
    }
    assert_int_equal(code, SL_ESOURCE);
    sl_mjpeg_finish(&stream);
    /* Nothing but noise is not kept. */
    memset(noise, 0xff, sizeof(noise));
    assert_int_equal(sl_mjpeg_add(&stream, noise, sizeof(noise)), 0);
    assert_int_equal(sl_mjpeg_find(&stream), 0);
    assert_true(stream.size < 2);
    sl_mjpeg_finish(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_with_its_last_byte),
        cmocka_unit_test(skips_what_is_between),
        cmocka_unit_test(one_that_breaks_off_ends_where_the_next_begins),
        cmocka_unit_test(noise_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
