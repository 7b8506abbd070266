/* The gate, with our own tunnel and bare sockets as its clients. */
#include "tunnel/gate.h"
#include "base/error.h"
#include "echo.h"
#include "gated.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 60000
#define STRANGERS   60

static int dial(sl_tunnel **tunnel, const char *key, const char *host, int port) {
    sl_tunnel_target target = {host, port};
    sl_tunnel_settings settings = gate_login(key);
    return sl_tunnel_open(tunnel, &settings, &target, NULL);
}

static void expect_through(const char *host, size_t size) {
    sl_tunnel *tunnel;
    if (dial(&tunnel, "id", host, LINK_PORT) != SL_OK)
        fail_msg("%s", sl_error());
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, size, 7);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void carries_both_ways(void **state) {
    (void)state;
    expect_through("localhost", 20000000);
}

/* Who is behind it reads nothing while its answers are stuck. */
static void a_small_buffer_is_no_dead_end(void **state) {
    sl_gate_settings settings = usual_gate();
    (void)state;
    settings.buffer_kib = 64;
    open_gate(&settings);
    expect_through("localhost", 20000000);
    stop_gate(NULL);
}

static void takes_the_names_of_this_host(void **state) {
    (void)state;
    expect_through("127.0.0.1", 1000);
    expect_through("::1", 1000);
    expect_through("viewer.example", 1000);
}

static void forwards_to_nothing_else(void **state) {
    sl_tunnel *tunnel;
    (void)state;
    assert_int_equal(dial(&tunnel, "id", "localhost", LINK_PORT + 1), SL_EFORWARD);
    assert_int_equal(dial(&tunnel, "id", "192.0.2.1", LINK_PORT), SL_EFORWARD);
}

static void lets_no_other_key_in(void **state) {
    sl_tunnel *tunnel;
    (void)state;
    assert_int_equal(dial(&tunnel, "other", "localhost", LINK_PORT), SL_EAUTH);
    expect_through("localhost", 1000);
}

static int connect_stranger(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)place.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static int threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

/* Waits until the other side has ended the connection. */
static void wait_end(int descriptor) {
    char bytes[256];
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    do {
        if (poll(&polled, 1, PATIENCE_MS) <= 0)
            fail_msg("the gate keeps the connection");
    } while (recv(descriptor, bytes, sizeof(bytes), 0) > 0);
}

static void strangers_keep_nobody_out(void **state) {
    int strangers[STRANGERS];
    sl_tunnel *tunnel;
    (void)state;
    int before = threads();
    assert_int_equal(dial(&tunnel, "id", "localhost", LINK_PORT), SL_OK);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    for (int i = 0; i < STRANGERS; i++)
        strangers[i] = connect_stranger();
    /* The tunnel, its client and those who stay or are just leaving. */
    assert_true(threads() <= before + 2 + 2 * FEW + 1);
    for (int i = 0; i < STRANGERS - 2 * FEW - 1; i++)
        wait_end(strangers[i]);
    echo_through(link, 1000000, 3);
    expect_through("localhost", 1000);
    for (int i = 0; i < STRANGERS; i++)
        close(strangers[i]);
    close(link);
    sl_tunnel_close(&tunnel, 0);
}

static void garbage_is_sent_away(void **state) {
    static const char *const words[] = {"GET / HTTP/1.1\r\n\r\n", "SSH-1.5-old\r\n",
                                        "SSH-2.0-x\r\nnot a packet at all, but long enough to be",
                                        "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int stranger = connect_stranger();
        assert_true(send(stranger, words[i], strlen(words[i]), MSG_NOSIGNAL) > 0);
        shutdown(stranger, SHUT_WR);
        wait_end(stranger);
        close(stranger);
    }
    expect_through("localhost", 1000);
}

static void silence_has_a_limit(void **state) {
    sl_gate_settings settings = usual_gate();
    (void)state;
    settings.login_timeout_s = 1;
    open_gate(&settings);
    int stranger = connect_stranger();
    wait_end(stranger);
    close(stranger);
    stop_gate(NULL);
}

static void more_connections_than_allowed(void **state) {
    sl_gate_settings settings = usual_gate();
    sl_tunnel *tunnel, *second;
    (void)state;
    settings.max_connections = 1;
    open_gate(&settings);
    assert_int_equal(dial(&tunnel, "id", "localhost", LINK_PORT), SL_OK);
    assert_true(dial(&second, "id", "localhost", LINK_PORT) < 0);
    sl_tunnel_close(&tunnel, 0);
    stop_gate(NULL);
}

static void more_connections_with_one_key_than_allowed(void **state) {
    sl_gate_settings settings = usual_gate();
    sl_tunnel *tunnel, *second, *other;
    (void)state;
    settings.max_per_key = 1;
    settings.authorized_keys = sshd_path(&files, "both");
    run_program(
        (const char *[]){"/bin/sh", "-c", "cd \"$HOME\" && cat keys other.pub > both", NULL});
    open_gate(&settings);
    assert_int_equal(dial(&tunnel, "id", "localhost", LINK_PORT), SL_OK);
    /* As somebody who may come again, and not as one who was refused. Why is said as it ends, so
     * that the end may come first. */
    do
        assert_int_equal(dial(&second, "id", "localhost", LINK_PORT), SL_EUNREACHABLE);
    while (!strstr(sl_error(), "gate_max_per_key"));
    assert_int_equal(dial(&other, "other", "localhost", LINK_PORT), SL_OK);
    sl_tunnel_close(&other, 0);
    sl_tunnel_close(&tunnel, 0);
    while (dial(&tunnel, "id", "localhost", LINK_PORT) == SL_EUNREACHABLE)
        continue; /* until the first has left */
    assert_non_null(tunnel);
    sl_tunnel_close(&tunnel, 0);
    stop_gate(NULL);
}

static void the_host_key_stays_and_is_private(void **state) {
    sl_gate_settings settings = usual_gate();
    sl_gate_target target = {.address = NULL, .port = LINK_PORT};
    struct stat status;
    char before[64];
    (void)state;
    const char *path = sshd_path(&files, "sightline/gate_ed25519");
    assert_int_equal(sl_gate_open(&gate, &settings, &target, NULL), SL_OK);
    sl_gate_place_get(gate, &place);
    snprintf(before, sizeof(before), "%s", place.host_key);
    assert_string_equal(before, fingerprint_of(path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    sl_gate_close(&gate, 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sl_gate_open(&gate, &settings, &target, NULL), SL_EINVAL);
    assert_null(gate);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sl_gate_open(&gate, &settings, &target, NULL), SL_OK);
    sl_gate_place_get(gate, &place);
    assert_string_equal(place.host_key, before);
    sl_gate_close(&gate, 0);
}

static void places_that_can_not_be_had(void **state) {
    static const char *const bad[] = {"",
                                      "x",
                                      ":22",
                                      "1:2:3",
                                      "[::1]",
                                      "[::1:22",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "192.0.2.1:0"};
    sl_gate_settings settings = usual_gate();
    sl_gate_target target = {.address = NULL, .port = LINK_PORT};
    char taken[32];
    int port, other = listen_somewhere(&port);
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        settings.listen = bad[i];
        if (sl_gate_open(&gate, &settings, &target, NULL) != SL_EINVAL)
            fail_msg("not refused as it should be: \"%s\"", bad[i]);
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", port);
    settings.listen = taken;
    assert_int_equal(sl_gate_open(&gate, &settings, &target, NULL), SL_EINUSE);
    close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries_both_ways, start_gate, stop_gate),
        cmocka_unit_test(a_small_buffer_is_no_dead_end),
        cmocka_unit_test_setup_teardown(takes_the_names_of_this_host, start_gate, stop_gate),
        cmocka_unit_test_setup_teardown(forwards_to_nothing_else, start_gate, stop_gate),
        cmocka_unit_test_setup_teardown(lets_no_other_key_in, start_gate, stop_gate),
        cmocka_unit_test_setup_teardown(strangers_keep_nobody_out, start_gate, stop_gate),
        cmocka_unit_test_setup_teardown(garbage_is_sent_away, start_gate, stop_gate),
        cmocka_unit_test(silence_has_a_limit),
        cmocka_unit_test(more_connections_than_allowed),
        cmocka_unit_test(more_connections_with_one_key_than_allowed),
        cmocka_unit_test(the_host_key_stays_and_is_private),
        cmocka_unit_test(places_that_can_not_be_had),
    };
    return cmocka_run_group_tests(tests, prepare_files, remove_files);
}
