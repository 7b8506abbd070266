/* Codes, names and sentences of failures. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void every_code_has_name_and_sentence(void **state) {
    (void)state;
#define CHECK(name, value, sentence)                                                               \
    assert_int_equal(SL_##name, value);                                                            \
    assert_string_equal(sl_error_name(value), "SL_" #name);                                        \
    assert_string_equal(sl_strerror(value), sentence);
    SL_ERROR_MAP(CHECK)
#undef CHECK
    assert_string_equal(sl_error_name(0), "SL_OK");
    assert_non_null(sl_strerror(-1000));
    assert_non_null(sl_error_name(-1000));
}

static void keeps_the_last_sentence(void **state) {
    (void)state;
    sl_error_clear();
    assert_false(sl_error_said());
    assert_non_null(sl_error());
    errno = 7;
    assert_int_equal(sl_fail(SL_EAUTH, "%s did not like %d", "host", 3), SL_EAUTH);
    assert_int_equal(errno, 7);
    assert_true(sl_error_said());
    assert_string_equal(sl_error(), "host did not like 3");
    sl_fail(SL_EINVAL, "first: %s", sl_error());
    assert_string_equal(sl_error(), "first: host did not like 3");
}

static void makes_foreign_text_harmless(void **state) {
    (void)state;
    sl_fail(SL_EPEER, "peer says %s", "\033[31mred\n\xC2\x9B");
    assert_string_equal(sl_error(), "peer says ?[31mred???");
    char longest[2000];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    sl_fail(SL_EPEER, "%s", longest);
    assert_int_equal(strlen(sl_error()), 511);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_name_and_sentence),
        cmocka_unit_test(keeps_the_last_sentence),
        cmocka_unit_test(makes_foreign_text_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
