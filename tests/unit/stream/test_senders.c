/* Which senders a receiver has heard, and when the last of them has ended. */
#include "stream/senders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static void the_last_end_counts(void **state) {
    (void)state;
    sl_senders senders = {0};
    assert_false(sl_senders_end(&senders, "1")); /* nobody was heard */
    assert_int_equal(sl_senders_hear(&senders, "1"), 0);
    assert_int_equal(sl_senders_hear(&senders, "\"1\""), 1);
    assert_int_equal(sl_senders_hear(&senders, ""), 2);
    assert_int_equal(sl_senders_hear(&senders, "1"), 0);
    assert_false(sl_senders_end(&senders, "1"));
    assert_false(sl_senders_end(&senders, "1"));
    assert_false(sl_senders_end(&senders, "2"));
    assert_false(sl_senders_end(&senders, ""));
    assert_int_equal(sl_senders_hear(&senders, "1"), 0); /* it begins again */
    assert_false(sl_senders_end(&senders, "\"1\""));
    assert_true(sl_senders_end(&senders, "1"));
}

static void their_number_is_bounded(void **state) {
    (void)state;
    sl_senders senders = {0};
    char port[16];
    for (size_t i = 0; i < 2 * SL_SENDERS_MAX; i++) {
        snprintf(port, sizeof port, "%zu", i);
        size_t number = i < SL_SENDERS_MAX ? i : SL_SENDERS_MAX - 1;
        assert_int_equal(sl_senders_hear(&senders, port), number);
    }
    assert_int_equal(senders.count, SL_SENDERS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_end_counts),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests_name("stream/senders", tests, NULL, NULL);
}
