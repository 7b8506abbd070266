/* Carrying bytes through a real sshd. */
#include "tunnel/tunnel.h"
#include "base/error.h"
#include "base/log.h"
#include "echo.h"
#include "sshd.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE  (1024 * 1024)
#define LINGER_MS 20000

static struct sshd server;
static struct echo behind;
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[16384]; /* what was logged, warnings and up */

static void keep_line(void *user, sl_log_level level, const char *room, const char *line) {
    (void)user, (void)level, (void)room;
    pthread_mutex_lock(&lines_lock);
    size_t length = strlen(lines);
    snprintf(lines + length, sizeof(lines) - length, "%s\n", line);
    pthread_mutex_unlock(&lines_lock);
}

static int times_logged(const char *text) {
    int times = 0;
    pthread_mutex_lock(&lines_lock);
    for (const char *at = lines; (at = strstr(at, text)); at += strlen(text))
        times++;
    pthread_mutex_unlock(&lines_lock);
    return times;
}

static int prepare(void **state) {
    (void)state;
    sl_log_set(keep_line, NULL, SL_LOG_WARNING);
    sshd_start(&server, "");
    return 0;
}

static int tidy(void **state) {
    (void)state;
    sshd_finish(&server);
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    return 0;
}

static sl_tunnel *open_to(struct sshd *through, int port) {
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", port};
    sshd_settings(through, &settings);
    if (sl_tunnel_open(&tunnel, &settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    return tunnel;
}

static void carries_both_ways_byte_for_byte(void **state) {
    (void)state;
    echo_start(&behind);
    sl_tunnel *tunnel = open_to(&server, behind.port);
    sl_tunnel_status status;
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.state, SL_TUNNEL_UP);
    assert_string_equal(status.reason, "");
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 64 * MEGABYTE + 7, 1);
    for (uint32_t i = 1; i < 200; i++)
        echo_through(link, i, i);
    /* The channel that was opened to find out served the first connection: no stray one. */
    assert_int_equal(atomic_load(&behind.accepted), 1);
    close(link);
    sl_tunnel_close(&tunnel, LINGER_MS);
    assert_null(tunnel);
    echo_stop(&behind);
}

static void goes_over_ipv6_too(void **state) {
    (void)state;
    char destination[128], pin[80];
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    if (!sshd_has_ipv6())
        skip();
    echo_start(&behind);
    sl_tunnel_target target = {"localhost", behind.port};
    sshd_settings(&server, &settings);
    snprintf(destination, sizeof(destination), "[::1]:%d", server.port);
    snprintf(pin, sizeof(pin), "%s", fingerprint_of(sshd_path(&server, "host_ed25519.pub")));
    settings.destination = destination;
    settings.host_key = pin;
    if (sl_tunnel_open(&tunnel, &settings, &target, NULL) != SL_OK)
        fail_msg("%s", sl_error());
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, MEGABYTE, 4);
    close(link);
    sl_tunnel_close(&tunnel, LINGER_MS);
    echo_stop(&behind);
}

struct part {
    const char *endpoint;
    uint32_t seed;
    pthread_t thread;
};

static void *run_part(void *argument) {
    struct part *part = argument;
    int link = connect_endpoint(part->endpoint);
    echo_through(link, 4 * MEGABYTE, part->seed);
    close(link);
    return NULL;
}

static void carries_several_connections_at_once(void **state) {
    (void)state;
    struct part parts[24]; /* more than have a place at once */
    echo_start(&behind);
    sl_tunnel *tunnel = open_to(&server, behind.port);
    for (uint32_t i = 0; i < 24; i++) {
        parts[i] = (struct part){.endpoint = sl_tunnel_endpoint(tunnel), .seed = i};
        assert_int_equal(pthread_create(&parts[i].thread, NULL, run_part, &parts[i]), 0);
    }
    for (int i = 0; i < 24; i++)
        pthread_join(parts[i].thread, NULL);
    sl_tunnel_close(&tunnel, LINGER_MS);
    echo_stop(&behind);
}

static void the_local_end_is_private_and_goes_away(void **state) {
    (void)state;
    struct stat status;
    char path[128], folder[128];
    echo_start(&behind);
    sl_tunnel *tunnel = open_to(&server, behind.port);
    assert_int_equal(strncmp(sl_tunnel_endpoint(tunnel), "ipc:///", 7), 0);
    close(connect_endpoint(sl_tunnel_endpoint(tunnel)));
    snprintf(path, sizeof(path), "%s", sl_tunnel_endpoint(tunnel) + strlen("ipc://"));
    snprintf(folder, sizeof(folder), "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    sl_tunnel_close(&tunnel, LINGER_MS);
    assert_int_not_equal(stat(folder, &status), 0);
    sl_tunnel_close(&tunnel, 0); /* safe on NULL */
    echo_stop(&behind);
}

static void waits_for_somebody_to_listen(void **state) {
    (void)state;
    sl_tunnel_status status;
    int port;
    close(listen_somewhere(&port));
    lines[0] = '\0';
    sl_tunnel *tunnel = open_to(&server, port);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    sshd_wait_log(&server, "failed", 4); /* it goes on asking */
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.state, SL_TUNNEL_UP);
    assert_non_null(strstr(status.reason, "nothing listens at 127.0.0.1"));
    assert_int_equal(times_logged("nothing listens"), 1);

    close(link);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void a_held_connection_goes_on_once_somebody_listens(void **state) {
    (void)state;
    int port, link;
    char text[32] = "";
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    int listener = listen_somewhere(&port);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    close(listener);
    sl_tunnel *tunnel = open_to(&server, port);
    link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    assert_int_equal(send(link, "early words", 11, MSG_NOSIGNAL), 11);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    int far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(recv(far, text, 11, MSG_WAITALL), 11);
    assert_string_equal(text, "early words");
    /* The other way, and its end. */
    assert_int_equal(send(far, "and back", 8, MSG_NOSIGNAL), 8);
    close(far);
    memset(text, 0, sizeof(text));
    assert_int_equal(recv(link, text, 8, MSG_WAITALL), 8);
    assert_string_equal(text, "and back");
    assert_true(ends_silently(link));
    close(link);
    close(listener);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

static void half_closed_connections_still_carry(void **state) {
    (void)state;
    int port;
    char text[8];
    int listener = listen_somewhere(&port);
    sl_tunnel *tunnel = open_to(&server, port);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    int far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(send(link, "question", 8, MSG_NOSIGNAL), 8);
    shutdown(link, SHUT_WR);
    assert_int_equal(recv(far, text, 8, MSG_WAITALL), 8);
    assert_true(ends_silently(far));
    assert_int_equal(send(far, "answered", 8, MSG_NOSIGNAL), 8);
    assert_int_equal(recv(link, text, 8, MSG_WAITALL), 8);
    assert_memory_equal(text, "answered", 8);
    close(far);
    assert_true(ends_silently(link));
    close(link);
    close(listener);
    sl_tunnel_close(&tunnel, LINGER_MS);
}

struct late_reader {
    int listener;
    size_t expected, got;
};

static void *read_late(void *argument) {
    struct late_reader *reader = argument;
    static char bytes[65536];
    int far = accept4(reader->listener, NULL, NULL, SOCK_CLOEXEC);
    ssize_t size;
    while ((size = recv(far, bytes, sizeof(bytes), 0)) > 0)
        reader->got += (size_t)size;
    close(far);
    return NULL;
}

static void closing_lets_what_was_taken_leave(void **state) {
    (void)state;
    int port;
    static char bytes[100000];
    struct late_reader reader = {0};
    pthread_t thread;
    reader.listener = listen_somewhere(&port);
    sl_tunnel *tunnel = open_to(&server, port);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    int size = 8 * MEGABYTE;
    setsockopt(link, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    for (int i = 0; i < 40; i++) { /* more than sockets hold on the way */
        ssize_t step = send(link, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
        reader.expected += step > 0 ? (size_t)step : 0;
    }
    close(link);
    assert_int_equal(pthread_create(&thread, NULL, read_late, &reader), 0);
    sl_tunnel_close(&tunnel, LINGER_MS);
    pthread_join(thread, NULL);
    assert_int_equal(reader.got, reader.expected);
    close(reader.listener);
}

static void closing_does_not_wait_longer_than_told(void **state) {
    (void)state;
    int port;
    static char bytes[100000];
    int listener = listen_somewhere(&port); /* accepts, and never reads */
    sl_tunnel *tunnel = open_to(&server, port);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    struct pollfd full = {.fd = link, .events = POLLOUT};
    while (poll(&full, 1, 500) == 1)
        if (send(link, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) <= 0)
            continue;
    sl_tunnel_close(&tunnel, 50);
    close(link);
    close(listener);
}

static void goes_on_while_keys_are_exchanged(void **state) {
    (void)state;
    struct sshd rekeying;
    sshd_start(&rekeying, "RekeyLimit 1M");
    echo_start(&behind);
    sl_tunnel *tunnel = open_to(&rekeying, behind.port);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 24 * MEGABYTE, 5);
    close(link);
    sl_tunnel_status status;
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.reconnects, 0);
    sl_tunnel_close(&tunnel, LINGER_MS);
    echo_stop(&behind);
    sshd_finish(&rekeying);
    setenv("HOME", server.folder, 1);
}

static void forbidden_forwarding_is_told_at_once(void **state) {
    (void)state;
    static const char *const options[] = {"AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"};
    for (int i = 0; i < 2; i++) {
        struct sshd strict;
        sl_tunnel *tunnel;
        sl_tunnel_settings settings;
        sl_tunnel_target target = {"127.0.0.1", 5555};
        sshd_start(&strict, options[i]);
        sshd_settings(&strict, &settings);
        assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EFORWARD);
        assert_null(tunnel);
        assert_non_null(strstr(sl_error(), "AllowTcpForwarding"));
        assert_non_null(strstr(sl_error(), "127.0.0.1:5555"));
        sshd_finish(&strict);
    }
    setenv("HOME", server.folder, 1);
}

static void wrong_settings_are_told_before_anything_else(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", 5555}, no_port = {"127.0.0.1", 0}, no_host = {"", 1};
    sshd_settings(&server, &settings);
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &no_port, NULL), SL_EINVAL);
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &no_host, NULL), SL_EINVAL);
    settings.host_key = "MD5:12:34";
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EINVAL);
    settings.host_key = NULL;
    settings.destination = "host:0";
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, NULL), SL_EINVAL);
    assert_null(tunnel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_byte_for_byte),
        cmocka_unit_test(goes_over_ipv6_too),
        cmocka_unit_test(carries_several_connections_at_once),
        cmocka_unit_test(the_local_end_is_private_and_goes_away),
        cmocka_unit_test(waits_for_somebody_to_listen),
        cmocka_unit_test(a_held_connection_goes_on_once_somebody_listens),
        cmocka_unit_test(half_closed_connections_still_carry),
        cmocka_unit_test(closing_lets_what_was_taken_leave),
        cmocka_unit_test(closing_does_not_wait_longer_than_told),
        cmocka_unit_test(goes_on_while_keys_are_exchanged),
        cmocka_unit_test(forbidden_forwarding_is_told_at_once),
        cmocka_unit_test(wrong_settings_are_told_before_anything_else),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
