/* Lanes: who is alike shares one, who falls far behind gets another, and nobody moves to and fro.
 */
#include "base/clock.h"
#include "stream/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STEP_US (SL_SECOND_US / 10)
#define KBIT    INT64_C(1000)
#define MOST    4 /* members */

/* Members, and a clock. */
struct road {
    sl_lanes lanes;
    sl_member members[MOST];
    size_t count;
    int64_t now_us;
};

static struct road open_road(size_t lanes, size_t count) {
    return (struct road){.lanes.count = lanes, .count = count, .now_us = SL_SECOND_US};
}

static void join_all(struct road *road) {
    for (size_t i = 0; i < road->count; i++)
        sl_lanes_join(&road->lanes, &road->members[i]);
}

/* So many seconds pass, in which they can take these rates, in kbit/s. */
static void go_on(struct road *road, double seconds, const int64_t rates[]) {
    int64_t until_us = road->now_us + (int64_t)(seconds * SL_SECOND_US);
    for (; road->now_us < until_us; road->now_us += STEP_US) {
        for (size_t i = 0; i < road->count; i++)
            sl_lanes_judge(&road->lanes, &road->members[i], rates[i] * KBIT, road->now_us);
    }
}

static void check_lanes(const struct road *road, const size_t lanes[]) {
    for (size_t i = 0; i < road->count; i++)
        assert_int_equal(road->members[i].lane, lanes[i]);
}

static void who_is_alike_stays_together(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 3);
    join_all(&road);
    go_on(&road, 60, (const int64_t[]){4000, 2500, 3900});
    check_lanes(&road, (const size_t[]){0, 0, 0});
    assert_true(sl_lanes_suits(&road.lanes, &road.members[1]));
    assert_true(sl_lanes_empty(&road.lanes, 1));
}

static void who_falls_far_behind_moves_down(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 3);
    join_all(&road);
    go_on(&road, 0.9, (const int64_t[]){4000, 500, 3900});
    check_lanes(&road, (const size_t[]){0, 0, 0});               /* it may only be a bad moment, */
    assert_false(sl_lanes_suits(&road.lanes, &road.members[1])); /* which holds nobody up */
    go_on(&road, 0.5, (const int64_t[]){4000, 500, 3900});
    check_lanes(&road, (const size_t[]){0, 1, 0});
    assert_true(sl_lanes_suits(&road.lanes, &road.members[1]));
}

static void bad_moments_move_nobody(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    for (int i = 0; i < 20; i++) {
        go_on(&road, 0.8, (const int64_t[]){4000, 500});
        go_on(&road, 0.1, (const int64_t[]){4000, 3000});
    }
    check_lanes(&road, (const size_t[]){0, 0});
}

/* Neither one's own, nor another's good ones. */
static void good_moments_move_nobody(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    for (int i = 0; i < 20; i++) {
        go_on(&road, 0.5, (const int64_t[]){4000, 3800});
        go_on(&road, 1.5, (const int64_t[]){80000, 3800});
    }
    check_lanes(&road, (const size_t[]){0, 0});
    go_on(&road, 3, (const int64_t[]){4000, 500});
    for (int i = 0; i < 20; i++) {
        go_on(&road, 4, (const int64_t[]){4000, 80000});
        go_on(&road, 0.1, (const int64_t[]){4000, 500});
    }
    check_lanes(&road, (const size_t[]){0, 1});
}

static void who_catches_up_moves_up_after_long(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    go_on(&road, 2, (const int64_t[]){4000, 500});
    go_on(&road, 30, (const int64_t[]){4000, 3000}); /* alike, but not clearly */
    check_lanes(&road, (const size_t[]){0, 1});
    go_on(&road, 4.9, (const int64_t[]){4000, 3500});
    check_lanes(&road, (const size_t[]){0, 1});
    go_on(&road, 0.5, (const int64_t[]){4000, 3500});
    check_lanes(&road, (const size_t[]){0, 0});
}

/* Each time that it falls again it has to hold out longer, and nothing is held against it when it
 * had been up for long. */
static void to_and_fro_takes_ever_longer(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    const int64_t low[] = {4000, 500}, high[] = {4000, 4000};
    go_on(&road, 2, low);
    for (int wait_s = 5; wait_s <= 80; wait_s *= 2) {
        go_on(&road, wait_s - 0.5, high);
        check_lanes(&road, (const size_t[]){0, 1});
        go_on(&road, 1, high);
        check_lanes(&road, (const size_t[]){0, 0});
        go_on(&road, 2, low);
        check_lanes(&road, (const size_t[]){0, 1});
    }
    go_on(&road, 81 + 30, high);
    go_on(&road, 2, low);
    go_on(&road, 6, high);
    check_lanes(&road, (const size_t[]){0, 0});
}

static void each_finds_its_lane(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 4);
    join_all(&road);
    const int64_t rates[] = {300, 20000, 3000, 15000};
    go_on(&road, 10, rates);
    check_lanes(&road, (const size_t[]){2, 0, 1, 0});
    go_on(&road, 10, (const int64_t[]){100, 3000, 3000, 3000}); /* the fast ones got slow */
    check_lanes(&road, (const size_t[]){2, 0, 0, 0});
}

/* There is nothing below the last lane: who can't keep up there skips, and drags nobody along. */
static void nobody_drags_the_last_lane_down(void **state) {
    (void)state;
    struct road road = open_road(2, 3);
    join_all(&road);
    go_on(&road, 10, (const int64_t[]){4000, 1000, 100});
    check_lanes(&road, (const size_t[]){0, 1, 1});
    assert_true(sl_lanes_suits(&road.lanes, &road.members[1]));
    assert_false(sl_lanes_suits(&road.lanes, &road.members[2]));
}

/* Where the encoding can't be made any better, it makes no difference who could take how much. */
static void enough_is_enough(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    road.lanes.enough[0] = 3000 * KBIT;
    go_on(&road, 10, (const int64_t[]){900000, 20000});
    check_lanes(&road, (const size_t[]){0, 0});
    go_on(&road, 10, (const int64_t[]){900000, 1000});
    check_lanes(&road, (const size_t[]){0, 1});
    go_on(&road, 6, (const int64_t[]){900000, 2500});
    check_lanes(&road, (const size_t[]){0, 0});
}

/* Who has just come is judged, and counts, once something is known of it; one alone is never far
 * behind. */
static void nothing_is_made_of_guesses(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    sl_lanes_join(&road.lanes, &road.members[0]);
    assert_true(sl_lanes_suits(&road.lanes, &road.members[0]));
    road.count = 1;
    go_on(&road, 5, (const int64_t[]){500});
    go_on(&road, 5, (const int64_t[]){100});
    check_lanes(&road, (const size_t[]){0});
    road.count = 2;
    join_all(&road);
    go_on(&road, 5, (const int64_t[]){100, 0});
    check_lanes(&road, (const size_t[]){0, 0});
    assert_true(sl_lanes_suits(&road.lanes, &road.members[0]));
    assert_false(sl_lanes_suits(&road.lanes, &road.members[1]));
}

/* Who comes back is where it was; the lane that is left has nobody. */
static void who_returns_knows_its_lane(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    join_all(&road);
    go_on(&road, 2, (const int64_t[]){4000, 500});
    sl_lanes_leave(&road.lanes, &road.members[1]);
    assert_true(sl_lanes_empty(&road.lanes, 1));
    sl_lanes_leave(&road.lanes, &road.members[1]);
    sl_lanes_join(&road.lanes, &road.members[1]);
    go_on(&road, 10, (const int64_t[]){4000, 0});
    check_lanes(&road, (const size_t[]){0, 1});
    assert_false(sl_lanes_empty(&road.lanes, 1));
}

/* Wishes each quarter of a second; how many are granted in so many seconds. */
static int wish(struct road *road, size_t member, int seconds) {
    int granted = 0;
    for (int i = 0; i < 4 * seconds; i++, road->now_us += SL_SECOND_US / 4)
        granted += sl_lanes_wish(&road->lanes, &road->members[member], road->now_us);
    return granted;
}

static void who_wishes_often_moves_down(void **state) {
    (void)state;
    struct road road = open_road(SL_LANES, 2);
    const int64_t rates[] = {4000, 4000};
    join_all(&road);
    go_on(&road, 1, rates);
    for (int i = 0; i < 10; i++) { /* now and then is no habit */
        assert_true(sl_lanes_wish(&road.lanes, &road.members[1], road.now_us));
        go_on(&road, 11, rates);
    }
    check_lanes(&road, (const size_t[]){0, 0});
    assert_in_range(wish(&road, 1, 1), 3, 4);
    go_on(&road, 0.1, rates);
    check_lanes(&road, (const size_t[]){0, 1});
    assert_int_equal(wish(&road, 1, 10), 40); /* alone it costs nobody anything */
}

static void wishes_in_the_last_lane_are_rationed(void **state) {
    (void)state;
    struct road road = open_road(1, 2);
    join_all(&road);
    go_on(&road, 1, (const int64_t[]){4000, 100});
    assert_in_range(wish(&road, 1, 21), 10, 14);
    check_lanes(&road, (const size_t[]){0, 0});
}

/* Neither coming and going nor anything else but time makes up for a habit. */
static void who_comes_and_goes_wishes_no_more_often(void **state) {
    (void)state;
    struct road road = open_road(1, 2);
    int granted = 0;
    join_all(&road);
    for (int i = 0; i < 4 * 21; i++, road.now_us += SL_SECOND_US / 4) {
        granted += sl_lanes_wish(&road.lanes, &road.members[1], road.now_us);
        sl_lanes_leave(&road.lanes, &road.members[1]);
        assert_true(sl_lanes_join(&road.lanes, &road.members[1]));
    }
    assert_in_range(granted, 10, 14);
    road.now_us += 11 * SL_SECOND_US;
    assert_in_range(wish(&road, 1, 1), 3, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_alike_stays_together),
        cmocka_unit_test(who_falls_far_behind_moves_down),
        cmocka_unit_test(bad_moments_move_nobody),
        cmocka_unit_test(good_moments_move_nobody),
        cmocka_unit_test(who_catches_up_moves_up_after_long),
        cmocka_unit_test(to_and_fro_takes_ever_longer),
        cmocka_unit_test(each_finds_its_lane),
        cmocka_unit_test(nobody_drags_the_last_lane_down),
        cmocka_unit_test(enough_is_enough),
        cmocka_unit_test(nothing_is_made_of_guesses),
        cmocka_unit_test(who_returns_knows_its_lane),
        cmocka_unit_test(who_wishes_often_moves_down),
        cmocka_unit_test(wishes_in_the_last_lane_are_rationed),
        cmocka_unit_test(who_comes_and_goes_wishes_no_more_often),
    };
    return cmocka_run_group_tests_name("stream/lanes", tests, NULL, NULL);
}
