/* The calls that all kinds share, and the null sink. */
#include "pictures.h"

#include "fault.h"

static void null_takes_everything(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, "null", NULL), 0);
    assert_int_equal(sl_sink_output(sink), SL_OUTPUT_PLANES);
    assert_false(sl_sink_interactive(sink));
    assert_int_equal(put(sink, picture(SL_FORMAT_I420, 64, 48, 1)), 0);
    assert_int_equal(put(sink, array("float64", 1, (int64_t[]){3})), 0);
    assert_int_equal(sl_sink_idle(sink), 0);
    sl_sink_status(sink, "nothing to show it on");
    assert_int_equal(sl_sink_dropped(sink), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_null(sink);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void unknown_sinks_are_named(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, "vindow", NULL), SL_EINVAL);
    assert_null(sink);
    assert_non_null(strstr(sl_error(), "'vindow'"));
    assert_int_equal(open_sink(&sink, "file:movie.xyz", NULL), SL_EINVAL);
    assert_non_null(strstr(sl_error(), ".mkv"));
    assert_int_equal(open_sink(&sink, "file:", NULL), SL_EINVAL);
    assert_int_equal(open_sink(&sink, "file:.mkv", NULL), SL_EINVAL);
}

static void settings_have_names(void **state) {
    (void)state;
    sl_sink_settings settings;
    sl_sink_settings_init(&settings);
    assert_string_equal(settings.sink, "window");
    assert_int_equal(sl_settings_set(&settings, "sink", "null"), 0);
    assert_int_equal(sl_settings_set(&settings, "sink_fps", "29.97"), 0);
    assert_int_equal(sl_settings_set(&settings, "sink_fps", "-1"), SL_EINVAL);
    assert_int_equal(sl_settings_set(&settings, "window_title", "Yard"), 0);
    assert_int_equal(sl_settings_set(&settings, "snapshot_directory", "/tmp"), 0);
    assert_string_equal(settings.title, "Yard");
    sl_settings_finish(&settings);
}

/* Whatever memory is refused, a sink either works or says so, and leaves nothing behind. */
static void survives_want_of_memory(const char *name) {
    sl_frame *raw = picture(SL_FORMAT_BGR, 64, 48, 1);
    for (int nth = 0; fault_next(nth); nth++) {
        sl_sink *sink;
        int code = open_sink(&sink, name, NULL);
        if (code == SL_OK)
            code = sl_sink_write(sink, raw);
        int closed = sl_sink_close(&sink);
        assert_true(code == SL_OK || (code == SL_ENOMEM && fault_happened()));
        assert_true(closed == SL_OK || (closed == SL_ENOMEM && fault_happened()));
    }
    sl_frame_unref(&raw);
}

static void memory_may_run_out(void **state) {
    (void)state;
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    survives_want_of_memory("null");
    survives_want_of_memory("window");
    survives_want_of_memory(in_folder("memory.mkv"));
    survives_want_of_memory(in_folder("memory.png"));
    survives_want_of_memory(in_folder("memory.jpg"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_takes_everything),
        cmocka_unit_test(unknown_sinks_are_named),
        cmocka_unit_test(settings_have_names),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
