/* What a recorder's files are called, and which files are none of its own. */
#include "sink/recording/naming.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define TIME INT64_C(1796052600123456) /* 2026-11-30 15:30:00.123456 */

static void segments_are_named_by_camera_and_time(void **state) {
    (void)state;
    char name[SL_SEGMENT_NAME_MAX];
    sl_naming_segment(name, "front-door", TIME, 1);
    assert_string_equal(name, "front-door_20261130T153000.123Z.mkv");
    assert_true(sl_naming_is_segment(name, "front-door"));
    sl_naming_segment(name, "front-door", TIME, 2);
    assert_string_equal(name, "front-door_20261130T153000.123Z-2.mkv");
    assert_true(sl_naming_is_segment(name, "front-door"));
    assert_true(sl_naming_has_time(TIME));
    assert_false(sl_naming_has_time(0));
    assert_false(sl_naming_has_time(-5));
    assert_false(sl_naming_has_time(INT64_MAX));
    sl_naming_segment(name, "a", INT64_C(253402300799999999), 1);
    assert_string_equal(name, "a_99991231T235959.999Z.mkv");
}

static void other_files_are_not_ours(void **state) {
    (void)state;
    static const char *const names[] = {
        "",
        "a",
        "a_.mkv",
        "b_20261130T153000.123Z.mkv",
        "a_20261130T153000.123Z.mp4",
        "a_20261130T153000.123Z.mkv.bak",
        "a_20261130T153000.123Z-.mkv",
        "a_20261130T153000.123Z-x.mkv",
        "a_20261130T153000Z.mkv",
        "a_2026113OT153000.123Z.mkv",
        "xa_20261130T153000.123Z.mkv",
        "a_20261130T153000.123Z",
        "a_20261130T153000.123",
        "a-20261130T153000.123Z.mkv",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (sl_naming_is_segment(names[i], "a"))
            fail_msg("%s", names[i]);
}

static void ids_are_fit_for_folders(void **state) {
    (void)state;
    char id[SL_VIEW_ID_MAX], longest[SL_VIEW_ID_MAX + 1];
    memset(longest, 'x', SL_VIEW_ID_MAX);
    longest[SL_VIEW_ID_MAX] = '\0';
    assert_true(sl_naming_is_id("front-door_2.b"));
    assert_false(sl_naming_is_id(""));
    assert_false(sl_naming_is_id("."));
    assert_false(sl_naming_is_id(".."));
    assert_false(sl_naming_is_id(".hidden"));
    assert_false(sl_naming_is_id("a/b"));
    assert_false(sl_naming_is_id("a b"));
    assert_false(sl_naming_is_id("t\303\274r"));
    assert_false(sl_naming_is_id(longest));
    static const struct {
        const char *port, *id;
    } made[] = {
        {NULL, "camera"},
        {"", "camera"},
        {"5566", "camera-5566"},
        {"\"5566\"", "camera-5566"},
        {"\"../x y\"", "camera-xy"},
        {"/", "camera"},
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        sl_naming_make_id(id, made[i].port);
        assert_string_equal(id, made[i].id);
        assert_true(sl_naming_is_id(id));
    }
    sl_naming_make_id(id, longest);
    assert_true(sl_naming_is_id(id));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_named_by_camera_and_time),
        cmocka_unit_test(other_files_are_not_ours),
        cmocka_unit_test(ids_are_fit_for_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
