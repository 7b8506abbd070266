/* Clock, events, cancel objects and waiting for them. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

static void deadlines_count_down(void **state) {
    (void)state;
    assert_int_equal(sl_deadline_us(-1), -1);
    assert_int_equal(sl_remaining_ms(-1), -1);
    assert_int_equal(sl_remaining_ms(0), 0);
    assert_in_range(sl_remaining_ms(sl_deadline_us(60000)), 1, 60000);
    assert_int_equal(sl_remaining_ms(INT64_C(1) << 61), INT32_MAX);
    int64_t before_us = sl_now_us();
    assert_true(sl_now_us() >= before_us);
    assert_true(sl_utc_us() > INT64_C(1600000000) * SL_SECOND_US);
}

static void waits_for_events(void **state) {
    (void)state;
    sl_event event = {-1};
    sl_event_finish(&event);
    assert_int_equal(sl_event_init(&event), 0);
    assert_int_equal(sl_wait(event.fd, POLLIN, NULL, sl_deadline_us(0)), SL_EAGAIN);
    sl_event_set(&event);
    sl_event_set(&event);
    assert_int_equal(sl_wait(event.fd, POLLIN, NULL, -1), SL_OK);
    sl_event_clear(&event);
    sl_event_clear(&event);
    assert_int_equal(sl_wait(event.fd, POLLIN, NULL, sl_deadline_us(1)), SL_EAGAIN);
    assert_int_equal(sl_wait(-1, 0, NULL, sl_deadline_us(1)), SL_EAGAIN);
    sl_event_finish(&event);
    assert_int_equal(event.fd, -1);
}

static void cancel_comes_first(void **state) {
    (void)state;
    sl_cancel *cancel;
    sl_event event = {-1};
    assert_int_equal(sl_event_init(&event), 0);
    assert_int_equal(sl_cancel_open(&cancel), 0);
    assert_false(sl_cancel_triggered(cancel));
    assert_false(sl_cancel_triggered(NULL));
    assert_int_equal(sl_cancel_fd(NULL), -1);
    sl_event_set(&event);
    assert_int_equal(sl_wait(event.fd, POLLIN, cancel, -1), SL_OK);
    sl_cancel_trigger(cancel);
    assert_true(sl_cancel_triggered(cancel));
    assert_int_equal(sl_wait(event.fd, POLLIN, cancel, -1), SL_ECANCELED);
    assert_int_equal(sl_wait(-1, 0, cancel, -1), SL_ECANCELED);
    sl_cancel_close(&cancel);
    assert_null(cancel);
    sl_cancel_close(&cancel);
    sl_event_finish(&event);
}

struct seen {
    sigset_t blocked;
    char name[16];
};

static void look(void *argument) {
    struct seen *seen = argument;
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
}

static void threads_have_names_and_no_signals(void **state) {
    (void)state;
    struct seen seen;
    sl_thread thread = {0};
    sl_thread_join(&thread);
    assert_int_equal(sl_thread_start(&thread, "sl-look", look, &seen), 0);
    sl_thread_join(&thread);
    sl_thread_join(&thread);
    assert_string_equal(seen.name, "sl-look");
    assert_int_equal(sigismember(&seen.blocked, SIGINT), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGTERM), 1);
    sigset_t here;
    pthread_sigmask(SIG_SETMASK, NULL, &here);
    assert_int_equal(sigismember(&here, SIGTERM), 0);
    assert_true(sl_thread_processors() >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_count_down),
        cmocka_unit_test(waits_for_events),
        cmocka_unit_test(cancel_comes_first),
        cmocka_unit_test(threads_have_names_and_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
