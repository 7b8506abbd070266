/* The tunnel through the ssh command, and through programs that only bear its name. */
#include "base/clock.h"
#include "base/error.h"
#include "served.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE   (1024 * 1024)
#define LINGER_MS  20000
#define RECONNECTS 8

static int try_opening(sl_tunnel **tunnel, const char *destination, sl_cancel *cancel) {
    sl_tunnel_settings settings;
    sl_tunnel_target target = {"127.0.0.1", behind.port};
    sshd_settings(&server, &settings);
    settings.backend = SL_SSH_OPENSSH;
    if (destination)
        settings.destination = destination;
    return sl_tunnel_open(tunnel, &settings, &target, cancel);
}

static sl_tunnel *open_it(void) {
    return open_tunnel(&(sl_tunnel_target){"127.0.0.1", behind.port}, SL_SSH_OPENSSH);
}

static void assert_no_child_waits(void) {
    siginfo_t info = {0};
    waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    assert_int_equal(info.si_pid, 0);
}

static void carries_both_ways_byte_for_byte(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it();
    sl_tunnel_status status;
    sl_tunnel_status_get(tunnel, &status);
    assert_int_equal(status.state, SL_TUNNEL_UP);
    assert_string_equal(status.reason, "");
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    echo_through(link, 16 * MEGABYTE + 7, 1);
    close(link);
    sl_tunnel_close(&tunnel, LINGER_MS);
    assert_no_child_waits();
}

static void the_socket_is_private_and_goes_away(void **state) {
    (void)state;
    struct stat status;
    char path[128];
    sl_tunnel *tunnel = open_it();
    snprintf(path, sizeof(path), "%s", sl_tunnel_endpoint(tunnel) + strlen("ipc://"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0177, 0);
    sl_tunnel_close(&tunnel, 0);
    assert_int_not_equal(stat(path, &status), 0);
}

static void what_was_taken_still_leaves(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it();
    unsigned long long before = atomic_load(&behind.received);
    int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
    static char bytes[100000]; /* so much fits into the buffers on the way */
    assert_int_equal(send(link, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
    close(link);
    int64_t begin_us = sl_now_us();
    sl_tunnel_close(&tunnel, LINGER_MS);
    assert_true(sl_now_us() - begin_us < (int64_t)LINGER_MS * 1000);
    assert_int_equal(atomic_load(&behind.received) - before, sizeof(bytes));
}

static void leaves_nothing_behind_when_it_comes_back(void **state) {
    (void)state;
    sl_tunnel *tunnel = open_it();
    int descriptors = count_entries("/proc/self/fd");
    for (uint64_t i = 1; i <= RECONNECTS; i++) {
        assert_true(sshd_kill_sessions(&server) > 0);
        wait_reconnects(tunnel, i);
        int link = connect_endpoint(sl_tunnel_endpoint(tunnel));
        echo_through(link, 1000, (uint32_t)i);
        close(link);
    }
    /* Those of who listens behind it are ours too, and are closed soon after. */
    for (int waited_ms = 0; count_entries("/proc/self/fd") > descriptors; waited_ms += 5) {
        assert_true(waited_ms < PATIENCE_MS);
        usleep(5000);
    }
    assert_no_child_waits();
    sl_tunnel_close(&tunnel, 0);
    assert_no_child_waits();
}

/* Puts a shell script of that name before everything else in PATH; returns what PATH was. */
static char *impersonate_ssh(const char *script) {
    char path[256], whole[4096];
    snprintf(path, sizeof(path), "%s", sshd_path(&server, "ssh"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
    char *before = strdup(getenv("PATH"));
    snprintf(whole, sizeof(whole), "%s:%s", server.folder, before);
    setenv("PATH", whole, 1);
    return before;
}

static void bring_ssh_back(char *path) {
    setenv("PATH", path, 1);
    free(path);
    unlink(sshd_path(&server, "ssh"));
}

static void a_flood_of_words_is_survived(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    char *path = impersonate_ssh("head -c 5000000 /dev/zero >&2; echo >&2\n"
                                 "echo 'me@there: Permission denied (publickey).' >&2; exit 255");
    assert_int_equal(try_opening(&tunnel, NULL, NULL), SL_EAUTH);
    assert_no_child_waits();
    bring_ssh_back(path);
}

static void a_lie_about_the_socket_is_noticed(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    char *path = impersonate_ssh("echo 'debug1: Entering interactive session.' >&2; exit 3");
    assert_int_equal(try_opening(&tunnel, NULL, NULL), SL_EUNREACHABLE);
    assert_non_null(strstr(sl_error(), "status 3"));
    bring_ssh_back(path);
}

static void speaks_english_and_asks_nobody(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    char *path =
        impersonate_ssh("echo \"x: Permission denied ($LC_ALL,$SSH_ASKPASS_REQUIRE)\" >&2\n"
                        "exit 255");
    assert_int_equal(try_opening(&tunnel, NULL, NULL), SL_EAUTH);
    assert_non_null(strstr(sl_error(), "(C,never)"));
    assert_string_equal(getenv("LC_ALL"), "de_DE.UTF-8");
    bring_ssh_back(path);
    unsetenv("LC_ALL");
}

struct canceller {
    int listener;
    sl_cancel *cancel;
};

/* Once it is connected to. */
static void *cancel_it(void *argument) {
    const struct canceller *canceller = argument;
    int peer = accept(canceller->listener, NULL, NULL);
    sl_cancel_trigger(canceller->cancel);
    return peer >= 0 && close(peer) == 0 ? NULL : argument;
}

static void check_cancel(const char *destination, struct canceller *canceller) {
    sl_tunnel *tunnel;
    pthread_t thread;
    void *failed;
    assert_int_equal(sl_cancel_open(&canceller->cancel), SL_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel_it, canceller), 0);
    int64_t begin_us = sl_now_us();
    assert_int_equal(try_opening(&tunnel, destination, canceller->cancel), SL_ECANCELED);
    assert_true(sl_now_us() - begin_us < 6 * SL_SECOND_US);
    pthread_join(thread, &failed);
    assert_null(failed);
    sl_cancel_close(&canceller->cancel);
    assert_no_child_waits();
}

static void can_be_cancelled_while_it_connects(void **state) {
    (void)state;
    int port;
    char destination[64];
    struct canceller canceller = {.listener = listen_somewhere(&port)};
    snprintf(destination, sizeof(destination), "me@127.0.0.1:%d", port);
    check_cancel(destination, &canceller);
    close(canceller.listener);
}

static void one_that_will_not_end_is_ended(void **state) {
    (void)state;
    int port;
    char script[256];
    struct canceller canceller = {.listener = listen_somewhere(&port)};
    snprintf(script, sizeof(script),
             "trap '' TERM; bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; sleep 600' & while :; do "
             "wait; sleep 600; done",
             port);
    char *path = impersonate_ssh(script);
    check_cancel(NULL, &canceller);
    bring_ssh_back(path);
    close(canceller.listener);
}

static void says_that_there_is_no_ssh(void **state) {
    (void)state;
    sl_tunnel *tunnel;
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nowhere::/dev", 1);
    assert_int_equal(try_opening(&tunnel, NULL, NULL), SL_EUNSUPPORTED);
    assert_non_null(strstr(sl_error(), "openssh-client"));
    setenv("PATH", path, 1);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_byte_for_byte),
        cmocka_unit_test(the_socket_is_private_and_goes_away),
        cmocka_unit_test(what_was_taken_still_leaves),
        cmocka_unit_test(leaves_nothing_behind_when_it_comes_back),
        cmocka_unit_test(a_flood_of_words_is_survived),
        cmocka_unit_test(a_lie_about_the_socket_is_noticed),
        cmocka_unit_test(speaks_english_and_asks_nobody),
        cmocka_unit_test(can_be_cancelled_while_it_connects),
        cmocka_unit_test(one_that_will_not_end_is_ended),
        cmocka_unit_test(says_that_there_is_no_ssh),
    };
    return cmocka_run_group_tests(tests, start_served, stop_served);
}
