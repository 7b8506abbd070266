/* The clock in a gate's greeting. */
#include "tunnel/gate_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

static void what_is_written_can_be_read(void **state) {
    (void)state;
    char text[64], greeting[80];
    int64_t read = 0;
    sl_gate_clock_write(text, sizeof(text), INT64_C(1764060758123456));
    snprintf(greeting, sizeof(greeting), "SSH-2.0-%s", text);
    assert_string_equal(greeting, "SSH-2.0-Sightline utc_us=1764060758123456");
    assert_true(sl_gate_clock_read(greeting, &read));
    assert_true(read == INT64_C(1764060758123456));
}

static void what_is_no_clock_is_none(void **state) {
    (void)state;
    static const char *const greetings[] = {
        "",
        "SSH-2.0-Sightline",
        "SSH-2.0-Sightline utc_us=",
        "SSH-2.0-Sightline utc_us=-5",
        "SSH-2.0-Sightline utc_us=12x",
        "SSH-2.0-Sightline utc_us=99999999999999999999",
        "SSH-2.0-OpenSSH_9.2p1 utc_us=5",
    };
    int64_t read;
    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++)
        assert_false(sl_gate_clock_read(greetings[i], &read));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(what_is_no_clock_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
