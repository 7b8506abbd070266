/* The relay between the user's ssh and the link: here the test is both. */
#include "tunnel/relay.h"
#include "base/clock.h"
#include "base/error.h"
#include "echo.h"
#include "sshd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define BYTES 300000

static char folder[] = "/tmp/sl-relay-XXXXXX";
static char link_path[64], endpoint[80], relay_endpoint[128];
static sl_tunnel_job job;
static sl_relay relay;
static struct echo behind;
static pthread_t worker;
static sl_cancel *stop;

/* What the tunnel's thread does, until told to stop. */
static void *work(void *unused) {
    struct pollfd polled[1 + SL_RELAY_POLLED] = {{.fd = sl_cancel_fd(stop), .events = POLLIN}};
    (void)unused;
    while (!sl_cancel_triggered(stop)) {
        sl_relay_watch(&relay, polled + 1);
        if (poll(polled, 1 + SL_RELAY_POLLED, sl_relay_timeout_ms(&relay)) > 0)
            sl_relay_work(&relay, polled + 1);
    }
    return NULL;
}

static int set_up(void **state) {
    (void)state;
    snprintf(link_path, sizeof(link_path), "%s/link", folder);
    snprintf(endpoint, sizeof(endpoint), "ipc://%s", link_path);
    job = (sl_tunnel_job){.plan = {.link_path = link_path, .destination = {.host = "server"}}};
    snprintf(job.relay_path, sizeof(job.relay_path), "%s/relay", folder);
    snprintf(relay_endpoint, sizeof(relay_endpoint), "ipc://%s", job.relay_path);
    assert_int_equal(sl_cancel_open(&stop), SL_OK);
    assert_int_equal(sl_relay_start(&relay, &job), SL_OK);
    return pthread_create(&worker, NULL, work, NULL);
}

static int tear_down(void **state) {
    (void)state;
    sl_cancel_trigger(stop);
    pthread_join(worker, NULL);
    sl_relay_finish(&relay);
    sl_cancel_close(&stop);
    assert_int_equal(access(job.relay_path, F_OK), -1);
    unlink(link_path);
    assert_int_equal(count_entries(folder), 2); /* itself and where it is */
    return 0;
}

static int prepare(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state) {
    (void)state;
    return rmdir(folder);
}

static void bytes_go_both_ways(void **state) {
    (void)state;
    int ends[3];
    echo_start_at(&behind, endpoint);
    for (int i = 0; i < 3; i++)
        ends[i] = connect_endpoint(relay_endpoint);
    for (int i = 0; i < 3; i++) {
        echo_through(ends[i], BYTES, (uint32_t)i);
        close(ends[i]);
    }
    assert_int_equal(behind.accepted, 3);
    assert_int_equal(behind.received, 3 * BYTES);
    echo_stop(&behind);
}

static void an_end_is_passed_on(void **state) {
    (void)state;
    echo_start_at(&behind, endpoint);
    int end = connect_endpoint(relay_endpoint);
    echo_through(end, 1000, 7);
    shutdown(end, SHUT_WR);
    assert_true(ends_silently(end)); /* echo ends when it has nothing more to send back */
    close(end);
    echo_stop(&behind);
}

static void without_a_link_who_comes_is_sent_away(void **state) {
    (void)state;
    int end = connect_endpoint(relay_endpoint);
    assert_true(ends_silently(end));
    close(end);
}

/* Those who have brought something lately keep their places. */
static void more_than_its_places_are_turned_away(void **state) {
    (void)state;
    int ends[SL_RELAY_MOST];
    echo_start_at(&behind, endpoint);
    for (int i = 0; i < SL_RELAY_MOST; i++) {
        ends[i] = connect_endpoint(relay_endpoint);
        echo_through(ends[i], 100, (uint32_t)i);
    }
    int more = connect_endpoint(relay_endpoint);
    assert_true(ends_silently(more));
    close(more);
    echo_through(ends[0], 100, 99);
    for (int i = 0; i < SL_RELAY_MOST; i++)
        close(ends[i]);
    echo_stop(&behind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_is_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_link_who_comes_is_sent_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_its_places_are_turned_away, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
