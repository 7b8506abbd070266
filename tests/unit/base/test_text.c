/* Text from elsewhere: what could drive a terminal doesn't come through. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static void becomes(const char *text, const char *expected) {
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", text);
    sl_text_harmless(copy);
    assert_string_equal(copy, expected);
}

static void text_stays(void **state) {
    (void)state;
    becomes("", "");
    becomes("plain ~", "plain ~");
    becomes("\u00a0\u00e9 \u07ff \u0800 \u20ac \xed\x9f\xbf"
            " \xee\x80\x80"
            " \U00010000 \U0010ffff",
            "\u00a0\u00e9 \u07ff \u0800 \u20ac \xed\x9f\xbf"
            " \xee\x80\x80"
            " \U00010000 \U0010ffff");
}

static void control_characters_go(void **state) {
    (void)state;
    becomes("a\x1b[2Jb\r\n\t\x7f", "a?[2Jb????");
    becomes("a\xc2\x9b"
            "2J\xc2\x80",
            "a??2J??");
}

static void text_is_not_turned_around(void **state) {
    (void)state;
    becomes("a\u2028b\u2029c\u202ad\u202e", "a???b???c???d???");
    becomes("\u2066a\u2069", "???a???");
    becomes("\u2027 \u202f \u2065 \u206a \u2168", "\u2027 \u202f \u2065 \u206a \u2168");
}

static void stray_bytes_go(void **state) {
    (void)state;
    becomes("a\x9b"
            "2Jb",
            "a?2Jb");
    becomes("\x80\xbf\xff\xfe", "????");
    becomes("\xc3", "?");
    becomes("\xe2\x82", "??");
    becomes("\xf0\x9f\x98z", "???z");
    becomes("\xe2\x9b"
            "2J",
            "??2J");
    becomes("\xc0\x9b\xc1\xbf", "????"); /* longer than need be */
    becomes("\xe0\x82\x9b", "???");
    becomes("\xf0\x80\x82\x9b", "????");
    becomes("\xed\xa0\x80", "???");           /* half a pair */
    becomes("\xf4\x90\x80\x80\xf5", "?????"); /* beyond the last */
    becomes("\xc3\x1b\xc3\xa9", "??\u00e9");
}

static void a_copy_is_cut_between_characters(void **state) {
    (void)state;
    char copy[5];
    sl_text_copy(copy, "abcd", sizeof(copy));
    assert_string_equal(copy, "abcd");
    sl_text_copy(copy, "abcde", sizeof(copy));
    assert_string_equal(copy, "abcd");
    sl_text_copy(copy, "ab\u20acd", sizeof(copy)); /* its third byte has no room */
    assert_string_equal(copy, "ab");
    sl_text_copy(copy, "a\u20acbc", sizeof(copy));
    assert_string_equal(copy, "a\u20ac");
    sl_text_copy(copy, "", sizeof(copy));
    assert_string_equal(copy, "");
}

static void white_space_around_goes(void **state) {
    (void)state;
    char text[] = "\t a b \r\n", blank[] = "  ";
    assert_string_equal(sl_text_trim(text), "a b");
    assert_string_equal(sl_text_trim(blank), "");
}

static void mapped_addresses_are_written_as_usual(void **state) {
    (void)state;
    assert_string_equal(sl_text_address("::ffff:192.0.2.7"), "192.0.2.7");
    assert_string_equal(sl_text_address("::ffff:1"), "::ffff:1");
    assert_string_equal(sl_text_address("2001:db8::7"), "2001:db8::7");
    assert_string_equal(sl_text_address("192.0.2.7"), "192.0.2.7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays),
        cmocka_unit_test(control_characters_go),
        cmocka_unit_test(text_is_not_turned_around),
        cmocka_unit_test(stray_bytes_go),
        cmocka_unit_test(white_space_around_goes),
        cmocka_unit_test(a_copy_is_cut_between_characters),
        cmocka_unit_test(mapped_addresses_are_written_as_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
