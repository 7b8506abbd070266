/* Lanes share time, not turns. */
#include "stream/fair_queue.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Works for a lane of three that always have something, and says which. */
static size_t work(sl_fair_queue *queue, const int64_t took_us[3], bool last) {
    size_t chosen = 0;
    for (size_t lane = 1; lane < (last ? 3 : 2); lane++)
        if (sl_fair_queue_before(queue, lane, chosen))
            chosen = lane;
    sl_fair_queue_begin(queue, chosen);
    sl_fair_queue_took(queue, chosen, took_us[chosen]);
    return chosen;
}

static void each_has_the_same_time(void **state) {
    (void)state;
    static const int64_t took_us[] = {1500000, 5000, 10000};
    sl_fair_queue queue = {0};
    int64_t used_us[3] = {0, 0, 0};
    for (int i = 0; i < 5000; i++) {
        size_t lane = work(&queue, took_us, true);
        used_us[lane] += took_us[lane];
    }
    for (size_t lane = 1; lane < 3; lane++)
        assert_in_range(used_us[lane], used_us[0] - took_us[0], used_us[0] + took_us[0]);
}

static void what_was_not_used_is_no_credit(void **state) {
    (void)state;
    static const int64_t took_us[] = {5000, 5000, 5000};
    sl_fair_queue queue = {0};
    int turns = 0;
    for (int i = 0; i < 1000; i++)
        work(&queue, took_us, false);
    sl_fair_queue_join(&queue, 2);
    for (int i = 0; i < 30; i++)
        turns += work(&queue, took_us, true) == 2;
    assert_in_range(turns, 9, 11);
}

/* To come back with an empty hand wipes nothing out. */
static void what_was_used_is_remembered(void **state) {
    (void)state;
    static const int64_t took_us[] = {1000000, 5000, 5000};
    sl_fair_queue queue = {0};
    assert_int_equal(work(&queue, took_us, true), 0);
    sl_fair_queue_join(&queue, 0);
    for (int i = 0; i < 100; i++)
        assert_int_not_equal(work(&queue, took_us, true), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_the_same_time),
        cmocka_unit_test(what_was_not_used_is_no_credit),
        cmocka_unit_test(what_was_used_is_remembered),
    };
    return cmocka_run_group_tests_name("stream/fair_queue", tests, NULL, NULL);
}
