/* A real sshd that listens for us. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "echo.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE    (1024 * 1024)
#define LINGER_MS   20000
#define PATIENCE_MS 60000
#define PLACES      16

static struct sshd server;
static char link_path[108], link_endpoint[128];
static int link_listener = -1; /* stands for the link */

static void listen_for_link(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", link_path);
    link_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(link_listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(link_listener, 64), 0);
}

static void stop_link(void) {
    close(link_listener);
    link_listener = -1;
    unlink(link_path);
}

static int prepare(void **state) {
    (void)state;
    sshd_start(&server, "");
    snprintf(link_path, sizeof(link_path), "%s", sshd_path(&server, "link"));
    snprintf(link_endpoint, sizeof(link_endpoint), "ipc://%s", link_path);
    return 0;
}

static int tidy(void **state) {
    (void)state;
    sshd_finish(&server);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    listen_for_link();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    if (link_listener >= 0)
        stop_link();
    return 0;
}

static sl_tunnel *open_inward(const char *address, int port, sl_cancel *failed) {
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {address, port, link_endpoint, failed};
    sshd_settings(&server, &settings);
    if (sl_tunnel_open(&tunnel, &settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    return tunnel;
}

/* Somebody who comes to the server's port. */
static int come_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static int accept_at_link(void) {
    int descriptor = accept4(link_listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(descriptor >= 0);
    return descriptor;
}

/* Sends back what comes, until the end. */
static void *send_back(void *argument) {
    static char bytes[65536];
    int descriptor = *(int *)argument;
    ssize_t size;
    while ((size = recv(descriptor, bytes, sizeof(bytes), 0)) > 0)
        for (ssize_t sent = 0, step; sent < size; sent += step)
            if ((step = send(descriptor, bytes + sent, (size_t)(size - sent), MSG_NOSIGNAL)) <= 0)
                return NULL;
    return NULL;
}

static void carries_both_ways_byte_for_byte(void **state) {
    (void)state;
    pthread_t thread;
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    int port = sl_tunnel_port(tunnel);
    assert_in_range(port, 1, 65535);
    int far = come_to(port), near = accept_at_link();
    assert_int_equal(pthread_create(&thread, NULL, send_back, &near), 0);
    echo_through(far, 32 * MEGABYTE + 7, 1);
    for (uint32_t i = 1; i < 100; i++)
        echo_through(far, i, i);
    close(far);
    pthread_join(thread, NULL);
    close(near);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void ends_go_through_each_on_its_own(void **state) {
    (void)state;
    char text[8];
    sl_tunnel *tunnel = open_inward("localhost", 0, NULL);
    int far = come_to(sl_tunnel_port(tunnel)), near = accept_at_link();
    assert_int_equal(send(far, "question", 8, MSG_NOSIGNAL), 8);
    shutdown(far, SHUT_WR);
    assert_int_equal(recv(near, text, 8, MSG_WAITALL), 8);
    assert_memory_equal(text, "question", 8);
    assert_true(ends_silently(near));
    assert_int_equal(send(near, "answered", 8, MSG_NOSIGNAL), 8);
    close(near);
    assert_int_equal(recv(far, text, 8, MSG_WAITALL), 8);
    assert_memory_equal(text, "answered", 8);
    assert_true(ends_silently(far));
    close(far);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void takes_so_many_at_once_and_turns_others_away(void **state) {
    (void)state;
    int far[PLACES], near[PLACES];
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    int port = sl_tunnel_port(tunnel);
    for (int i = 0; i < PLACES; i++) {
        far[i] = come_to(port);
        near[i] = accept_at_link();
    }
    int late = come_to(port);
    assert_true(ends_silently(late));
    close(late);
    close(far[0]);
    assert_true(ends_silently(near[0]));
    close(near[0]);
    /* The place is free once the server has heard of both ends. */
    for (bool taken = false; !taken;) {
        struct pollfd wait[2] = {{.fd = link_listener, .events = POLLIN}, {.events = POLLIN}};
        wait[1].fd = late = come_to(port);
        assert_true(poll(wait, 2, PATIENCE_MS) > 0);
        taken = wait[0].revents != 0;
        close(late);
    }
    for (int i = 1; i < PLACES; i++) {
        close(far[i]);
        close(near[i]);
    }
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void turns_connections_away_while_no_link_listens(void **state) {
    (void)state;
    stop_link();
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    int far = come_to(sl_tunnel_port(tunnel));
    assert_true(ends_silently(far));
    close(far);
    listen_for_link();
    far = come_to(sl_tunnel_port(tunnel));
    int near = accept_at_link();
    assert_int_equal(send(near, "x", 1, MSG_NOSIGNAL), 1);
    char byte = 0;
    assert_int_equal(recv(far, &byte, 1, 0), 1);
    close(near);
    close(far);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void wait_reconnects(sl_tunnel *tunnel, uint64_t times) {
    sl_tunnel_status status;
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 5) {
        sl_tunnel_status_get(tunnel, &status);
        if (status.failure)
            fail_msg("failed for good: %s", status.reason);
        if (status.reconnects >= times && status.state == SL_TUNNEL_UP)
            return;
        usleep(5000); /* a status is asked for; it doesn't tell */
    }
    fail_msg("it did not come back: %s", status.reason);
}

static void comes_back_on_the_port_that_the_server_picked(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    int port = sl_tunnel_port(tunnel);
    for (uint64_t i = 1; i <= 5; i++) {
        int far = come_to(port), near = accept_at_link();
        assert_true(sshd_kill_sessions(&server) > 0);
        assert_true(ends_silently(near));
        close(far);
        close(near);
        wait_reconnects(tunnel, i);
        assert_int_equal(sl_tunnel_port(tunnel), port);
    }
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void a_port_in_use_is_told(void **state) {
    (void)state;
    int port, taken = listen_somewhere(&port);
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", port, link_endpoint, NULL};
    sshd_settings(&server, &settings);
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EFORWARD);
    assert_null(tunnel);
    assert_non_null(strstr(sl_error(), "in use by another program"));
    close(taken);
}

static void forbidden_listening_is_told_at_once(void **state) {
    (void)state;
    static const char *const options[] = {"AllowTcpForwarding local", "PermitListen 127.0.0.1:1"};
    for (int i = 0; i < 2; i++) {
        struct sshd strict;
        sl_tunnel *tunnel;
        sl_tunnel_settings settings;
        sl_tunnel_target target = {"", 5555, link_endpoint, NULL};
        sshd_start(&strict, options[i]);
        sshd_settings(&strict, &settings);
        assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EFORWARD);
        assert_non_null(strstr(sl_error(), "PermitListen 5555"));
        sshd_finish(&strict);
    }
    setenv("HOME", server.folder, 1);
}

static void failing_for_good_triggers_the_cancel_object(void **state) {
    (void)state;
    sl_cancel *failed;
    sl_tunnel_status status;
    assert_int_equal(sl_cancel_open(&failed), SL_OK);
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, failed);
    assert_false(sl_cancel_triggered(failed));
    assert_int_equal(unlink(sshd_path(&server, "authorized_keys")), 0);
    sshd_kill_sessions(&server);
    assert_int_equal(sl_wait(-1, 0, failed, sl_deadline_us(PATIENCE_MS)), SL_ECANCELED);
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.failure, SL_EAUTH);
    sl_tunnel_close(&tunnel, 0);
    sl_cancel_close(&failed);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(carries_both_ways_byte_for_byte),
        TEST(ends_go_through_each_on_its_own),
        TEST(takes_so_many_at_once_and_turns_others_away),
        TEST(turns_connections_away_while_no_link_listens),
        TEST(comes_back_on_the_port_that_the_server_picked),
        TEST(a_port_in_use_is_told),
        TEST(forbidden_listening_is_told_at_once),
        TEST(failing_for_good_triggers_the_cancel_object), /* last: nobody may log in afterwards */
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
