/* A real sshd that listens for us, and a server that opens what nobody asked for. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/meter.h"
#include "served.h"

#include <arpa/inet.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
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

#define MEGABYTE  (1024 * 1024)
#define LINGER_MS 20000
#define PLACES    16
#define FULL_MS   200 /* nothing was taken for so long */

static char link_path[108], link_endpoint[128];
static int link_listener = -1; /* stands for the link */
static sl_ssh_backend backend; /* that the test is about */

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
    backend = SL_SSH_LIBSSH;
    listen_for_link();
    return 0;
}

static int set_up_openssh(void **state) {
    int result = set_up(state);
    backend = SL_SSH_OPENSSH;
    return result;
}

static int tear_down(void **state) {
    (void)state;
    if (link_listener >= 0)
        stop_link();
    return 0;
}

static sl_tunnel *open_inward(const char *address, int port, sl_cancel *failed) {
    return open_tunnel(&(sl_tunnel_target){address, port, link_endpoint, failed}, backend);
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

static void a_link_that_goes_frees_the_place_of_a_silent_peer(void **state) {
    (void)state;
    int far[2 * PLACES];
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    for (int i = 0; i < 2 * PLACES; i++) {
        far[i] = come_to(sl_tunnel_port(tunnel));
        close(accept_at_link());
        assert_true(ends_silently(far[i]));
    }
    for (int i = 0; i < 2 * PLACES; i++)
        close(far[i]);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

/* Sends as much as is taken while nobody reads at the other end, and says that it was all. */
static size_t send_until_full(int descriptor) {
    static const char bytes[65536];
    struct pollfd polled = {.fd = descriptor, .events = POLLOUT};
    size_t total = 0;
    while (total < 64 * MEGABYTE && poll(&polled, 1, FULL_MS) > 0) {
        ssize_t size = send(descriptor, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(size > 0);
        total += (size_t)size;
    }
    shutdown(descriptor, SHUT_WR);
    return total;
}

static size_t receive_all(int descriptor) {
    static char bytes[65536];
    size_t total = 0;
    ssize_t size;
    while ((size = recv(descriptor, bytes, sizeof(bytes), 0)) > 0)
        total += (size_t)size;
    assert_int_equal(size, 0);
    return total;
}

static void who_does_not_read_makes_the_other_wait(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    int far = come_to(sl_tunnel_port(tunnel)), near = accept_at_link();
    size_t sent = send_until_full(far);
    assert_true(sent < 64 * MEGABYTE);
    assert_int_equal(receive_all(near), sent);
    sent = send_until_full(near);
    assert_true(sent < 64 * MEGABYTE);
    assert_int_equal(receive_all(far), sent);
    close(near);
    close(far);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void counts_what_the_link_gets_from_each(void **state) {
    (void)state;
    static const char bytes[40000];
    int far[2], near[2];
    sl_tunnel *tunnel = open_inward("127.0.0.1", 0, NULL);
    for (int i = 0; i < 2; i++) {
        far[i] = come_to(sl_tunnel_port(tunnel));
        near[i] = accept_at_link();
    }
    for (int i = 0; i < 2; i++) {
        size_t size = sizeof(bytes) / (size_t)(i + 1);
        assert_int_equal(send(far[i], bytes, size, MSG_NOSIGNAL), size);
        /* It is counted just after it was handed over. */
        uint64_t counted = 0;
        for (int waited_ms = 0; counted != size; waited_ms += 5) {
            assert_true(waited_ms < PATIENCE_MS);
            usleep(5000);
            sl_meter_read(near[i], &counted);
        }
    }
    for (int i = 0; i < 2; i++) {
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
    settings.connect_timeout_s = 5;
    settings.backend = backend;
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
        settings.backend = backend;
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

/* A server of our own that lets anybody in. */
struct rogue {
    ssh_bind bind;
    int port;
    pthread_t thread;
    bool asked;                                         /* to listen, and on which port */
    int asked_for;                                      /* it says yes, and never does */
    int early, wrong_port, session, direct, x11, right; /* channels that were let through */
};

static int on_message(ssh_session ssh, ssh_message message, void *user) {
    struct rogue *rogue = user;
    (void)ssh;
    if (ssh_message_type(message) != SSH_REQUEST_GLOBAL)
        return 1;
    rogue->asked = true;
    rogue->asked_for = ssh_message_global_request_port(message);
    return ssh_message_global_request_reply_success(message, 0) == SSH_OK ? 0 : 1;
}

/* Whether the other side took a channel; it is left open. */
static int let_through(ssh_channel channel, int result) {
    if (result != SSH_OK)
        ssh_channel_free(channel);
    return result == SSH_OK;
}

static int open_back(ssh_session ssh, int port) {
    ssh_channel channel = ssh_channel_new(ssh);
    return let_through(channel,
                       ssh_channel_open_reverse_forward(channel, "", port, "192.0.2.1", 1));
}

static void intrude(struct rogue *rogue, ssh_session ssh) {
    ssh_set_message_callback(ssh, on_message, rogue);
    rogue->early = open_back(ssh, 5555);
    ssh_event event = ssh_event_new();
    ssh_event_add_session(event, ssh);
    while (!rogue->asked && ssh_event_dopoll(event, PATIENCE_MS) == SSH_OK)
        continue;
    ssh_event_remove_session(event, ssh);
    ssh_event_free(event);
    ssh_channel channel = ssh_channel_new(ssh);
    rogue->session = let_through(channel, ssh_channel_open_session(channel));
    channel = ssh_channel_new(ssh);
    rogue->direct =
        let_through(channel, ssh_channel_open_forward(channel, "127.0.0.1", 5555, "192.0.2.1", 1));
    channel = ssh_channel_new(ssh);
    rogue->x11 = let_through(channel, ssh_channel_open_x11(channel, "192.0.2.1", 1));
    rogue->wrong_port = open_back(ssh, 5556);
    for (int i = 0; i < 3 * PLACES; i++)
        rogue->right += open_back(ssh, 5555);
}

static void *serve_rogue(void *argument) {
    struct rogue *rogue = argument;
    ssh_session ssh = ssh_new();
    ssh_message message;
    bool welcome = false;
    if (ssh_bind_accept(rogue->bind, ssh) == SSH_OK && ssh_handle_key_exchange(ssh) == SSH_OK) {
        while (!welcome && (message = ssh_message_get(ssh))) {
            welcome = ssh_message_type(message) == SSH_REQUEST_AUTH &&
                      ssh_message_subtype(message) == SSH_AUTH_METHOD_PASSWORD;
            if (welcome) {
                ssh_message_auth_reply_success(message, 0);
            } else {
                ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PASSWORD);
                ssh_message_reply_default(message);
            }
            ssh_message_free(message);
        }
        if (welcome)
            intrude(rogue, ssh);
    }
    ssh_disconnect(ssh);
    ssh_free(ssh);
    return NULL;
}

static void start_rogue(struct rogue *rogue) {
    *rogue = (struct rogue){.bind = ssh_bind_new()};
    close(listen_somewhere(&rogue->port));
    ssh_bind_options_set(rogue->bind, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
    ssh_bind_options_set(rogue->bind, SSH_BIND_OPTIONS_BINDPORT, &rogue->port);
    ssh_bind_options_set(rogue->bind, SSH_BIND_OPTIONS_HOSTKEY, sshd_path(&server, "host_ed25519"));
    assert_int_equal(ssh_bind_listen(rogue->bind), SSH_OK);
    assert_int_equal(pthread_create(&rogue->thread, NULL, serve_rogue, rogue), 0);
}

static void a_server_opens_what_was_asked_for_and_nothing_else(void **state) {
    (void)state;
    char destination[64], pin[80];
    struct rogue rogue;
    sl_tunnel *tunnel;
    sl_tunnel_settings settings = {.password = "any", .connect_timeout_s = 60};
    sl_tunnel_target target = {"", 5555, link_endpoint, NULL};
    start_rogue(&rogue);
    snprintf(destination, sizeof(destination), "me@127.0.0.1:%d", rogue.port);
    snprintf(pin, sizeof(pin), "%s", fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
    settings.destination = destination;
    settings.host_key = pin;
    if (sl_tunnel_open(&tunnel, &settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    pthread_join(rogue.thread, NULL);
    assert_int_equal(rogue.asked_for, 5555);
    assert_int_equal(rogue.early, 0);
    assert_int_equal(rogue.session, 0);
    assert_int_equal(rogue.direct, 0);
    assert_int_equal(rogue.x11, 0);
    assert_int_equal(rogue.wrong_port, 0);
    assert_int_equal(rogue.right, PLACES);
    sl_tunnel_close(&tunnel, 0);
    ssh_bind_free(rogue.bind);
}

#define TEST(function)     cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define WITH_SSH(function) cmocka_unit_test_setup_teardown(function, set_up_openssh, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(carries_both_ways_byte_for_byte),
        TEST(ends_go_through_each_on_its_own),
        TEST(takes_so_many_at_once_and_turns_others_away),
        TEST(turns_connections_away_while_no_link_listens),
        TEST(who_does_not_read_makes_the_other_wait),
        TEST(counts_what_the_link_gets_from_each),
        TEST(comes_back_on_the_port_that_the_server_picked),
        TEST(a_port_in_use_is_told),
        TEST(forbidden_listening_is_told_at_once),
        WITH_SSH(carries_both_ways_byte_for_byte),
        WITH_SSH(ends_go_through_each_on_its_own),
        WITH_SSH(takes_so_many_at_once_and_turns_others_away),
        WITH_SSH(turns_connections_away_while_no_link_listens),
        WITH_SSH(a_link_that_goes_frees_the_place_of_a_silent_peer),
        WITH_SSH(who_does_not_read_makes_the_other_wait),
        WITH_SSH(counts_what_the_link_gets_from_each),
        WITH_SSH(comes_back_on_the_port_that_the_server_picked),
        WITH_SSH(forbidden_listening_is_told_at_once),
        TEST(a_server_opens_what_was_asked_for_and_nothing_else),
        TEST(failing_for_good_triggers_the_cancel_object), /* last: nobody may log in afterwards */
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
