/* Hosts and ports that can't be reached, or where something else listens. */
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static char destination[128];
static sl_tunnel_settings settings;

static int set_up(void **state) {
    (void)state;
    settings = (sl_tunnel_settings){.destination = destination, .connect_timeout_s = 60};
    return 0;
}

static int try(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int try(const char *format, ...) {
    va_list arguments;
    sl_tunnel *tunnel;
    sl_tunnel_target target = {"127.0.0.1", 9};
    va_start(arguments, format);
    vsnprintf(destination, sizeof(destination), format, arguments);
    va_end(arguments);
    int code = sl_tunnel_open(&tunnel, &settings, &target, NULL);
    sl_tunnel_close(&tunnel, 0);
    return code;
}

static void expect_sentence(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void expect_sentence(const char *format, ...) {
    char part[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part, sizeof(part), format, arguments);
    va_end(arguments);
    if (!strstr(sl_error(), part))
        fail_msg("\"%s\" is not in: %s", part, sl_error());
}

static void a_closed_port_is_named(void **state) {
    (void)state;
    int port;
    close(listen_somewhere(&port));
    assert_int_equal(try("127.0.0.1:%d", port), SL_EUNREACHABLE);
    expect_sentence("port %d of the SSH host 127.0.0.1 is closed", port);
    assert_int_equal(try("[::1]:%d", port), SL_EUNREACHABLE);
}

static void a_name_that_does_not_resolve_is_named(void **state) {
    (void)state;
    settings.connect_timeout_s = 5;
    assert_int_equal(try("no-such-host.invalid"), SL_EUNREACHABLE);
    expect_sentence("no-such-host.invalid does not resolve");
}

static void a_server_that_says_nothing_is_not_waited_for(void **state) {
    (void)state;
    int port;
    int listener = listen_somewhere(&port);
    settings.connect_timeout_s = 1;
    int64_t before_us = sl_now_us();
    assert_int_equal(try("127.0.0.1:%d", port), SL_EUNREACHABLE);
    expect_sentence("port %d of 127.0.0.1", port);
    expect_sentence("timed out after 1 s");
    assert_true(sl_now_us() - before_us >= SL_SECOND_US / 2);
    close(listener);
}

struct speaker {
    int listener;
    const char *words; /* NULL: says nothing and goes */
    bool waits;        /* for the other to speak first */
};

static void speak(void *argument) {
    struct speaker *speaker = argument;
    char heard[256];
    int connection = accept4(speaker->listener, NULL, NULL, SOCK_CLOEXEC);
    if (speaker->waits)
        assert_true(recv(connection, heard, sizeof(heard), 0) > 0);
    if (speaker->words)
        send(connection, speaker->words, strlen(speaker->words), MSG_NOSIGNAL);
    shutdown(connection, SHUT_WR);
    while (recv(connection, heard, sizeof(heard), 0) > 0)
        continue;
    close(connection);
}

static void meet(struct speaker speaker, const char *sentence) {
    sl_thread thread;
    int port;
    speaker.listener = listen_somewhere(&port);
    assert_int_equal(sl_thread_start(&thread, "speaker", speak, &speaker), SL_OK);
    assert_int_equal(try("127.0.0.1:%d", port), SL_EUNREACHABLE);
    expect_sentence("%s", sentence);
    sl_thread_join(&thread);
    close(speaker.listener);
}

static void something_other_than_ssh_is_quoted(void **state) {
    (void)state;
    meet((struct speaker){.words = "HTTP/1.1 400 Bad Request\r\n\r\n", .waits = true},
         "speaks something other than SSH: it answered 'HTTP/1.1 400 Bad Request'");
    meet((struct speaker){.words = "220 mail.example.org ESMTP\r\n"},
         "it answered '220 mail.example.org ESMTP'");
    meet((struct speaker){.words = "\033[2J\a\xff evil\r\n"}, "it answered '?[2J?? evil'");
    meet((struct speaker){.words = NULL}, "without an SSH greeting");
    meet((struct speaker){.words = "SSH-2.0-x\r\n"}, "ended the connection before the log-in");
    meet((struct speaker){.words = "SSH-1.5-old\r\n"}, "ended the connection before the log-in");
}

static void a_flood_of_words_is_cut_off(void **state) {
    (void)state;
    static char words[100000];
    memset(words, 'x', sizeof(words) - 1);
    meet((struct speaker){.words = words}, "something other than SSH: it answered 'xxxx");
}

struct canceller {
    sl_cancel *cancel;
    int listener;
};

static void cancel_once_connected(void *argument) {
    struct canceller *canceller = argument;
    int connection = accept4(canceller->listener, NULL, NULL, SOCK_CLOEXEC);
    char heard[256];
    assert_true(recv(connection, heard, sizeof(heard), 0) > 0);
    sl_cancel_trigger(canceller->cancel);
    while (recv(connection, heard, sizeof(heard), 0) > 0)
        continue;
    close(connection);
}

static void opening_can_be_cancelled(void **state) {
    (void)state;
    int port;
    struct canceller canceller = {.listener = listen_somewhere(&port)};
    sl_thread thread;
    sl_tunnel *tunnel;
    sl_tunnel_target target = {"127.0.0.1", 9};
    assert_int_equal(sl_cancel_open(&canceller.cancel), SL_OK);
    assert_int_equal(sl_thread_start(&thread, "canceller", cancel_once_connected, &canceller),
                     SL_OK);
    snprintf(destination, sizeof(destination), "127.0.0.1:%d", port);
    settings.connect_timeout_s = 600;
    assert_int_equal(sl_tunnel_open(&tunnel, &settings, &target, canceller.cancel), SL_ECANCELED);
    assert_null(tunnel);
    sl_thread_join(&thread);
    sl_cancel_close(&canceller.cancel);
    close(canceller.listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_closed_port_is_named, set_up),
        cmocka_unit_test_setup(a_name_that_does_not_resolve_is_named, set_up),
        cmocka_unit_test_setup(a_server_that_says_nothing_is_not_waited_for, set_up),
        cmocka_unit_test_setup(something_other_than_ssh_is_quoted, set_up),
        cmocka_unit_test_setup(a_flood_of_words_is_cut_off, set_up),
        cmocka_unit_test_setup(opening_can_be_cancelled, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
