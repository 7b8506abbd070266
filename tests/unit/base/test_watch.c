/* Hearing that a file has changed. */
#include "base/watch.h"
#include "base/file.h"

#include <poll.h>
#include <setjmp.h>
#include <sightline/error.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/sl-watch-XXXXXX";
static char path[64], other[64], linked[64];
static sl_watch watch;

static int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    snprintf(linked, sizeof(linked), "%s/link", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    unlink(linked);
    rmdir(folder);
    return 0;
}

static bool changed(void) {
    struct pollfd polled = {.fd = watch.fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 1 && sl_watch_take(&watch);
}

static void all_ways_of_change_are_told(void **state) {
    (void)state;
    assert_int_equal(sl_watch_init(&watch, path), SL_OK);
    assert_false(changed());
    assert_int_equal(sl_file_replace(path, "one", 3), SL_OK);
    assert_true(changed());
    assert_false(changed());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_false(changed());
    fclose(file);
    assert_true(changed());
    assert_int_equal(sl_file_replace(other, "two", 3), SL_OK);
    assert_false(changed());
    assert_int_equal(unlink(path), 0);
    assert_true(changed());
    sl_watch_finish(&watch);
}

static void a_link_is_followed(void **state) {
    (void)state;
    assert_int_equal(sl_file_replace(path, "one", 3), SL_OK);
    assert_int_equal(symlink(path, linked), 0);
    assert_int_equal(sl_watch_init(&watch, linked), SL_OK);
    assert_int_equal(sl_file_replace(path, "two", 3), SL_OK);
    assert_true(changed());
    sl_watch_finish(&watch);
}

static void point_link_at(const char *target) {
    unlink(linked);
    assert_int_equal(symlink(target, linked), 0);
}

static void a_link_that_is_led_elsewhere(void **state) {
    (void)state;
    char inner[64], beyond[96];
    snprintf(inner, sizeof(inner), "%s/inner", folder);
    snprintf(beyond, sizeof(beyond), "%s/file", inner);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(sl_file_replace(path, "one", 3), SL_OK);
    point_link_at("file");
    assert_int_equal(sl_watch_init(&watch, linked), SL_OK);
    point_link_at("inner/file");
    assert_true(changed());
    assert_false(changed());
    assert_int_equal(sl_file_replace(beyond, "two", 3), SL_OK);
    assert_true(changed());
    assert_int_equal(sl_file_replace(path, "two", 3), SL_OK);
    assert_false(changed());
    assert_int_equal(unlink(linked), 0);
    assert_true(changed());
    assert_int_equal(symlink(beyond, linked), 0);
    assert_true(changed());
    point_link_at("link");
    assert_true(changed());
    sl_watch_finish(&watch);
    unlink(beyond);
    rmdir(inner);
}

static void a_link_to_the_folder_is_followed(void **state) {
    (void)state;
    char through[96];
    assert_int_equal(sl_file_replace(path, "one", 3), SL_OK);
    point_link_at(folder);
    snprintf(through, sizeof(through), "%s/file", linked);
    assert_int_equal(sl_watch_init(&watch, through), SL_OK);
    assert_int_equal(sl_file_replace(path, "two", 3), SL_OK);
    assert_true(changed());
    point_link_at("/");
    assert_true(changed());
    sl_watch_finish(&watch);
}

static void a_folder_that_is_not_there(void **state) {
    (void)state;
    assert_int_equal(sl_watch_init(&watch, "/nowhere/at/all"), SL_ESYSTEM);
    assert_int_equal(watch.fd, -1);
    assert_false(sl_watch_take(&watch));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_of_change_are_told),
        cmocka_unit_test(a_link_is_followed),
        cmocka_unit_test(a_link_that_is_led_elsewhere),
        cmocka_unit_test(a_link_to_the_folder_is_followed),
        cmocka_unit_test(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
