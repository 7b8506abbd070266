/* The narrow place: a rate, a trace, and changes between them while something is being carried. */
#include "carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#define MS INT64_C(1000000)
#define T0 (1000 * MS)

static uint32_t stamps[] = {2, 2, 5, 10};
static const netlab_trace TRACE = {stamps, 4};
static const netlab_settings MEGABIT = {.rate_bps = 1e6}, STOPPED = {.rate_bps = 0},
                             RECORDED = {.trace = &TRACE};

static netlab_carrier started(const netlab_settings *settings) {
    netlab_carrier carrier = {0};
    netlab_carrier_start(&carrier, settings, T0);
    return carrier;
}

/* When so many bytes are through that come when nothing else is carried. */
static int64_t done_ms(netlab_carrier *carrier, size_t bytes, int64_t at_ms, bool idle) {
    netlab_carrier_begin(carrier, bytes, T0 + at_ms * MS, idle);
    int64_t done_ns = netlab_carrier_done_ns(carrier);
    netlab_carrier_end(carrier);
    return (done_ns - T0) / MS;
}

static void a_rate_takes_its_time(void **state) {
    (void)state;
    netlab_carrier carrier = started(&MEGABIT);
    assert_int_equal(done_ms(&carrier, 1250, 3, true), 13);
    assert_int_equal(done_ms(&carrier, 125, 13, false), 14);
}

static void a_change_of_rate_holds_for_the_rest(void **state) {
    (void)state;
    netlab_carrier carrier = started(&MEGABIT);
    netlab_carrier_begin(&carrier, 1250, T0, true);
    netlab_carrier_change(&carrier, &STOPPED, T0 + 5 * MS);
    assert_true(netlab_carrier_done_ns(&carrier) == INT64_MAX);
    netlab_carrier_change(&carrier, &(netlab_settings){.rate_bps = 5e6}, T0 + 20 * MS);
    assert_int_equal(netlab_carrier_done_ns(&carrier), T0 + 21 * MS);
    assert_float_equal(netlab_carrier_capacity(&carrier, T0 + 30 * MS), 625 + 6250, 1e-6);
}

static void a_trace_carries_when_it_did(void **state) {
    (void)state;
    netlab_carrier carrier = started(&RECORDED);
    assert_int_equal(done_ms(&carrier, 1500, 0, true), 2);
    assert_int_equal(done_ms(&carrier, 1500, 2, false), 2);
    assert_int_equal(done_ms(&carrier, 1500, 2, false), 5);
    assert_int_equal(done_ms(&carrier, 1500, 6, true), 10);
    /* and begins again */
    assert_int_equal(done_ms(&carrier, 3000, 11, true), 12);
    assert_int_equal(done_ms(&carrier, 1500, 1012, true), 1012);
    assert_float_equal(netlab_carrier_capacity(&carrier, T0 + 15 * MS), 7 * 1500, 0);
}

static void small_packets_share_an_opportunity(void **state) {
    (void)state;
    netlab_carrier carrier = started(&RECORDED);
    assert_int_equal(done_ms(&carrier, 1000, 3, true), 5);
    assert_int_equal(done_ms(&carrier, 500, 5, false), 5);
    assert_int_equal(done_ms(&carrier, 500, 5, false), 10);
    /* What nobody used is gone: the rest of the one at 10 ms doesn't help at 11. */
    assert_int_equal(done_ms(&carrier, 500, 11, true), 12);
}

static void a_trace_takes_over_from_a_rate(void **state) {
    (void)state;
    netlab_carrier carrier = started(&MEGABIT);
    netlab_carrier_begin(&carrier, 3125, T0, true);
    netlab_carrier_change(&carrier, &RECORDED, T0 + 5 * MS);
    /* 2500 bytes are left: both opportunities 2 ms after that. */
    assert_int_equal(netlab_carrier_done_ns(&carrier), T0 + 7 * MS);
    netlab_carrier_change(&carrier, &MEGABIT, T0 + 6 * MS);
    assert_int_equal(netlab_carrier_done_ns(&carrier), T0 + 26 * MS);
}

static void a_queue_in_time_goes_by_the_rate(void **state) {
    (void)state;
    netlab_settings settings = {.rate_bps = 8e6, .queue = 1e8, .queue_unit = NETLAB_QUEUE_NS};
    netlab_carrier carrier = started(&settings);
    assert_float_equal(netlab_carrier_limit(&carrier, &settings), 100000, 1e-6);
    settings.trace = &TRACE; /* 6000 bytes in 10 ms */
    netlab_carrier_change(&carrier, &settings, T0);
    assert_float_equal(netlab_carrier_limit(&carrier, &settings), 60000, 1e-6);
}

static void without_a_rate_all_goes_at_once(void **state) {
    (void)state;
    netlab_carrier carrier = started(&(netlab_settings){.rate_bps = INFINITY});
    assert_int_equal(done_ms(&carrier, 65535, 7, true), 7);
    assert_true(isinf(netlab_carrier_capacity(&carrier, T0)));
}

static void a_schedule_tells_what_it_could_carry(void **state) {
    (void)state;
    netlab_schedule schedule = {.count = 3};
    schedule.steps[0].settings = MEGABIT;
    schedule.steps[1] = (netlab_step){20 * MS, RECORDED};
    schedule.steps[2] = (netlab_step){35 * MS, STOPPED};
    assert_float_equal(netlab_schedule_capacity(&schedule, 0), 0, 0);
    assert_float_equal(netlab_schedule_capacity(&schedule, 8 * MS), 1000, 1e-6);
    assert_float_equal(netlab_schedule_capacity(&schedule, 22 * MS), 2500 + 3000, 1e-6);
    /* A round of the trace, and the three opportunities of half of one. */
    assert_float_equal(netlab_schedule_capacity(&schedule, 99 * MS), 2500 + 7 * 1500, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_takes_its_time),
        cmocka_unit_test(a_change_of_rate_holds_for_the_rest),
        cmocka_unit_test(a_trace_carries_when_it_did),
        cmocka_unit_test(small_packets_share_an_opportunity),
        cmocka_unit_test(a_trace_takes_over_from_a_rate),
        cmocka_unit_test(a_queue_in_time_goes_by_the_rate),
        cmocka_unit_test(without_a_rate_all_goes_at_once),
        cmocka_unit_test(a_schedule_tells_what_it_could_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
