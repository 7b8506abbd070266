/* How large frames may be on a way and at a viewer that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/allowance.h"

#define SECOND_US 1000000
#define BEST      130000 /* bytes of a frame at the quality that was asked for, */
#define LEAST     25000  /* and at the least */

struct ends {
    sl_governor_goals goals;
    double fps;      /* of the source */
    double rate;     /* bytes a second that the way passes */
    int64_t held_us; /* what a reply takes beside */
    sl_allowance allowance;
    uint64_t coded; /* the frame that is coded already, while the one before is out */
    uint64_t sent;  /* bytes of the last frame, */
    int64_t took_us;
    int64_t now_us;
    unsigned random;
};

static void begin(struct ends *ends, double rate, int64_t held_us) {
    *ends = (struct ends){
        .goals = {.max_age_us = 150000, .min_fps = 10},
        .fps = 30,
        .rate = rate,
        .held_us = held_us,
        .coded = BEST,
        .random = 1,
    };
    sl_allowance_init(&ends->allowance);
}

/* From 0.95 to 1.05. */
static double spread(struct ends *ends) {
    ends->random = ends->random * 1103515245 + 12345;
    return 0.95 + 0.1 * ((ends->random >> 16) & 0x7fff) / 0x7fff;
}

static void answer(struct ends *ends, int64_t late_us) {
    uint64_t most = ends->allowance.most;
    double bytes = most > BEST ? BEST : most < LEAST ? LEAST : (double)most * 0.95;
    ends->sent = ends->coded;
    ends->coded = (uint64_t)(bytes * spread(ends));
    double own_us = (double)ends->sent / ends->rate * SECOND_US + (double)ends->held_us;
    ends->took_us = (int64_t)(own_us * spread(ends)) + late_us;
    ends->now_us += ends->took_us;
    sl_allowance_answered(&ends->allowance, &ends->goals, ends->fps, ends->now_us, ends->sent,
                          ends->took_us);
}

static void run(struct ends *ends, double seconds) {
    int64_t until_us = ends->now_us + (int64_t)(seconds * SECOND_US);
    while (ends->now_us < until_us)
        answer(ends, 0);
}

/* Frames are as they were asked for, all of the time. */
static void assert_never_smaller(struct ends *ends, double seconds) {
    int64_t until_us = ends->now_us + (int64_t)(seconds * SECOND_US);
    while (ends->now_us < until_us) {
        answer(ends, 0);
        assert_true(ends->allowance.most > BEST * 11 / 10);
    }
}

static void all_is_allowed_on_a_fast_way(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 12e6, 3000);
    assert_never_smaller(&ends, 60);
    begin(&ends, 3e6, 3000); /* 46 ms a frame */
    assert_never_smaller(&ends, 60);
}

static void one_delay_changes_nothing(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 12e6, 3000);
    for (int i = 0; i < 20; i++) {
        answer(&ends, 700000);
        assert_never_smaller(&ends, 1);
    }
}

static void frames_get_smaller_on_a_slow_way(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 500e3, 20000);
    run(&ends, 3); /* 280 ms each to begin with */
    for (int i = 0; i < 200; i++) {
        answer(&ends, 0);
        assert_in_range(ends.took_us, 60000, 140000); /* the most when larger ones are tried */
    }
}

static void they_get_larger_when_it_is_faster(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 500e3, 20000);
    run(&ends, 10);
    ends.rate = 5e6;
    run(&ends, 12);
    assert_never_smaller(&ends, 20);
    ends.rate = 300e3;
    run(&ends, 8);
    assert_true(ends.took_us < 150000);
}

/* What is no slower with smaller frames is no slow way. */
static void a_slow_viewer_costs_no_quality(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 50e6, 300000);
    run(&ends, 4);
    assert_never_smaller(&ends, 60);
    /* But beside it the way counts. */
    ends.rate = 500e3;
    run(&ends, 10);
    assert_in_range(ends.sent, LEAST, BEST / 2);
}

static void goals_are_kept(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 2e6, 5000); /* 65 ms for the best */
    ends.goals.smooth = true;
    run(&ends, 20);
    assert_in_range(ends.took_us, 20000, 36000);
    begin(&ends, 2e6, 5000);
    ends.goals.min_fps = 20;
    run(&ends, 20);
    assert_in_range(ends.took_us, 35000, 53000);
    begin(&ends, 2e6, 5000);
    ends.goals.max_age_us = 60000; /* twice what a frame takes */
    run(&ends, 20);
    assert_in_range(ends.took_us, 25000, 39000);
    /* Of a source that is slower itself nothing more is asked. */
    begin(&ends, 500e3, 5000);
    ends.fps = 2;
    ends.goals.max_age_us = 1000000;
    assert_never_smaller(&ends, 20);
}

static void a_frame_without_a_reply_was_too_large(void **state) {
    (void)state;
    struct ends ends;
    begin(&ends, 500e3, 20000);
    sl_allowance_unanswered(&ends.allowance, BEST);
    assert_in_range(ends.allowance.most, BEST / 5, BEST / 3);
    uint64_t most = ends.allowance.most;
    sl_allowance_unanswered(&ends.allowance, 10 * BEST);
    assert_int_equal(ends.allowance.most, most);
    ends.rate = 12e6;
    run(&ends, 12);
    assert_never_smaller(&ends, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_allowed_on_a_fast_way),
        cmocka_unit_test(one_delay_changes_nothing),
        cmocka_unit_test(frames_get_smaller_on_a_slow_way),
        cmocka_unit_test(they_get_larger_when_it_is_faster),
        cmocka_unit_test(a_slow_viewer_costs_no_quality),
        cmocka_unit_test(goals_are_kept),
        cmocka_unit_test(a_frame_without_a_reply_was_too_large),
    };
    return cmocka_run_group_tests_name("stream/allowance", tests, NULL, NULL);
}
