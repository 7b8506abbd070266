/* The test pattern, and with it what every live source does. */
#include "footage.h"

static bool reads_its_own_time(const sl_frame *frame) {
    uint32_t milliseconds;
    return sl_timecode_read(frame, &milliseconds) &&
           milliseconds == (uint32_t)(frame->captured_utc_us / 1000);
}

static void carries_the_time_in_every_format(void **state) {
    (void)state;
    static const struct {
        sl_deliver deliver;
        sl_format format;
    } cases[] = {
        {SL_DELIVER_ANY, SL_FORMAT_I420},
        {SL_DELIVER_PIXELS, SL_FORMAT_I420},
        {SL_DELIVER_BGR, SL_FORMAT_BGR},
        {SL_DELIVER_GRAY, SL_FORMAT_GRAY},
    };
    for (size_t i = 0; i < 4; i++) {
        sl_source_settings settings = settings_for("pattern:320x240@200");
        settings.deliver = cases[i].deliver;
        sl_source *source = open_source(&settings);
        assert_true(sl_source_live(source));
        assert_string_equal(sl_source_describe(source), "320x240, 200 frames/s, test pattern");
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, cases[i].format);
        assert_int_equal(frame->width, 320);
        assert_true(reads_its_own_time(frame));
        assert_true(frame->captured_monotonic_us <= sl_now_us());
        sl_source_close(&source);
        assert_null(source);
        /* A frame outlives its source. */
        assert_true(reads_its_own_time(frame));
        sl_frame_unref(&frame);
    }
}

static void newest_wins(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("pattern:64x48@1000");
    sl_source *source = open_source(&settings);
    sl_source_stats stats;
    sl_frame *first = next_frame(source), *second;
    uint64_t before = first->sequence;
    sl_source_stats_get(source, &stats);
    uint64_t dropped = stats.dropped;
    do
        sl_source_stats_get(source, &stats);
    while (stats.dropped < dropped + 5);
    second = next_frame(source);
    assert_true(second->sequence > before + 1);
    assert_true(second->captured_monotonic_us > first->captured_monotonic_us);
    sl_source_stats_get(source, &stats);
    assert_int_equal(stats.frames, 2);
    assert_int_equal(stats.corrupt, 0);
    sl_frame_unref(&first);
    sl_frame_unref(&second);
    sl_source_close(&source);
}

static void unpaced_waits_for_its_reader(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("pattern:320x240");
    settings.unpaced = true;
    sl_source *source = open_source(&settings);
    assert_false(sl_source_live(source));
    for (uint64_t i = 0; i < 500; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->sequence, i);
        sl_frame_unref(&frame);
    }
    sl_source_stats stats;
    sl_source_stats_get(source, &stats);
    assert_int_equal(stats.frames, 500);
    assert_int_equal(stats.dropped, 0);
    sl_source_close(&source);
}

static void pictures_differ(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("pattern:640x480");
    settings.unpaced = true;
    settings.deliver = SL_DELIVER_GRAY;
    sl_source *source = open_source(&settings);
    sl_frame *first = next_frame(source), *second = next_frame(source);
    size_t below_the_strip = 640 * 100;
    assert_memory_not_equal(first->planes[0] + below_the_strip, second->planes[0] + below_the_strip,
                            640 * 380);
    sl_frame_unref(&first);
    sl_frame_unref(&second);
    sl_source_close(&source);
}

static void settings_override_the_text(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("pattern:");
    settings.size = (sl_size){160, 120};
    settings.fps = 50;
    sl_source *source = open_source(&settings);
    assert_string_equal(sl_source_describe(source), "160x120, 50 frames/s, test pattern");
    sl_source_close(&source);
    settings = settings_for("pattern:@12.5");
    source = open_source(&settings);
    assert_string_equal(sl_source_describe(source), "1280x720, 12.5 frames/s, test pattern");
    assert_true(sl_source_fps(source) == 12.5);
    sl_source_close(&source);
}

static void passes_a_filter(void **state) {
    (void)state;
    static const sl_deliver ways[] = {SL_DELIVER_ANY, SL_DELIVER_BGR, SL_DELIVER_GRAY};
    for (size_t i = 0; i < 3; i++) {
        sl_source_settings settings = settings_for("pattern:320x240@100");
        settings.filter = "hflip,scale=256:128";
        settings.deliver = ways[i];
        sl_source *source = open_source(&settings);
        for (int round = 0; round < 5; round++) {
            sl_frame *frame = next_frame(source);
            assert_int_equal(frame->width, 256);
            assert_int_equal(frame->height, 128);
            assert_true(reads_its_own_time(frame));
            sl_frame_unref(&frame);
        }
        sl_source_close(&source);
    }
}

static void refuses_what_makes_no_sense(void **state) {
    (void)state;
    static const char *const bad[] = {
        "pattern:x",           "pattern:640",           "pattern:640x",
        "pattern:640x480@",    "pattern:640x480@fast",  "pattern:-640x480",
        "pattern:640x480x3",   "pattern:640x480@30@30", "pattern:999999999999999999999999x480",
        "pattern:640x480 @30", "pattern:640x480@1.2.3",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sl_source_settings settings = settings_for(bad[i]);
        refused(&settings, SL_EINVAL, "is no pattern");
    }
    static const char *const out[] = {"pattern:641x480", "pattern:640x481", "pattern:0x0",
                                      "pattern:8194x480"};
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
        sl_source_settings settings = settings_for(out[i]);
        refused(&settings, SL_EINVAL, "even numbers from 16 to 8192");
    }
    sl_source_settings settings = settings_for("pattern:640x480@2000");
    refused(&settings, SL_EINVAL, "from 1 to 1000");
    settings = settings_for("pattern:");
    settings.filter = "nonsense";
    refused(&settings, SL_EINVAL, "No such filter: 'nonsense'");
    settings.filter = "split";
    refused(&settings, SL_EINVAL, "can't be used");
    settings.filter = NULL;
    settings.loop = true;
    refused(&settings, SL_EINVAL, "only a file can be looped");
}

static void reading_can_be_cancelled(void **state) {
    (void)state;
    sl_cancel *cancel;
    sl_frame *frame;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    sl_source_settings settings = settings_for("pattern:64x48@1");
    settings.cancel = cancel;
    sl_source *source = open_source(&settings);
    frame = next_frame(source);
    sl_frame_unref(&frame);
    assert_int_equal(sl_source_read(source, &frame, 0), SL_EAGAIN);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_source_read(source, &frame, -1), SL_ECANCELED);
    assert_null(frame);
    sl_source_close(&source);
    sl_cancel_close(&cancel);
}

static void survives_without_memory(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_source *source = NULL;
        sl_frame *frame = NULL;
        sl_source_settings settings = settings_for("pattern:64x48@1000");
        int code = sl_source_open(&source, &settings);
        if (code >= 0)
            code = sl_source_read(source, &frame, PATIENCE_MS);
        assert_true(code == 0 || code == SL_ENOMEM);
        sl_frame_unref(&frame);
        sl_source_close(&source);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_the_time_in_every_format),
        cmocka_unit_test(newest_wins),
        cmocka_unit_test(unpaced_waits_for_its_reader),
        cmocka_unit_test(pictures_differ),
        cmocka_unit_test(settings_override_the_text),
        cmocka_unit_test(passes_a_filter),
        cmocka_unit_test(refuses_what_makes_no_sense),
        cmocka_unit_test(reading_can_be_cancelled),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
