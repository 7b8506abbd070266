/* Lengths of time and sizes as people write them. */
#include "sink/recording/extent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sightline/error.h>
#include <string.h>

static void times_and_sizes_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us, bytes;
    } known[] = {
        {"0", 0, 0},
        {"90s", 90000000, 0},
        {"10m", 600000000, 0},
        {"10min", 600000000, 0},
        {"1h", 3600000000, 0},
        {"7d", INT64_C(604800000000), 0},
        {"2w", INT64_C(1209600000000), 0},
        {"800kB", 0, 800000},
        {"500MB", 0, 500000000},
        {"500mb", 0, 500000000},
        {"20GB", 0, INT64_C(20000000000)},
        {"2TB", 0, INT64_C(2000000000000)},
        {"4KiB", 0, 4096},
        {"3MiB", 0, 3145728},
        {"4GiB", 0, INT64_C(4294967296)},
        {"1TiB", 0, INT64_C(1) << 40},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        sl_extent extent = {.us = 1, .bytes = 1};
        assert_int_equal(sl_extent_parse(&extent, known[i].text), 0);
        assert_int_equal(extent.us, known[i].us);
        assert_int_equal(extent.bytes, known[i].bytes);
    }
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"", "needs a unit"},        {"10", "needs a unit"},
        {"10M", "say 10MB"},         {"20G", "say 20GB"},
        {"ten", "neither a time"},   {"-5m", "neither a time"},
        {"1.5h", "neither a time"},  {"10 m", "neither a time"},
        {"5H", "neither a time"},    {"0s", "is nothing"},
        {"0MB", "is nothing"},       {"99999999999999999999999s", "too much"},
        {"9999999999w", "too much"}, {"9999999TiB", "too much"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sl_extent extent = {.us = 7, .bytes = 7};
        assert_int_equal(sl_extent_parse(&extent, wrong[i].text), SL_EINVAL);
        if (!strstr(sl_error(), wrong[i].said))
            fail_msg("%s: %s", wrong[i].text, sl_error());
        assert_int_equal(extent.us, 7);
        assert_int_equal(extent.bytes, 7);
    }
}

static void the_options_take_them(void **state) {
    (void)state;
    sl_recorder_settings settings;
    sl_recorder_settings_init(&settings);
    assert_int_equal(settings.segment.us, 600000000);
    assert_int_equal(settings.keep.us | settings.keep.bytes, 0);
    assert_int_equal(sl_settings_set(&settings, "record_segment", "500MB"), 0);
    assert_int_equal(settings.segment.us, 0);
    assert_int_equal(settings.segment.bytes, 500000000);
    assert_int_equal(sl_settings_set(&settings, "record_segment", "2kB"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "record_segment: \"2kB\" is too short"));
    assert_int_equal(sl_settings_set(&settings, "record_keep", "7d"), 0);
    assert_int_equal(settings.keep.us, INT64_C(604800000000));
    assert_int_equal(sl_settings_set(&settings, "record_keep", "lots"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "record_keep"));
    assert_int_equal(sl_settings_set(&settings, "record_before", "601"), SL_EINVAL);
    sl_settings_finish(&settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_sizes_are_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(the_options_take_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
