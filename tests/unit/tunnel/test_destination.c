/* Reading [USER@]HOST[:PORT]. */
#include "base/error.h"
#include "tunnel/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void accept(const char *text, const char *user, const char *host, int port) {
    sl_ssh_destination destination;
    if (sl_ssh_destination_parse(text, &destination) != SL_OK)
        fail_msg("%s: %s", text, sl_error());
    assert_string_equal(destination.user, user);
    assert_string_equal(destination.host, host);
    assert_int_equal(destination.port, port);
}

static void refuse(const char *text) {
    sl_ssh_destination destination;
    if (sl_ssh_destination_parse(text, &destination) != SL_EINVAL)
        fail_msg("\"%s\" was taken", text);
    assert_true(strlen(sl_error()) > 10);
}

static void reads_names_and_addresses(void **state) {
    (void)state;
    accept("host", "", "host", 22);
    accept("user@host", "user", "host", 22);
    accept("host:2222", "", "host", 2222);
    accept("user@some-host.example.org:65535", "user", "some-host.example.org", 65535);
    accept("192.0.2.7:1", "", "192.0.2.7", 1);
    accept("me_1@under_score", "me_1", "under_score", 22);
}

static void reads_ipv6_bare_and_in_brackets(void **state) {
    (void)state;
    accept("::1", "", "::1", 22);
    accept("u@2001:db8::7", "u", "2001:db8::7", 22);
    accept("[::1]", "", "::1", 22);
    accept("[::1]:2222", "", "::1", 2222);
    accept("u@[fe80::1%eth0]:22", "u", "fe80::1%eth0", 22);
    accept("fe80::1%eth0", "", "fe80::1%eth0", 22);
    accept("::ffff:192.0.2.1", "", "::ffff:192.0.2.1", 22);
}

static void the_last_at_ends_the_user(void **state) {
    (void)state;
    accept("me@example.org@host", "me@example.org", "host", 22);
    accept("DOMAIN\\me@host", "DOMAIN\\me", "host", 22);
}

static void refuses_what_is_no_destination(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "@",
        "@host",
        "user@",
        "user@:22",
        ":22",
        "host:",
        "host:0",
        "host:65536",
        "host:-1",
        "host:22x",
        "host:+22",
        "host: 2",
        "host:99999",
        "host:000022",
        "[::1",
        "[]",
        "[]:22",
        "[::1]22",
        "[::1]:",
        "[::1]:0",
        "[host]",
        "1:2:3",
        "::g",
        "a b",
        "-oProxyCommand=x",
        "u@-x",
        "-u@host",
        "u:secret@host",
        "h\nost",
        "host;ls",
        "$(ls)",
        "ssh://host",
        "us er@host",
        "fe80::1%",
        "host/x",
        "h\x7fst",
        "[::1]]:22",
        "ho`st",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse(wrong[i]);
}

static void refuses_what_is_too_long(void **state) {
    (void)state;
    char text[700];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    refuse(text);
    text[64] = '@';
    refuse(text);
    text[256] = '\0'; /* the user alone is too long */
    refuse(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names_and_addresses),
        cmocka_unit_test(reads_ipv6_bare_and_in_brackets),
        cmocka_unit_test(the_last_at_ends_the_user),
        cmocka_unit_test(refuses_what_is_no_destination),
        cmocka_unit_test(refuses_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
