/* JPEG's quality for a size: by numbers alone. */
#include "codec/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#define PIXELS INT64_C(921600)

static double factor(int quality) {
    return quality < 50 ? 5000.0 / quality : fmax(200.0 - 2.0 * quality, 1);
}

/* A picture that takes `at_50` bytes at quality 50, and whose bytes go with this power. */
static int64_t code(double at_50, double power, int quality) {
    return (int64_t)(at_50 * pow(factor(quality) / 100, -power));
}

/* Codes so many frames for a size, and gives the last one's. */
static int64_t settle(sl_quality_seen *seen, double at_50, double power, int64_t asked,
                      int frames) {
    for (int i = 0; i < frames; i++) {
        int quality = sl_quality_next(seen, PIXELS, asked, 30, 95);
        *seen = (sl_quality_seen){quality, PIXELS, code(at_50, power, quality)};
    }
    return seen->bytes;
}

static void assert_near(int64_t bytes, int64_t asked) {
    assert_true(fabs((double)bytes / (double)asked - 1) < 0.15);
}

static void settles_near_what_is_asked_for(void **state) {
    (void)state;
    static const double powers[] = {0.45, 0.55, 0.7};
    for (size_t i = 0; i < sizeof(powers) / sizeof(powers[0]); i++) {
        double power = powers[i];
        for (int quality = 32; quality <= 93; quality++) {
            sl_quality_seen seen = {0};
            int64_t asked = code(90000, power, quality);
            assert_near(settle(&seen, 90000, power, asked, 10), asked);
            /* A picture twice as hard, and again. */
            int64_t at_worst = code(180000, power, 30);
            int64_t bytes = settle(&seen, 180000, power, asked, 10);
            assert_true(bytes <= (asked > at_worst ? asked : at_worst) * 115 / 100);
            assert_near(settle(&seen, 90000, power, asked, 10), asked);
            /* And then it stays. */
            int settled = seen.quality;
            settle(&seen, 90000, power, asked, 1);
            assert_int_equal(seen.quality, settled);
        }
    }
}

static void stays_in_its_range(void **state) {
    (void)state;
    sl_quality_seen none = {0}, seen = {60, PIXELS, 100000};
    assert_int_equal(sl_quality_next(&none, PIXELS, 1, 30, 90), 30);
    assert_int_equal(sl_quality_next(&seen, PIXELS, 1, 30, 90), 30);
    assert_int_equal(sl_quality_next(&none, PIXELS, 1 << 30, 30, 90), 90);
    assert_int_equal(sl_quality_next(&seen, PIXELS, 1 << 30, 30, 90), 90);
    assert_int_equal(sl_quality_next(&seen, PIXELS, 100000, 70, 90), 70);
    assert_int_equal(sl_quality_next(&seen, PIXELS, 100000, 30, 50), 50);
    assert_int_equal(sl_quality_next(&seen, PIXELS, 1, 90, 90), 90);
}

static void more_bytes_are_never_worse(void **state) {
    (void)state;
    sl_quality_seen seen = {70, PIXELS, 100000};
    for (int64_t asked = 2000, last = 0; asked < 1000000; asked += 1000) {
        int quality = sl_quality_next(&seen, PIXELS, asked, 10, 100);
        assert_true(quality >= last);
        last = quality;
    }
    for (int64_t last = 100; seen.bytes < 1000000; seen.bytes += 1000) {
        int quality = sl_quality_next(&seen, PIXELS, 100000, 10, 100);
        assert_true(quality <= last);
        last = quality;
    }
}

static void a_smaller_picture_has_more_for_each_pixel(void **state) {
    (void)state;
    sl_quality_seen seen = {40, PIXELS, 100000};
    assert_int_equal(sl_quality_next(&seen, PIXELS, 100000, 10, 100), 40);
    assert_true(sl_quality_next(&seen, PIXELS / 4, 100000, 10, 100) > 60);
}

/* Coarse where 30 is, so that pictures get fewer or smaller; and fine again from 87 on. */
static void has_the_quantiser_that_is_as_fine(void **state) {
    (void)state;
    assert_true(sl_quality_quantiser(30) > 40);
    assert_in_range(sl_quality_quantiser(50), 36, 38);
    assert_in_range(sl_quality_quantiser(85), 26, 27);
    assert_true(sl_quality_quantiser(88) < 26);
    assert_in_range(sl_quality_quantiser(100), 0, 4);
    for (int quality = 2; quality <= 100; quality++)
        assert_true(sl_quality_quantiser(quality) <= sl_quality_quantiser(quality - 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settles_near_what_is_asked_for),
        cmocka_unit_test(stays_in_its_range),
        cmocka_unit_test(more_bytes_are_never_worse),
        cmocka_unit_test(a_smaller_picture_has_more_for_each_pixel),
        cmocka_unit_test(has_the_quantiser_that_is_as_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
