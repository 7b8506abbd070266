/* What a window says of a camera. */
#include "sink/window/caption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define NOW    (1764516612 * SECOND) /* 2025-11-30 15:30:12 UTC */

static char text[SL_CAPTION_MAX];

static sl_camera_view porch(sl_view_state state) {
    return (sl_camera_view){
        .name = "porch",
        .state = state,
        .since_us = NOW,
        .last_us = NOW,
        .format = SL_FORMAT_H264,
        .width = 1280,
        .height = 720,
        .bit_rate = 1234567,
        .fps = 29.97,
        .latency = {.last = 34.6},
    };
}

static void line_says_what_is_known(void **state) {
    (void)state;
    sl_camera_view view = porch(SL_VIEW_LIVE);
    sl_caption_line(text, &view, 2);
    assert_string_equal(text,
                        "2 porch  1280x720  30.0 frames/s  35 ms old  1.2 Mbit/s  H.264  live");
    view = (sl_camera_view){.name = "camera", .latency = {.last = -1}, .bit_rate = 48000};
    sl_caption_line(text, &view, 0);
    assert_string_equal(text, "camera  0.0 frames/s  48 kbit/s  live");
    view = porch(SL_VIEW_GONE); /* an age that was */
    sl_caption_line(text, &view, 0);
    assert_null(strstr(text, "old"));
    assert_non_null(strstr(text, "gone"));
    view.state = 99;
    sl_caption_line(text, &view, 0);
    assert_non_null(strstr(text, "unknown"));
}

static void assert_mark(const sl_camera_view *view, bool named, int64_t later_us,
                        const char *expected) {
    sl_caption_mark(text, view, named, NOW + later_us);
    assert_string_equal(text, expected);
}

static void mark_says_how_long(void **state) {
    (void)state;
    sl_camera_view view = porch(SL_VIEW_SILENT);
    assert_mark(&view, false, 12 * SECOND, "no picture for 12 s");
    assert_mark(&view, true, 12 * SECOND, "porch\nno picture for 12 s");
    assert_mark(&view, false, 119 * SECOND, "no picture for 119 s");
    assert_mark(&view, false, 600 * SECOND, "no picture for 10 min");
    assert_mark(&view, false, 36000 * SECOND, "no picture for 10 h");
    assert_mark(&view, false, -SECOND, "no picture for 0 s"); /* the clock was set */
    view.last_us = 0;
    assert_mark(&view, false, 0, "no picture yet");
}

static void mark_says_since_when_and_why(void **state) {
    (void)state;
    sl_camera_view view = porch(SL_VIEW_LOST);
    assert_mark(&view, false, SECOND, "camera lost since 15:30:12\nno picture for 1 s");
    strcpy(view.reason, "/dev/video0 is unplugged");
    assert_mark(&view, true, SECOND,
                "porch\ncamera lost since 15:30:12: /dev/video0 is unplugged\nno picture for 1 s");
    view = porch(SL_VIEW_GONE);
    assert_mark(&view, false, 0, "gone since 15:30:12\nno picture for 0 s");
    assert_mark(&view, false, 86400 * SECOND, "gone since 2025-11-30 15:30\nno picture for 24 h");
}

static void no_mark_where_all_is_well(void **state) {
    (void)state;
    sl_camera_view live = porch(SL_VIEW_LIVE), unwatched = porch(SL_VIEW_UNWATCHED);
    assert_mark(&live, true, 0, "");
    assert_mark(&unwatched, true, 0, "");
    assert_false(sl_caption_stale(&live) || sl_caption_stale(&unwatched));
}

static void long_words_fit(void **state) {
    (void)state;
    sl_camera_view view = porch(SL_VIEW_LOST);
    memset(view.name, 'n', sizeof(view.name) - 1);
    memset(view.reason, 'r', sizeof(view.reason) - 1);
    sl_caption_line(text, &view, SIZE_MAX);
    assert_non_null(strstr(text, "lost"));
    sl_caption_mark(text, &view, true, NOW);
    assert_non_null(strstr(text, "no picture"));
}

static void assert_wrapped(const char *from, int columns, const char *between,
                           const char *expected) {
    strcpy(text, from);
    sl_caption_wrap(text, columns, between);
    assert_string_equal(text, expected);
}

static void lines_are_broken(void **state) {
    (void)state;
    assert_wrapped("one two three", 7, " ", "one two\nthree");
    assert_wrapped("one two three", 13, " ", "one two three");
    assert_wrapped("one two three", 1, " ", "one\ntwo\nthree");
    assert_wrapped("a\nb c d", 3, " ", "a\nb c\nd");
    assert_wrapped("unbreakable x", 4, " ", "unbreakable\nx");
    assert_wrapped("one two  three four  five", 11, "  ", "one two\nthree four\nfive");
    assert_wrapped("\u00e4\u00f6 \u00fc\u00df x", 5, " ", "\u00e4\u00f6 \u00fc\u00df\nx");
    assert_wrapped("", 5, " ", "");
}

int main(void) {
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_says_what_is_known),
        cmocka_unit_test(mark_says_how_long),
        cmocka_unit_test(mark_says_since_when_and_why),
        cmocka_unit_test(no_mark_where_all_is_well),
        cmocka_unit_test(long_words_fit),
        cmocka_unit_test(lines_are_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
