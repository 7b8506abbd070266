/* The line of an invitation. */
#include "tunnel/invitation.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HOST_KEY "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static sl_invitation_parts usual;

static int prepare(void **state) {
    ssh_key key;
    (void)state;
    usual = (sl_invitation_parts){.host = "viewer.example",
                                  .port = 2222,
                                  .host_key = HOST_KEY,
                                  .link_port = SL_INVITATION_PORT,
                                  .pattern = SL_INVITATION_PATTERN};
    assert_int_equal(sl_token_make(usual.token, &key), SL_OK);
    ssh_key_free(key);
    return 0;
}

static void expect_same(const sl_invitation_parts *parts, const char *tail) {
    sl_invitation_parts again;
    char line[SL_INVITATION_MAX];
    assert_int_equal(sl_invitation_write(parts, line), SL_OK);
    assert_string_equal(line + strlen(line) - strlen(tail), tail);
    assert_int_equal(sl_invitation_read(line, &again), SL_OK);
    assert_string_equal(again.host, parts->host);
    assert_int_equal(again.port, parts->port);
    assert_string_equal(again.host_key, parts->host_key);
    assert_string_equal(again.token, parts->token);
    assert_int_equal(again.link_port, parts->link_port);
    assert_string_equal(again.pattern, parts->pattern);
}

static void what_is_written_is_read(void **state) {
    sl_invitation_parts parts = usual;
    (void)state;
    expect_same(&parts, parts.token);
    strcpy(parts.host, "2001:db8::7");
    expect_same(&parts, parts.token);
    parts.link_port = 6000;
    expect_same(&parts, ",6000,pair");
    strcpy(parts.pattern, "pubsub");
    expect_same(&parts, ",6000,pubsub");
}

static void what_can_not_stand_in_it(void **state) {
    static const char *const hosts[] = {"", "a,b", "a b", "-x", "x\ny"};
    sl_invitation_parts parts = usual;
    char line[SL_INVITATION_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        snprintf(parts.host, sizeof(parts.host), "%s", hosts[i]);
        assert_int_equal(sl_invitation_write(&parts, line), SL_EINVAL);
    }
    parts = usual;
    strcpy(parts.pattern, "a=b");
    assert_int_equal(sl_invitation_write(&parts, line), SL_EINVAL);
}

/* Reads "sightline:1," with these for its first and last fields. */
static int read_with(const char *place, const char *host_key, const char *rest) {
    sl_invitation_parts parts;
    char line[1024];
    snprintf(line, sizeof(line), "sightline:1,%s,%s,%s%s", place, host_key, usual.token, rest);
    return sl_invitation_read(line, &parts);
}

static void lines_that_are_none(void **state) {
    static const char *const places[] = {"h",        "h:",    "h:0",   "h:65536", ":22", "u@h:22",
                                         "::1:2222", "[::1]", "[x]:2", "h:2 ",    "h:+2"};
    static const char *const keys[] = {"", "SHA256:", "MD5:x", HOST_KEY "A", HOST_KEY "="};
    static const char *const rests[] = {
        ",",           ",1",       ",0,pair", ",1,", ",1,pair,", ",1,PAIR",
        ",65536,pair", ",1,pa ir", "A",       "\n",  ",x,pair",  ",1,abcdefghijklmnopqrst"};
    sl_invitation_parts parts;
    (void)state;
    assert_int_equal(read_with("h:2", HOST_KEY, ""), SL_OK);
    assert_int_equal(read_with("h:2", HOST_KEY, ",1,live"), SL_OK);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (read_with(places[i], HOST_KEY, "") != SL_EINVAL)
            fail_msg("taken: %s", places[i]);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(read_with("h:2", keys[i], ""), SL_EINVAL);
    for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++)
        if (read_with("h:2", HOST_KEY, rests[i]) != SL_EINVAL)
            fail_msg("taken: %s", rests[i]);
    assert_int_equal(sl_invitation_read("", &parts), SL_EINVAL);
    assert_int_equal(sl_invitation_read("sightline:", &parts), SL_EINVAL);
    assert_int_equal(sl_invitation_read("sightline:1", &parts), SL_EINVAL);
    assert_int_equal(sl_invitation_read("sightline:2,h:2,x,y", &parts), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "another kind"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_can_not_stand_in_it),
        cmocka_unit_test(lines_that_are_none),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
