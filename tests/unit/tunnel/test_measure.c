/* Measuring the way to an SSH server that the tunnel is set up to: a real sshd, and a gate. */
#include "tunnel/measure.h"
#include "base/error.h"
#include "echo.h"
#include "gated.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#define BYTES_MOST (2U << 20)

static struct sshd server;
static struct echo beyond; /* as seen from the server */
static sl_tunnel_measures measures;
static int times;
static bool cut_off; /* just before it is measured */

static void see_state(void *user, sl_tunnel_state state) {
    (void)user, (void)state;
}

static void see_fact(void *user, sl_tunnel_fact fact, const char *text) {
    (void)user, (void)text;
    if (cut_off && fact == SL_TUNNEL_FORWARDS)
        sshd_kill_sessions(&server);
}

static void see_measures(void *user, const sl_tunnel_measures *seen) {
    (void)user;
    measures = *seen;
    times++;
}

static const sl_tunnel_witness measuring = {see_state, see_fact, see_measures, NULL};

static int start_server(void **state) {
    (void)state;
    sshd_start(&server, "");
    echo_start(&beyond);
    return 0;
}

static int stop_server(void **state) {
    (void)state;
    echo_stop(&beyond);
    sshd_finish(&server);
    return 0;
}

static int begin(void **state) {
    (void)state;
    times = 0;
    cut_off = false;
    measures = (sl_tunnel_measures){0};
    return 0;
}

static int open_through_server(sl_tunnel **tunnel, const sl_tunnel_witness *witness) {
    sl_tunnel_settings settings;
    sl_tunnel_target target = {.host = "localhost", .port = beyond.port, .witness = witness};
    sshd_settings(&server, &settings);
    return sl_tunnel_open(tunnel, &settings, &target, NULL);
}

/* What is sent for it goes no further than the server, and the tunnel carries afterwards. */
static void the_far_end_gets_nothing_of_it(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    unsigned long long before = beyond.received;
    assert_int_equal(open_through_server(&tunnel, &measuring), SL_OK);
    assert_int_equal(times, 1);
    assert_true(measures.round_trip_ms > 0);
    assert_in_range(measures.bytes, 1, BYTES_MOST);
    assert_false(measures.clock_known);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 100000, 1);
    assert_int_equal(beyond.received - before, 100000);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void who_does_not_ask_has_nothing_measured(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    const sl_tunnel_witness other = {.fact = see_fact};
    assert_int_equal(open_through_server(&tunnel, &other), SL_OK);
    assert_int_equal(times, 0);
    sl_tunnel_close(&tunnel, 0);
}

static void a_connection_that_is_lost_meanwhile(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    cut_off = true;
    assert_int_equal(open_through_server(&tunnel, &measuring), SL_EUNREACHABLE);
    assert_int_equal(times, 0);
    assert_non_null(sl_error());
}

/* It is this machine's own: as far off as that can be known. */
static void a_gate_tells_its_clock(void **state) {
    sl_tunnel *tunnel;
    prepare_files(state);
    start_gate(state);
    sl_tunnel_target target = {.host = "localhost", .port = LINK_PORT, .witness = &measuring};
    sl_tunnel_settings settings = gate_login("id");
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_OK);
    assert_int_equal(times, 1);
    assert_true(measures.clock_known);
    assert_true(measures.clock_error_ms >= 0);
    assert_true(fabs(measures.clock_ahead_ms) <= measures.clock_error_ms + 1);
    sl_tunnel_close(&tunnel, 0);
    stop_gate(state);
    remove_files(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_far_end_gets_nothing_of_it, begin),
        cmocka_unit_test_setup(who_does_not_ask_has_nothing_measured, begin),
        cmocka_unit_test_setup(a_connection_that_is_lost_meanwhile, begin),
        cmocka_unit_test_setup(a_gate_tells_its_clock, begin),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
