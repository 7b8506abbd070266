/* The name that an invited camera logs in with. */
#include "tunnel/joiner.h"

#include <setjmp.h>
#include <sightline/error.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"

static void expect_name(const char *given, const char *kept) {
    char user[SL_JOINER_MAX];
    sl_joiner joiner;
    ssh_key key;
    assert_int_equal(ssh_pki_import_pubkey_base64(KEY, SSH_KEYTYPE_ED25519, &key), SSH_OK);
    assert_int_equal(sl_joiner_write(user, key, given), SL_OK);
    assert_true(sl_joiner_is(user));
    assert_int_equal(sl_joiner_read(user, &joiner), SL_OK);
    assert_int_equal(ssh_key_cmp(joiner.key, key, SSH_KEY_CMP_PUBLIC), 0);
    assert_string_equal(joiner.name, kept);
    ssh_key_free(joiner.key);
    ssh_key_free(key);
}

static void what_is_written_is_read(void **state) {
    char longest[300];
    (void)state;
    expect_name("porch", "porch");
    expect_name("", "");
    expect_name("my porch:\n\"ssh-rsa\" #1", "myporchssh-rsa1");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    expect_name(longest, longest + sizeof(longest) - sizeof(((sl_joiner *)NULL)->name));
}

static void names_that_are_none(void **state) {
    static const char *const bad[] = {
        "root",
        "join",
        "join:",
        "join:porch",
        "join:" KEY "A",
        "join:" KEY ":",
        "join:" KEY ":a b",
        "join:" KEY ":a\nssh-ed25519 " KEY,
        "join:" KEY "=",
        "Join:" KEY,
        "join:AAAAB3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
        "join:" KEY
        ":xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    sl_joiner joiner;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (sl_joiner_read(bad[i], &joiner) != SL_EINVAL)
            fail_msg("taken: %s", bad[i]);
        assert_null(joiner.key);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(names_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
