/* What a ZMTP peer says first, whole, in pieces, and from liars. */
#include "link/greeting.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static const uint8_t rep[] = "\4\x19\5READY\x0bSocket-Type\0\0\0\3REP";
#define REP_SIZE (sizeof rep - 1)

/* A greeting with this mechanism, and what follows it. */
static size_t write_peer(uint8_t *bytes, const char *mechanism, const uint8_t *rest, size_t size) {
    sl_greeting_write(bytes, false);
    memset(bytes + 12, 0, 20);
    memcpy(bytes + 12, mechanism, strlen(mechanism));
    if (size > 0)
        memcpy(bytes + SL_GREETING_BYTES, rest, size);
    return SL_GREETING_BYTES + size;
}

static void type_is_read_from_any_pieces(void **state) {
    (void)state;
    uint8_t bytes[SL_GREETING_BYTES_MAX];
    sl_greeting greeting = {0};
    size_t size = write_peer(bytes, "NULL", rep, REP_SIZE);
    for (size_t part = 0; part < size; part++)
        assert_false(sl_greeting_read(bytes, part, &greeting));
    assert_true(sl_greeting_read(bytes, size, &greeting));
    assert_true(greeting.zmtp);
    assert_string_equal(greeting.mechanism, "NULL");
    assert_string_equal(greeting.socket_type, "REP");
}

static void what_we_write_can_be_read(void **state) {
    (void)state;
    static const char *const types[] = {"PAIR", "REQ", "PUB", "DEALER"};
    for (sl_pattern pattern = SL_PATTERN_PAIR; pattern <= SL_PATTERN_LIVE; pattern++) {
        uint8_t bytes[2 * SL_GREETING_BYTES];
        sl_greeting greeting = {0};
        sl_greeting_write(bytes, false);
        size_t size = sl_greeting_write_ready(bytes + SL_GREETING_BYTES, pattern, false);
        assert_true(sl_greeting_read(bytes, SL_GREETING_BYTES + size, &greeting));
        assert_string_equal(greeting.socket_type, types[pattern]);
    }
}

static void security_ends_the_reading(void **state) {
    (void)state;
    uint8_t bytes[SL_GREETING_BYTES_MAX];
    sl_greeting greeting = {0};
    char why[SL_MISMATCH_MAX];
    size_t size = write_peer(bytes, "CURVE", NULL, 0);
    assert_true(sl_greeting_read(bytes, size, &greeting));
    assert_true(
        sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_PAIR}, "here", why));
    assert_non_null(strstr(why, "secure_mode"));
}

static void others_are_quoted_harmlessly(void **state) {
    (void)state;
    static const char words[] = "HTTP/1.1\033[2J 400\r\nServer: x";
    sl_greeting greeting = {0};
    char why[SL_MISMATCH_MAX];
    assert_true(sl_greeting_read((const uint8_t *)words, sizeof words - 1, &greeting));
    assert_false(greeting.zmtp);
    assert_string_equal(greeting.says, "HTTP/1.1?[2J 400");
    assert_true(
        sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_PAIR}, "here", why));
    assert_non_null(strstr(why, "HTTP/1.1"));
}

static void lengths_that_lie_are_not_followed(void **state) {
    (void)state;
    static const uint8_t lies[] = "\4\x19\5READY\x0bSocket-Type\xff\xff\xff\xffREP";
    static const uint8_t long_name[] = "\4\x0a\5READY\xff\0\0";
    uint8_t bytes[SL_GREETING_BYTES_MAX];
    sl_greeting greeting = {0};
    size_t size = write_peer(bytes, "NULL", lies, sizeof lies - 1);
    assert_true(sl_greeting_read(bytes, size, &greeting));
    assert_string_equal(greeting.socket_type, "");
    size = write_peer(bytes, "NULL", long_name, sizeof long_name - 1);
    assert_true(sl_greeting_read(bytes, size, &greeting) || greeting.socket_type[0] == '\0');
}

static void pattern_must_be_the_same(void **state) {
    (void)state;
    sl_greeting greeting = {.zmtp = true, .mechanism = "NULL", .socket_type = "SUB"};
    char why[SL_MISMATCH_MAX];
    assert_false(
        sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_PUBSUB}, "here", why));
    assert_true(
        sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_REQREP}, "here", why));
    assert_non_null(strstr(why, "pubsub, not reqrep"));
    memcpy(greeting.socket_type, "PUSH", 5);
    assert_true(
        sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_REQREP}, "here", why));
    assert_non_null(strstr(why, "is no viewer"));
}

static void old_peers_are_no_puzzle(void **state) {
    (void)state;
    static const uint8_t old[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 4};
    sl_greeting greeting = {0};
    assert_true(sl_greeting_read(old, sizeof old, &greeting));
    assert_true(greeting.zmtp);
    assert_string_equal(greeting.mechanism, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_is_read_from_any_pieces),
        cmocka_unit_test(what_we_write_can_be_read),
        cmocka_unit_test(security_ends_the_reading),
        cmocka_unit_test(others_are_quoted_harmlessly),
        cmocka_unit_test(lengths_that_lie_are_not_followed),
        cmocka_unit_test(pattern_must_be_the_same),
        cmocka_unit_test(old_peers_are_no_puzzle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
