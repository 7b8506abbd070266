/* What counts as life of a server: here, of all that TCP tells, what was got across. */
#include "tunnel/alive.h"

#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { NOW_US = 1000 };

/* Of a connection of which 5000 bytes in 5 packets have got across. */
static sl_alive begun(sl_session *session) {
    return (sl_alive){.session = session, .acked = 5000, .delivered = 5};
}

/* Whether something has moved when that is told. */
static bool moves(sl_alive *alive, uint64_t acked, uint32_t delivered, uint32_t unacked) {
    struct tcp_info info = {
        .tcpi_snd_wnd = 65535,
        .tcpi_bytes_acked = acked,
        .tcpi_delivered = delivered,
        .tcpi_unacked = unacked,
    };
    alive->moved_us = 0;
    sl_alive_note(alive, NOW_US, &info, 2000);
    return alive->moved_us == NOW_US;
}

static void what_is_acknowledged_counts(void **state) {
    (void)state;
    sl_session session = {0};
    sl_alive alive = begun(&session);
    assert_false(moves(&alive, 5000, 5, 2));
    assert_true(moves(&alive, 6000, 5, 0));
    assert_false(moves(&alive, 5500, 5, 0)); /* an estimate that went back, */
    assert_false(moves(&alive, 6000, 5, 0)); /* and up again */
}

/* TCP acknowledges no bytes while one packet is missing. */
static void packets_after_a_gap_count(void **state) {
    (void)state;
    sl_session session = {0};
    sl_alive alive = begun(&session);
    assert_true(moves(&alive, 5000, 6, 3));
    assert_false(moves(&alive, 5000, 6, 3));
}

/* As the first jump host has them with the questions that it is asked itself. */
static void packets_that_come_and_go_do_not(void **state) {
    (void)state;
    sl_session session = {0};
    sl_alive alive = begun(&session);
    assert_false(moves(&alive, 5000, 6, 0));
    assert_false(moves(&alive, 5000, 7, 0));
}

static void nothing_counts_once_the_question_is_through(void **state) {
    (void)state;
    sl_session session = {.socket_counter.out_bytes = 7100};
    sl_alive alive = begun(&session);
    alive.asked_us = NOW_US / 2;
    alive.left_at = 7000;
    assert_true(moves(&alive, 5500, 6, 1)); /* 2000 bytes are before it, and it itself */
    assert_true(moves(&alive, 7500, 8, 0));
    assert_false(moves(&alive, 7600, 9, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_acknowledged_counts),
        cmocka_unit_test(packets_after_a_gap_count),
        cmocka_unit_test(packets_that_come_and_go_do_not),
        cmocka_unit_test(nothing_counts_once_the_question_is_through),
    };
    return cmocka_run_group_tests_name("tunnel/alive", tests, NULL, NULL);
}
