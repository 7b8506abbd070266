/* Which segments are deleted, and that nothing else ever is. */
#include "sink/recording/retention.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW   INT64_C(1796052600000000)
#define BYTES INT64_C(65536) /* whole blocks of any disk */

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/sightline-keep-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static bool is_there(const char *name) {
    struct stat status;
    return lstat(path_of(name), &status) == 0;
}

/* A file of BYTES, written last so many seconds before NOW. */
static void make(const char *name, int age_s) {
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    for (int i = 0; i < BYTES; i++)
        fputc('x', file);
    fclose(file);
    struct timespec times[2] = {{.tv_sec = NOW / SL_SECOND_US - age_s}};
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void make_camera(const char *id) {
    assert_int_equal(mkdir(path_of(id), 0700), 0);
}

static bool none_in_work(void *user, const char *id, const char *name) {
    (void)user, (void)id, (void)name;
    return false;
}

static bool in_work(void *user, const char *id, const char *name) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", id, name);
    return strcmp(path, user) == 0;
}

static size_t run(sl_extent keep, const char *work) {
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", work ? work : "");
    sl_retention retention = {
        .directory = folder, .keep = keep, .in_work = work ? in_work : none_in_work, .user = copy};
    return sl_retention_run(&retention, NOW);
}

#define A1 "a/a_20261130T100000.000Z.mkv"
#define A2 "a/a_20261130T110000.000Z.mkv"
#define A3 "a/a_20261130T120000.000Z.mkv"
#define B1 "b/b_20261130T103000.000Z.mkv"
#define B2 "b/b_20261130T113000.000Z-2.mkv"

static void make_two_cameras(void) {
    make_camera("a");
    make_camera("b");
    make(A1, 500);
    make(B1, 400);
    make(A2, 300);
    make(B2, 200);
    make(A3, 100);
}

static void the_oldest_of_all_cameras_go_first(void **state) {
    (void)state;
    make_two_cameras();
    assert_int_equal(run((sl_extent){0}, NULL), 0);
    assert_int_equal(run((sl_extent){.bytes = 5 * BYTES}, NULL), 0);
    assert_int_equal(run((sl_extent){.bytes = 3 * BYTES}, NULL), 2);
    assert_false(is_there(A1) || is_there(B1));
    assert_true(is_there(A2) && is_there(B2) && is_there(A3));
    assert_int_equal(run((sl_extent){.bytes = BYTES - 1}, NULL), 3);
    assert_false(is_there("a") || is_there("b"));
}

static void small_ones_count_as_what_they_take_of_the_disk(void **state) {
    (void)state;
    struct stat status;
    make_camera("a");
    for (int i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof(name), "a/a_20261130T10000%d.000Z.mkv", i);
        FILE *file = fopen(path_of(name), "w");
        assert_non_null(file);
        fputs("short", file);
        fclose(file);
        assert_int_equal(stat(path_of(name), &status), 0);
    }
    if (status.st_blocks == 0)
        skip(); /* this disk keeps short files in their entries */
    assert_int_equal(run((sl_extent){.bytes = INT64_C(4) * 512 * status.st_blocks}, NULL), 4);
}

static void a_folder_goes_with_its_last_segment_alone(void **state) {
    (void)state;
    make_two_cameras();
    make("b/holiday.mkv", 9000);
    assert_int_equal(run((sl_extent){.us = 1}, A3), 4);
    assert_true(is_there(A3) && is_there("b/holiday.mkv"));
    assert_int_equal(run((sl_extent){.us = 1}, NULL), 1);
    assert_false(is_there("a"));
    assert_true(is_there("b"));
}

static void what_is_too_old_goes(void **state) {
    (void)state;
    make_two_cameras();
    assert_int_equal(run((sl_extent){.us = 300 * SL_SECOND_US}, NULL), 2);
    assert_false(is_there(A1) || is_there(B1));
    assert_int_equal(run((sl_extent){.us = 300 * SL_SECOND_US}, NULL), 0);
}

static void what_never_got_its_name_goes_too(void **state) {
    (void)state;
    make_camera("a");
    make("a/.a_20261130T100000.000Z.mkv", 500);
    make("a/.a_20261130T100000.000Z.mkv.swp", 500);
    assert_int_equal(run((sl_extent){.us = SL_SECOND_US}, A1), 0);
    assert_int_equal(run((sl_extent){.us = SL_SECOND_US}, NULL), 1);
    assert_true(is_there("a/.a_20261130T100000.000Z.mkv.swp"));
}

static void what_is_in_work_stays(void **state) {
    (void)state;
    make_two_cameras();
    assert_int_equal(run((sl_extent){.bytes = 1}, A1), 4);
    assert_true(is_there(A1));
    assert_int_equal(run((sl_extent){.us = 1}, A1), 0);
}

/* All older than anything of ours. */
static void make_foreign_files(void) {
    make_camera(".outside");
    make(".outside/outside_20260101T000000.000Z.mkv", 9000);
    assert_int_equal(symlink(".outside", path_of("outside")), 0);
    make("a/holiday.mkv", 9000);
    make("a/b_20260101T000000.000Z.mkv", 9000);
    make("a/a_20260101T000000.000Z.mkv.part", 9000);
    make("a_20260101T000000.000Z.mkv", 9000);
    assert_int_equal(mkdir(path_of("a/a_20260101T000000.001Z.mkv"), 0700), 0);
    assert_int_equal(mkdir(path_of("a/a"), 0700), 0);
    make("a/a/a_20260101T000000.000Z.mkv", 9000);
    assert_int_equal(symlink("holiday.mkv", path_of("a/a_20260101T000000.002Z.mkv")), 0);
    assert_int_equal(mkfifo(path_of("a/a_20260101T000000.003Z.mkv"), 0600), 0);
}

static void nothing_else_is_touched(void **state) {
    (void)state;
    static const char *const foreign[] = {
        ".outside/outside_20260101T000000.000Z.mkv",
        "a/holiday.mkv",
        "a/b_20260101T000000.000Z.mkv",
        "a/a_20260101T000000.000Z.mkv.part",
        "a_20260101T000000.000Z.mkv",
        "a/a_20260101T000000.001Z.mkv",
        "a/a/a_20260101T000000.000Z.mkv",
        "a/a_20260101T000000.002Z.mkv",
        "a/a_20260101T000000.003Z.mkv",
        "outside",
    };
    make_two_cameras();
    make_foreign_files();
    /* They don't count either: five of ours have just this much. */
    assert_int_equal(run((sl_extent){.bytes = 5 * BYTES}, NULL), 0);
    assert_int_equal(run((sl_extent){.us = 1}, NULL), 5);
    assert_false(is_there(A1) || is_there(A2) || is_there(A3) || is_there(B1) || is_there(B2));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (!is_there(foreign[i]))
            fail_msg("%s is gone", foreign[i]);
}

static void a_directory_that_is_not_there_is_no_failure(void **state) {
    (void)state;
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(run((sl_extent){.us = 1}, NULL), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_of_all_cameras_go_first, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(small_ones_count_as_what_they_take_of_the_disk, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_goes_with_its_last_segment_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_too_old_goes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_never_got_its_name_goes_too, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_in_work_stays, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(nothing_else_is_touched, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_directory_that_is_not_there_is_no_failure, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
