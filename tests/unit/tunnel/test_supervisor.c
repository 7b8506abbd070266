/* Coming back by itself, and knowing when not to. */
#include "base/error.h"
#include "served.h"

#include <malloc.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define RECONNECTS 50 /* some tenths of a second apart: none lives long */

static sl_tunnel *open_it(void) {
    return open_tunnel(&(sl_tunnel_target){"127.0.0.1", behind.port}, SL_SSH_LIBSSH);
}

static void wait_failure(sl_tunnel *tunnel, int code, const char *part) {
    sl_tunnel_status status;
    struct pollfd failure = {.fd = sl_tunnel_failure_fd(tunnel), .events = POLLIN};
    assert_int_equal(poll(&failure, 1, PATIENCE_MS), 1);
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.failure, code);
    if (!strstr(status.reason, part))
        fail_msg("\"%s\" is not in: %s", part, status.reason);
}

static void comes_back_after_its_session_was_killed(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it();
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 100000, 1);
    assert_true(sshd_kill_sessions(&server) > 0);
    assert_true(ends_silently(link));
    close(link);
    wait_reconnects(tunnel, 1);
    link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 100000, 2);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void waits_for_a_server_that_has_gone(void **state) {
    (void)state;
    sl_tunnel_status status;
    sl_tunnel *tunnel = open_it();
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    sshd_halt(&server);
    assert_true(ends_silently(link));
    close(link);
    do
        sl_tunnel_status_get(tunnel, &status);
    while (!strstr(status.reason, "is closed") && !status.failure);
    assert_int_equal(status.failure, SL_OK);
    char path[128];
    snprintf(path, sizeof(path), "%s", sl_tunnel_endpoint(tunnel) + strlen("ipc://"));
    assert_int_not_equal(access(path, F_OK), 0); /* nobody may believe that it is up */
    sshd_resume(&server);
    wait_reconnects(tunnel, 1);
    link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 1000, 3);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void closes_at_once_while_it_waits(void **state) {
    (void)state;
    sl_tunnel_status status;
    sl_tunnel *tunnel = open_it();
    sshd_halt(&server);
    do
        sl_tunnel_status_get(tunnel, &status);
    while (status.state != SL_TUNNEL_WAITING);
    sl_tunnel_close(&tunnel, 60000);
}

static void a_key_that_is_no_longer_allowed_ends_it(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it();
    unlink(sshd_path(&server, "authorized_keys"));
    sshd_kill_sessions(&server);
    wait_failure(tunnel, SL_EAUTH, "refused the log-in");
    sl_tunnel_close(&tunnel, 0);
}

static void a_host_key_that_changed_ends_it(void **state) {
    (void)state;
    char command[256];
    sl_tunnel *tunnel = open_it();
    sshd_halt(&server);
    snprintf(command, sizeof(command),
             "cd %s && rm host_ed25519* && ssh-keygen -q -t ed25519 -N '' -f host_ed25519",
             server.folder);
    assert_int_equal(system(command), 0);
    sshd_resume(&server);
    wait_failure(tunnel, SL_EHOSTKEY, "CHANGED");
    sl_tunnel_close(&tunnel, 0);
}

static sl_tunnel *open_persistent(void) {
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", behind.port};
    sshd_settings(&server, &settings);
    settings.persist = true;
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_OK);
    return tunnel;
}

static void wait_state(sl_tunnel *tunnel, sl_tunnel_state wanted, sl_stats *stats) {
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 5) {
        *stats = (sl_stats){0};
        sl_tunnel_stats(tunnel, stats);
        if (stats->tunnel == wanted)
            return;
        usleep(5000); /* a status is asked for; it doesn't tell */
    }
    fail_msg("it is %s: %s", sl_tunnel_state_name(stats->tunnel), stats->tunnel_reason);
}

static void persists_before_the_first_connection(void **state) {
    (void)state;
    sl_stats stats;
    sshd_halt(&server);
    sl_tunnel *tunnel = open_persistent();
    wait_state(tunnel, SL_TUNNEL_WAITING, &stats);
    assert_non_null(strstr(stats.tunnel_reason, "is closed"));
    sshd_resume(&server);
    wait_state(tunnel, SL_TUNNEL_UP, &stats);
    assert_string_equal(stats.tunnel_reason, "");
    assert_int_equal(stats.tunnel_reconnects, 0);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 1000, 4);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void a_refusal_is_waited_out_by_who_persists(void **state) {
    (void)state;
    sl_stats stats;
    unlink(sshd_path(&server, "authorized_keys"));
    sl_tunnel *tunnel = open_persistent();
    wait_state(tunnel, SL_TUNNEL_WAITING, &stats);
    assert_non_null(strstr(stats.tunnel_reason, "refused the log-in"));
    struct pollfd failure = {.fd = sl_tunnel_failure_fd(tunnel), .events = POLLIN};
    assert_int_equal(poll(&failure, 1, 0), 0);
    sl_tunnel_close(&tunnel, 60000); /* at once, and not in a minute */
}

static void no_tunnel_has_no_state(void **state) {
    (void)state;
    sl_stats stats = {0};
    sl_tunnel_stats(NULL, &stats);
    assert_int_equal(stats.tunnel, SL_TUNNEL_NONE);
}

static void many_reconnects_leave_nothing_behind(void **state) {
    (void)state;
    int descriptors = 0, threads = 0;
    size_t memory = 0;
    sl_tunnel *tunnel = open_it();
    for (unsigned i = 0; i < RECONNECTS; i++) {
        int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
        echo_through(link, 10000, i);
        if (i == RECONNECTS / 5) { /* whatever is allocated once, is by now */
            descriptors = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
            memory = mallinfo2().uordblks;
        }
        if (i == RECONNECTS - 1) {
            assert_int_equal(count_entries("/proc/self/fd"), descriptors);
            wait_for_threads(threads);
            /* The sshd's log, which is kept here, grows by some kilobytes each time. */
            assert_true(mallinfo2().uordblks < memory + RECONNECTS * 8192);
        }
        assert_true(sshd_kill_sessions(&server) > 0);
        assert_true(ends_silently(link));
        close(link);
        wait_reconnects(tunnel, i + 1);
    }
    sl_tunnel_close(&tunnel, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_after_its_session_was_killed, start_served,
                                        stop_served),
        cmocka_unit_test_setup_teardown(waits_for_a_server_that_has_gone, start_served,
                                        stop_served),
        cmocka_unit_test_setup_teardown(closes_at_once_while_it_waits, start_served, stop_served),
        cmocka_unit_test_setup_teardown(a_key_that_is_no_longer_allowed_ends_it, start_served,
                                        stop_served),
        cmocka_unit_test_setup_teardown(a_host_key_that_changed_ends_it, start_served, stop_served),
        cmocka_unit_test_setup_teardown(persists_before_the_first_connection, start_served,
                                        stop_served),
        cmocka_unit_test_setup_teardown(a_refusal_is_waited_out_by_who_persists, start_served,
                                        stop_served),
        cmocka_unit_test(no_tunnel_has_no_state),
        cmocka_unit_test_setup_teardown(many_reconnects_leave_nothing_behind, start_served,
                                        stop_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
