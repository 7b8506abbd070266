/* Bytes as letters. */
#include "base/base64.h"

#include <setjmp.h>
#include <sightline/error.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void is_what_the_rfc_says(void **state) {
    static const char *const letters[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    char text[16], bytes[8];
    (void)state;
    for (size_t size = 0; size < sizeof(letters) / sizeof(letters[0]); size++) {
        assert_int_equal(SL_BASE64_LENGTH(size), strlen(letters[size]));
        sl_base64_write(text, "foobar", size);
        assert_string_equal(text, letters[size]);
        assert_int_equal(sl_base64_read(bytes, size, text), SL_OK);
        assert_memory_equal(bytes, "foobar", size);
    }
}

static void every_byte_comes_back(void **state) {
    uint8_t bytes[256], again[256];
    char text[SL_BASE64_LENGTH(256) + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    sl_base64_write(text, bytes, sizeof(bytes));
    assert_int_equal(sl_base64_read(again, sizeof(again), text), SL_OK);
    assert_memory_equal(bytes, again, sizeof(bytes));
}

static void other_letters_are_refused(void **state) {
    static const char *const bad[] = {"Zg=", "Z", "Z-", "Zh", "Zm_v", "\xc3\xa4"};
    static const size_t sizes[] = {2, 1, 1, 1, 3, 1};
    char bytes[8];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sl_base64_read(bytes, sizes[i], bad[i]), SL_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_the_rfc_says),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(other_letters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
