/* Log lines reach the one callback, up to its level. */
#include "base/log.h"
#include "base/error.h"
#include "base/thread.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct heard {
    int count;
    sl_log_level level;
    char room[16], line[2000];
};

static void hear(void *user, sl_log_level level, const char *room, const char *line) {
    struct heard *heard = user;
    heard->count++;
    heard->level = level;
    snprintf(heard->room, sizeof(heard->room), "%s", room);
    snprintf(heard->line, sizeof(heard->line), "%s", line);
    errno = 99;
}

static void reaches_the_callback(void **state) {
    (void)state;
    struct heard heard = {0};
    sl_log(SL_LOG_ERROR, "base", "nobody listens");
    sl_log_set(hear, &heard, SL_LOG_INFO);
    sl_fail(SL_EEND, "as it was");
    errno = 5;
    sl_log(SL_LOG_INFO, "link", "%s\n%d", "\033]0;x", 1);
    assert_int_equal(errno, 5);
    assert_string_equal(sl_error(), "as it was");
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, SL_LOG_INFO);
    assert_string_equal(heard.room, "link");
    assert_string_equal(heard.line, "?]0;x?1");
    sl_log(SL_LOG_DEBUG, "link", "too much");
    assert_int_equal(heard.count, 1);
    sl_log_set(NULL, NULL, SL_LOG_DEBUG);
    sl_log(SL_LOG_ERROR, "link", "nobody");
    assert_int_equal(heard.count, 1);
}

static void holds_repetition_back(void **state) {
    (void)state;
    sl_log_limit limit = {0};
    uint64_t suppressed = 7;
    assert_true(sl_log_limit_pass(&limit, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(sl_log_limit_pass(&limit, &suppressed));
    assert_false(sl_log_limit_pass(&limit, &suppressed));
    limit.next_us = 0;
    assert_true(sl_log_limit_pass(&limit, &suppressed));
    assert_int_equal(suppressed, 2);
}

static void speak(void *argument) {
    (void)argument;
    sl_log(SL_LOG_INFO, "link", "in a thread");
}

static void says_what_lines_are_about(void **state) {
    (void)state;
    struct heard heard = {0};
    sl_thread thread = {0};
    sl_log_set(hear, &heard, SL_LOG_INFO);
    sl_log_set_about("viewer-a:5555");
    sl_log(SL_LOG_INFO, "link", "gone");
    assert_string_equal(heard.line, "viewer-a:5555: gone");
    assert_int_equal(sl_thread_start(&thread, "speaker", speak, NULL), SL_OK);
    sl_thread_join(&thread);
    assert_string_equal(heard.line, "viewer-a:5555: in a thread");
    sl_log_set_about("");
    sl_log(SL_LOG_INFO, "link", "plain");
    assert_string_equal(heard.line, "plain");
    sl_log_set(NULL, NULL, SL_LOG_DEBUG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_the_callback),
        cmocka_unit_test(says_what_lines_are_about),
        cmocka_unit_test(holds_repetition_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
