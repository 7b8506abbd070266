/* The one session at a gate in which nothing runs, with libssh's client. */
#include "tunnel/gate_pause.h"
#include "base/clock.h"
#include "gated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECONDS 1

static ssh_session client;

static int log_in(void **state) {
    ssh_key key;
    bool off = false;
    start_gate(state);
    client = ssh_new();
    assert_non_null(client);
    ssh_options_set(client, SSH_OPTIONS_PROCESS_CONFIG, &off);
    ssh_options_set(client, SSH_OPTIONS_HOST, "127.0.0.1");
    ssh_options_set(client, SSH_OPTIONS_PORT, &place.port);
    ssh_options_set(client, SSH_OPTIONS_USER, "anybody");
    ssh_options_set(client, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
    assert_int_equal(ssh_connect(client), SSH_OK);
    assert_int_equal(ssh_pki_import_privkey_file(sshd_path(&files, "id"), NULL, NULL, NULL, &key),
                     SSH_OK);
    assert_int_equal(ssh_userauth_publickey(client, NULL, key), SSH_AUTH_SUCCESS);
    ssh_key_free(key);
    return 0;
}

static int log_out(void **state) {
    ssh_disconnect(client);
    ssh_free(client);
    return stop_gate(state);
}

static ssh_channel open_session(void) {
    ssh_channel channel = ssh_channel_new(client);
    assert_non_null(channel);
    assert_int_equal(ssh_channel_open_session(channel), SSH_OK);
    return channel;
}

/* Asks for one, which has no answer, and waits until the session ends. */
static void go_through_pause(ssh_channel channel) {
    char nothing;
    ssh_set_blocking(client, 0);
    assert_int_equal(ssh_channel_request_exec(channel, "sleep 1"), SSH_AGAIN);
    ssh_set_blocking(client, 1);
    assert_int_equal(ssh_channel_read(channel, &nothing, 1, 0), 0);
    assert_true(ssh_channel_is_eof(channel));
}

static void a_pause_ends(void **state) {
    (void)state;
    ssh_channel channel = open_session();
    int64_t began_us = sl_now_us();
    go_through_pause(channel);
    assert_true(sl_now_us() - began_us >= SECONDS * SL_SECOND_US);
    assert_true(ssh_is_connected(client));
    ssh_channel_free(channel);
}

/* The session goes on: nothing was begun that could end. */
static void nothing_else_is_a_pause(void **state) {
    static const char *const commands[] = {"ls",        "sleep",     "sleep ",        "sleep 0",
                                           "sleep -1",  "sleep 1.5", "sleep 1; ls",   "sleep 1 1",
                                           " sleep 1",  "SLEEP 1",   "sleep 1000000", "sleep 0x1",
                                           "sleep 1\n", ""};
    (void)state;
    ssh_channel channel = open_session();
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (ssh_channel_request_exec(channel, commands[i]) != SSH_ERROR)
            fail_msg("granted: \"%s\"", commands[i]);
        assert_false(ssh_channel_is_closed(channel));
    }
    assert_int_equal(ssh_channel_request_shell(channel), SSH_ERROR);
    assert_int_equal(ssh_channel_request_pty(channel), SSH_ERROR);
    assert_int_equal(ssh_channel_request_sftp(channel), SSH_ERROR);
    assert_false(ssh_channel_is_closed(channel));
    ssh_channel_free(channel);
}

static void there_is_one_session(void **state) {
    (void)state;
    ssh_channel first = open_session(), second = ssh_channel_new(client);
    assert_int_equal(ssh_channel_open_session(second), SSH_ERROR);
    assert_true(ssh_channel_is_open(first));
    ssh_channel_free(second);
    ssh_channel_free(first);
}

/* More than its window: what nobody keeps can't fill it. */
static void what_is_said_in_it_is_thrown_away(void **state) {
    static char words[64 * 1024];
    (void)state;
    ssh_channel channel = open_session();
    for (int i = 0; i < 64; i++)
        assert_int_equal(ssh_channel_write(channel, words, sizeof(words)), sizeof(words));
    go_through_pause(channel);
    ssh_channel_free(channel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pause_ends, log_in, log_out),
        cmocka_unit_test_setup_teardown(nothing_else_is_a_pause, log_in, log_out),
        cmocka_unit_test_setup_teardown(there_is_one_session, log_in, log_out),
        cmocka_unit_test_setup_teardown(what_is_said_in_it_is_thrown_away, log_in, log_out),
    };
    return cmocka_run_group_tests(tests, prepare_files, remove_files);
}
