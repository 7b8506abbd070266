/* The port at the SSH server, in words. */
#include "tunnel/far_port.h"
#include "base/clock.h"
#include "base/error.h"
#include "sshd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define NOWHERE_MORE "127.0.0.2" /* nobody listens there who listens at 127.0.0.1 */

static sl_tunnel_job job;
static char everywhere[] = "", there[] = "127.0.0.1";
static int facts[SL_TUNNEL_FACTS];
static char said[512];

static void note(void *user, sl_tunnel_fact fact, const char *text) {
    (void)user;
    facts[fact]++;
    snprintf(said, sizeof(said), "%s", text);
}

static const sl_tunnel_witness witness = {.fact = note};

static int set_up(void **state) {
    (void)state;
    job = (sl_tunnel_job){.plan = {.name = "me@server port 22",
                                   .destination = {.host = "server"},
                                   .target_host = everywhere,
                                   .target_port = 5555,
                                   .witness = &witness}};
    memset(facts, 0, sizeof(facts));
    return sl_cancel_open(&job.stop);
}

static int tear_down(void **state) {
    (void)state;
    sl_cancel_close(&job.stop);
    return 0;
}

static void the_port_that_it_had_is_wanted_again(void **state) {
    (void)state;
    assert_int_equal(sl_far_port_wanted(&job), 5555);
    job.plan.target_port = 0;
    assert_int_equal(sl_far_port_wanted(&job), 0);
    job.port = 40000;
    assert_int_equal(sl_far_port_wanted(&job), 40000);
    assert_string_equal(sl_far_port_host(&job), "localhost");
    job.plan.target_host = there;
    assert_string_equal(sl_far_port_host(&job), "127.0.0.1");
}

/* At first somebody has to do something about it; later it passes. */
static void what_ends_it_at_first_passes_later(void **state) {
    (void)state;
    assert_int_equal(sl_far_port_fail_held(&job), SL_EFORWARD);
    assert_non_null(strstr(sl_error(), "5555"));
    assert_non_null(strstr(sl_error(), "--port"));
    assert_int_equal(sl_far_port_fail_refused(&job), SL_EFORWARD);
    assert_non_null(strstr(sl_error(), "PermitListen 5555"));
    job.was_up = true;
    assert_int_equal(sl_far_port_fail_held(&job), SL_EINUSE);
    assert_int_equal(sl_far_port_fail_refused(&job), SL_EINUSE);
}

static void who_brought_nothing_for_longest_makes_way(void **state) {
    (void)state;
    int64_t now_us = sl_now_us(), long_ago_us = now_us - 60 * SL_SECOND_US;
    const int64_t busy[] = {now_us, now_us, now_us};
    const int64_t idle[] = {now_us, long_ago_us + 1, long_ago_us, now_us};
    assert_int_equal(sl_far_port_find_idle(busy, 3), -1);
    assert_int_equal(sl_far_port_find_idle(idle, 4), 2);
}

static void who_reaches_it_is_told(void **state) {
    (void)state;
    int port, listener = listen_somewhere(&port);
    sl_far_port_take(&job, port, "127.0.0.1");
    assert_int_equal(job.port, port);
    assert_int_equal(facts[SL_TUNNEL_REACH_UNSEEN], 1); /* that this host reaches it is no news */
    sl_far_port_take(&job, port, NOWHERE_MORE);
    assert_int_equal(facts[SL_TUNNEL_FOR_ITSELF], 1);
    assert_non_null(strstr(said, "GatewayPorts clientspecified"));
    sl_far_port_take(&job, port, ""); /* behind a jump host */
    assert_int_equal(facts[SL_TUNNEL_REACH_UNSEEN], 2);
    assert_int_equal(facts[SL_TUNNEL_REACHED], 0);
    close(listener);
}

static void only_what_is_for_all_is_asked_about(void **state) {
    (void)state;
    job.plan.target_host = there;
    sl_far_port_take(&job, 5555, NOWHERE_MORE);
    job.plan.target_host = everywhere;
    job.was_up = true; /* it was told before */
    sl_far_port_take(&job, 5555, NOWHERE_MORE);
    for (int fact = 0; fact < SL_TUNNEL_FACTS; fact++)
        assert_int_equal(facts[fact], 0);
    assert_int_equal(job.port, 5555);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_port_that_it_had_is_wanted_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ends_it_at_first_passes_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_brought_nothing_for_longest_makes_way, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_reaches_it_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_is_for_all_is_asked_about, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
