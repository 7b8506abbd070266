/* Jump hosts: one sshd several times over, each time reached through the time before. */
#include "base/clock.h"
#include "base/error.h"
#include "echo.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE    (1024 * 1024)
#define LINGER_MS   20000
#define PATIENCE_MS 60000

static struct sshd server;
static struct echo behind;
static char twice[600], three_times[900];

static int set_up(void **state) {
    (void)state;
    sl_tunnel_settings settings;
    sshd_start(&server, "");
    echo_start(&behind);
    sshd_settings(&server, &settings);
    snprintf(twice, sizeof(twice), "%s,%s", settings.destination, settings.destination);
    snprintf(three_times, sizeof(three_times), "%s,%s", twice, settings.destination);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    echo_stop(&behind);
    sshd_finish(&server);
    return 0;
}

static int try_opening(sl_tunnel **tunnel, const char *jump, const char *keys) {
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", behind.port};
    sshd_settings(&server, &settings);
    settings.jump = jump;
    settings.jump_keys = keys;
    return sl_tunnel_open(tunnel, &settings, &target, NULL);
}

static sl_tunnel *open_it(const char *jump) {
    sl_tunnel *tunnel;
    if (try_opening(&tunnel, jump, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    return tunnel;
}

static void carries_both_ways_byte_for_byte(void **state) {
    (void)state;
    int descriptors = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    sl_tunnel *tunnel = open_it(twice);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 16 * MEGABYTE + 7, 1);
    close(link);
    sl_tunnel_close(&tunnel, LINGER_MS);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    wait_for_threads(threads);
}

/* All sessions go at once, and the way is made anew from its beginning. */
static void comes_back(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it(three_times);
    sl_tunnel_status status;
    for (uint64_t times = 1; times <= 3; times++) {
        int64_t deadline_us = sl_deadline_us(PATIENCE_MS);
        assert_true(sshd_kill_sessions(&server) > 0);
        do
            sl_tunnel_status_get(tunnel, &status);
        while (status.reconnects < times && sl_remaining_ms(deadline_us) > 0 && usleep(1000) == 0);
        assert_int_equal(sl_tunnel_await(tunnel, NULL), SL_OK);
        int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
        echo_through(link, MEGABYTE, 2);
        close(link);
    }
    sl_tunnel_close(&tunnel, LINGER_MS);
}

/* While a jump host is away its state is the tunnel's, and the wait for it can be ended. */
static void waits_for_a_jump_host(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it(twice);
    sl_tunnel_status status;
    int64_t deadline_us = sl_deadline_us(PATIENCE_MS);
    sshd_halt(&server);
    do
        sl_tunnel_status_get(tunnel, &status);
    while (!strstr(status.reason, "is closed") && sl_remaining_ms(deadline_us) > 0 &&
           usleep(1000) == 0);
    assert_non_null(strstr(status.reason, "is closed"));
    assert_int_not_equal(status.state, SL_TUNNEL_UP);
    assert_int_equal(status.failure, SL_OK);
    sl_tunnel_close(&tunnel, LINGER_MS);
    sshd_resume(&server);
}

/* A key that is not there is one to be told of, also when only a jump host has it. */
static void each_has_a_key_of_its_own(void **state) {
    (void)state;
    char keys[300];
    sl_tunnel *tunnel;
    const char *key = sshd_path(&server, "id");
    snprintf(keys, sizeof(keys), "%s,%s", key, key);
    assert_int_equal(try_opening(&tunnel, twice, keys), SL_OK);
    sl_tunnel_close(&tunnel, LINGER_MS);
    snprintf(keys, sizeof(keys), "%s,/no/such/key", key);
    assert_int_equal(try_opening(&tunnel, twice, keys), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "/no/such/key"));
    assert_null(tunnel);
}

static void a_password_is_the_destinations_alone(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", behind.port};
    sshd_settings(&server, &settings);
    settings.jump = settings.destination;
    settings.key_file = NULL; /* nor has the test's HOME one */
    settings.password = "open sesame";
    unsetenv("SSH_AUTH_SOCK");
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "it is a jump host"));
    assert_null(strstr(sl_error(), "the password;"));
}

static void names_the_way(void **state) {
    (void)state;
    sl_ssh_route route;
    sl_tunnel_settings settings = {.destination = "c:3", .jump = "a,b@[::1]:2"};
    assert_int_equal(sl_ssh_route_read(&route, &settings), SL_OK);
    assert_int_equal(route.count, 3);
    assert_string_equal(route.names[0], "a");
    assert_string_equal(route.names[1], "b@[::1]:2");
    assert_string_equal(route.names[2], "c:3");
    settings.jump = NULL;
    assert_int_equal(sl_ssh_route_read(&route, &settings), SL_OK);
    assert_int_equal(route.count, 1);
}

static void lists_that_make_no_sense_are_told_at_once(void **state) {
    (void)state;
    static char endless[2000];
    static const char *const lists[] = {
        "", ",", "a,", ",a", "a,,b", "a b", "a:0", "@a", "a,b,c,d,e,f,g,h,i", endless,
    };
    sl_tunnel *tunnel;
    memset(endless, 'x', sizeof(endless) - 1);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_int_equal(try_opening(&tunnel, lists[i], NULL), SL_EINVAL);
        assert_non_null(strstr(sl_error(), "--ssh-jump"));
    }
    assert_int_equal(try_opening(&tunnel, "a,b", "k"), SL_EINVAL);
    assert_int_equal(try_opening(&tunnel, "a,b", "k,l,m"), SL_EINVAL);
    assert_int_equal(try_opening(&tunnel, NULL, "k"), SL_EINVAL);
    assert_null(tunnel);
}

/* A server that never answers, behind another, is given up as one that does not answer us: after
 * the time for one, and in words of its own. */
static void a_server_that_is_not_reached(void **state) {
    (void)state;
    int holders[2], port;
    char silent[64];
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", behind.port};
    listen_in_silence(holders, &port);
    sshd_settings(&server, &settings);
    snprintf(silent, sizeof(silent), "somebody@127.0.0.1:%d", port);
    settings.jump = settings.destination;
    settings.destination = silent;
    settings.connect_timeout_s = 2;
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "does not answer as seen from 127.0.0.1"));
    close(holders[0]);
    close(holders[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_byte_for_byte),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(waits_for_a_jump_host),
        cmocka_unit_test(each_has_a_key_of_its_own),
        cmocka_unit_test(a_password_is_the_destinations_alone),
        cmocka_unit_test(names_the_way),
        cmocka_unit_test(lists_that_make_no_sense_are_told_at_once),
        cmocka_unit_test(a_server_that_is_not_reached),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
