/* One direction of a link, on times that the test tells it. */
#include "base/error.h"
#include "direction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS    INT64_C(1000000)
#define T0    (1000 * MS)
#define NEVER INT64_MAX
#define BYTES 1250 /* 10 ms at 1 Mbit/s */

/* A direction under way from T0 on; `words` are its settings, with blanks between them. */
static netlab_direction *started(const char *words) {
    static netlab_direction direction;
    char copy[256], *rest = copy;
    netlab_direction_init(&direction, 7);
    snprintf(copy, sizeof(copy), "%s", words);
    for (const char *word; (word = strtok_r(NULL, " ", &rest));)
        assert_int_equal(netlab_schedule_add(&direction.schedule, word), 0);
    netlab_direction_start(&direction, T0);
    return &direction;
}

static netlab_fate add(netlab_direction *direction, int64_t at_ms) {
    static const uint8_t data[BYTES];
    netlab_fate fate;
    assert_int_equal(netlab_direction_add(direction, data, BYTES, T0 + at_ms * MS, &fate), 0);
    return fate;
}

/* When the next packet is delivered, by someone who comes exactly when he is asked to. */
static int64_t next_ms(netlab_direction *direction) {
    for (;;) {
        int64_t at_ns = netlab_direction_next_ns(direction);
        if (at_ns == NEVER)
            return -1;
        netlab_packet *packet = netlab_direction_take(direction, at_ns);
        if (packet) {
            netlab_direction_delivered(direction, packet, at_ns);
            return (at_ns - T0) / MS;
        }
    }
}

static void packets_wait_for_each_other_and_then_travel(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M delay=25ms");
    add(direction, 0);
    add(direction, 1);
    add(direction, 50);
    assert_int_equal(next_ms(direction), 35);
    assert_int_equal(next_ms(direction), 45);
    assert_int_equal(next_ms(direction), 85);
    assert_int_equal(next_ms(direction), -1);
    netlab_direction_finish(direction);
}

static void the_rate_is_kept_however_late_it_is_called(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M queue=1M");
    for (int i = 0; i < 100; i++)
        add(direction, 0);
    int delivered = 0;
    for (netlab_packet *packet; (packet = netlab_direction_take(direction, T0 + 777 * MS));) {
        assert_int_equal(packet->served_ns, T0 + (++delivered) * 10 * MS);
        netlab_direction_delivered(direction, packet, T0 + 777 * MS);
    }
    assert_int_equal(delivered, 77);
    assert_int_equal(next_ms(direction), 780);
    assert_int_equal(direction->counters.late.most_us, 767000);
    netlab_direction_finish(direction);
}

static void a_full_queue_drops_what_comes(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M queue=30ms");
    for (int i = 0; i < 3; i++)
        assert_int_equal(add(direction, 0), NETLAB_TAKEN);
    assert_int_equal(add(direction, 5), NETLAB_DROPPED);
    assert_int_equal(add(direction, 10), NETLAB_TAKEN);
    const netlab_counters *counters = &direction->counters;
    assert_int_equal(counters->in.packets, 5);
    assert_int_equal(counters->dropped.packets, 1);
    assert_int_equal(counters->dropped.bytes, BYTES);
    assert_int_equal(counters->queue_peak_bytes, 3 * BYTES);
    netlab_direction_finish(direction);
}

static void a_packet_larger_than_the_queue_passes_alone(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M queue=100");
    assert_int_equal(add(direction, 0), NETLAB_TAKEN);
    assert_int_equal(add(direction, 0), NETLAB_DROPPED);
    assert_int_equal(add(direction, 10), NETLAB_TAKEN);
    netlab_direction_finish(direction);
}

static void steps_come_in_their_time_for_what_waits_too(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M @25ms rate=2M delay=100ms @35ms rate=0");
    for (int i = 0; i < 6; i++)
        add(direction, 0);
    assert_int_equal(next_ms(direction), 10);
    assert_int_equal(next_ms(direction), 20);
    /* half of it at 1 Mbit/s until 25, the rest in 2.5 ms, and 100 ms on the way */
    assert_int_equal(next_ms(direction), 127);
    assert_int_equal(next_ms(direction), 132);
    assert_int_equal(next_ms(direction), -1);
    assert_int_equal(netlab_direction_change(direction, "rate=1M", T0 + 200 * MS), 0);
    assert_int_equal(next_ms(direction), 305);
    netlab_direction_finish(direction);
}

static void a_start_begins_the_schedule_again(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M @100ms rate=2M");
    add(direction, 150);
    assert_int_equal(next_ms(direction), 155);
    netlab_direction_start(direction, T0 + 200 * MS);
    add(direction, 200);
    assert_int_equal(direction->counters.in.packets, 1);
    assert_int_equal(next_ms(direction), 210);
    netlab_direction_finish(direction);
}

static void what_is_changed_by_hand_stays(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M @100ms rate=2M");
    assert_int_equal(netlab_direction_change(direction, "rate=4M", T0 + 50 * MS), 0);
    assert_int_equal(netlab_direction_change(direction, "rate=some", T0 + 50 * MS), SL_EINVAL);
    add(direction, 150);
    assert_int_equal(netlab_direction_next_ns(direction), T0 + 152 * MS + MS / 2);
    netlab_direction_finish(direction);
}

static void jitter_delays_but_keeps_the_order(void **state) {
    (void)state;
    netlab_direction *direction = started("delay=10ms jitter=20ms");
    int64_t last = 0, apart = 0;
    for (int i = 0; i < 200; i++)
        add(direction, i);
    for (int i = 0; i < 200; i++) {
        int64_t at_ms = next_ms(direction);
        assert_in_range(at_ms, i + 10, i + 30);
        assert_true(at_ms >= last);
        apart += at_ms > i + 15;
        last = at_ms;
    }
    assert_true(apart > 50);
    netlab_direction_finish(direction);
}

static void a_shorter_delay_lets_nothing_overtake(void **state) {
    (void)state;
    netlab_direction *direction = started("delay=100ms @10ms delay=1ms");
    add(direction, 0);
    add(direction, 20);
    assert_int_equal(next_ms(direction), 100);
    assert_int_equal(next_ms(direction), 100);
    netlab_direction_finish(direction);
}

/* Which of 1000 packets are lost. */
static int losses(const char *words, int64_t apart_ms, uint8_t lost[1000]) {
    netlab_direction *direction = started(words);
    int total = 0;
    for (int i = 0; i < 1000; i++) {
        lost[i] = add(direction, i * apart_ms) == NETLAB_LOST;
        total += lost[i];
    }
    assert_int_equal(direction->counters.lost.packets, total);
    netlab_direction_finish(direction);
    return total;
}

static void loss_is_by_chance_but_the_same_each_time(void **state) {
    (void)state;
    uint8_t once[1000], again[1000];
    int total = losses("loss=5%", 1, once);
    assert_in_range(total, 25, 80);
    assert_int_equal(losses("loss=0.05 jitter=9ms rate=500k", 3, again), total);
    assert_memory_equal(once, again, sizeof(once));
    assert_int_equal(losses("loss=100%", 1, again), 1000);
    assert_int_equal(losses("rate=none", 1, again), 0);
}

static void times_are_counted(void **state) {
    (void)state;
    netlab_direction *direction = started("rate=1M delay=5ms");
    for (int i = 0; i < 20; i++)
        add(direction, 0);
    while (next_ms(direction) >= 0)
        ;
    const netlab_counters *counters = &direction->counters;
    assert_float_equal(netlab_spread_mean_ms(&counters->queue), 105, 0.01);
    assert_float_equal(netlab_spread_percentile_ms(&counters->queue, 0.5), 100, 1);
    assert_float_equal(netlab_spread_percentile_ms(&counters->path, 0.95), 195, 2);
    assert_int_equal(counters->path.most_us, 205000);
    assert_int_equal(counters->late.most_us, 0);
    assert_int_equal(counters->out.bytes, 20 * BYTES);
    netlab_direction_finish(direction);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_wait_for_each_other_and_then_travel),
        cmocka_unit_test(the_rate_is_kept_however_late_it_is_called),
        cmocka_unit_test(a_full_queue_drops_what_comes),
        cmocka_unit_test(a_packet_larger_than_the_queue_passes_alone),
        cmocka_unit_test(steps_come_in_their_time_for_what_waits_too),
        cmocka_unit_test(a_start_begins_the_schedule_again),
        cmocka_unit_test(what_is_changed_by_hand_stays),
        cmocka_unit_test(jitter_delays_but_keeps_the_order),
        cmocka_unit_test(a_shorter_delay_lets_nothing_overtake),
        cmocka_unit_test(loss_is_by_chance_but_the_same_each_time),
        cmocka_unit_test(times_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
