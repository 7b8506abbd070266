/* Tokens as text and as keys. */
#include "tunnel/token.h"

#include <setjmp.h>
#include <sightline/error.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* RFC 8032, 7.1, test 1: the secret and the public key. */
static const char known[] = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJ"
                            "ZAc6DuFy89qmIyWvAhpo9wdRGg";
static const char known_public[] =
    "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

static void it_is_what_the_rfc_says(void **state) {
    ssh_key key;
    char *encoded;
    (void)state;
    assert_int_equal(sl_token_read(known, &key), SL_OK);
    assert_int_equal(ssh_pki_export_pubkey_base64(key, &encoded), SSH_OK);
    assert_string_equal(encoded, known_public);
    ssh_string_free_char(encoded);
    ssh_key_free(key);
}

static void a_token_is_the_key_it_stands_for(void **state) {
    char text[SL_TOKEN_LETTERS + 1], other[SL_TOKEN_LETTERS + 1];
    ssh_key made, read, second;
    (void)state;
    assert_int_equal(sl_token_make(text, &made), SL_OK);
    assert_int_equal(strlen(text), SL_TOKEN_LETTERS);
    assert_int_equal(sl_token_read(text, &read), SL_OK);
    assert_int_equal(ssh_key_cmp(made, read, SSH_KEY_CMP_PRIVATE), 0);
    assert_int_equal(ssh_key_type(read), SSH_KEYTYPE_ED25519);
    assert_int_equal(sl_token_make(other, &second), SL_OK);
    assert_string_not_equal(text, other);
    assert_int_not_equal(ssh_key_cmp(made, second, SSH_KEY_CMP_PUBLIC), 0);
    ssh_key_free(made);
    ssh_key_free(read);
    ssh_key_free(second);
}

static void others_are_refused(void **state) {
    char text[SL_TOKEN_LETTERS + 2];
    ssh_key key;
    (void)state;
    assert_int_equal(sl_token_make(text, &key), SL_OK);
    ssh_key_free(key);
    text[SL_TOKEN_LETTERS - 1] = '\0';
    assert_int_equal(sl_token_read(text, &key), SL_EINVAL);
    assert_null(key);
    strcpy(text + SL_TOKEN_LETTERS - 1, "AA");
    assert_int_equal(sl_token_read(text, &key), SL_EINVAL);
    text[0] = ',';
    text[SL_TOKEN_LETTERS] = '\0';
    assert_int_equal(sl_token_read(text, &key), SL_EINVAL);
    assert_int_equal(sl_token_read("", &key), SL_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_rfc_says),
        cmocka_unit_test(a_token_is_the_key_it_stands_for),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
