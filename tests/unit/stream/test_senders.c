/* Which senders a receiver has heard, and when the last of them has ended. */
#include "stream/senders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

/* Connections below this are gone. */
static bool is_from(const void *first, uint64_t peer) {
    return peer >= *(const uint64_t *)first;
}

static sl_senders of_two(const uint64_t *first) {
    return (sl_senders){.expected = 2, .is_there = is_from, .user = first};
}

static void the_last_end_counts(void **state) {
    (void)state;
    const uint64_t first = 1;
    sl_senders senders = of_two(&first);
    assert_false(sl_senders_end(&senders, "1")); /* nobody was heard */
    assert_int_equal(sl_senders_hear(&senders, "1", 1), 0);
    assert_int_equal(sl_senders_hear(&senders, "\"1\"", 2), 1);
    assert_int_equal(sl_senders_hear(&senders, "", 3), 2);
    assert_int_equal(sl_senders_hear(&senders, "1", 1), 0);
    assert_false(sl_senders_end(&senders, "1"));
    assert_false(sl_senders_end(&senders, "1"));
    assert_false(sl_senders_end(&senders, "2"));
    assert_false(sl_senders_end(&senders, ""));
    assert_int_equal(sl_senders_hear(&senders, "1", 4), 0); /* it begins again */
    assert_false(sl_senders_end(&senders, "\"1\""));
    assert_true(sl_senders_end(&senders, "1"));
}

/* Of those whose connections are gone, as many are waited for as there are places. */
static void who_vanished_is_waited_for(void **state) {
    (void)state;
    uint64_t first = 1;
    sl_senders senders = of_two(&first);
    sl_senders_hear(&senders, "1", 1);
    sl_senders_hear(&senders, "2", 2);
    first = 3;
    sl_senders_hear(&senders, "2", 3);
    assert_false(sl_senders_end(&senders, "2"));
    sl_senders_hear(&senders, "2", 3);
    sl_senders_hear(&senders, "3", 4);
    assert_false(sl_senders_end(&senders, "3"));
    assert_true(sl_senders_end(&senders, "2")); /* 1 was heard before both */
}

static void say_many(sl_senders *senders, size_t count, uint64_t peer, uint64_t step) {
    char port[16];
    for (size_t i = 0; i < count; i++, peer += step) {
        snprintf(port, sizeof port, "%zu", i);
        assert_int_equal(sl_senders_hear(senders, port, peer), i);
    }
}

/* One connection that says many ports keeps no others out, while it lasts or when it is gone; and
 * the end is not put off by them. */
static void forged_ports_give_way(void **state) {
    (void)state;
    uint64_t first = 1;
    sl_senders senders = of_two(&first);
    say_many(&senders, SL_SENDERS_MAX, 1, 0);
    assert_int_equal(sl_senders_hear(&senders, "\"a\"", 2), 0);
    assert_int_equal(sl_senders_hear(&senders, "\"b\"", 3), 1);
    assert_int_equal(sl_senders_hear(&senders, "\"a\"", 2), 0);
    first = 2;
    assert_int_equal(sl_senders_hear(&senders, "\"c\"", 4), 2);
    assert_int_equal(senders.count, SL_SENDERS_MAX);
    assert_false(sl_senders_end(&senders, "\"b\""));
    assert_int_equal(sl_senders_hear(&senders, "\"d\"", 5), 1); /* in the place of who ended */
    assert_false(sl_senders_end(&senders, "\"c\""));
    assert_false(sl_senders_end(&senders, "\"a\""));
    assert_true(sl_senders_end(&senders, "\"d\""));
}

/* All are connected: the last ones share a place. */
static void their_number_is_bounded(void **state) {
    (void)state;
    const uint64_t first = 1;
    sl_senders senders = of_two(&first);
    say_many(&senders, SL_SENDERS_MAX, 1, 1);
    assert_int_equal(sl_senders_hear(&senders, "\"a\"", 100), SL_SENDERS_MAX - 1);
    assert_int_equal(sl_senders_hear(&senders, "\"b\"", 101), SL_SENDERS_MAX - 1);
    assert_int_equal(sl_senders_hear(&senders, "0", 1), 0);
    assert_int_equal(senders.count, SL_SENDERS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_end_counts),
        cmocka_unit_test(who_vanished_is_waited_for),
        cmocka_unit_test(forged_ports_give_way),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests_name("stream/senders", tests, NULL, NULL);
}
