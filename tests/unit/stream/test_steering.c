/* Steering: each lane's encoder suits those who are in it, and hears of their wishes alone. */
#include "base/clock.h"
#include "stream/steering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define REINS 3

struct bench {
    sl_steering steering;
    sl_rein reins[REINS];
    int64_t now_us;
};

static void open_bench(struct bench *bench, size_t lanes) {
    *bench = (struct bench){.now_us = SL_SECOND_US};
    sl_steering_init(&bench->steering, lanes);
}

static size_t aim(struct bench *bench, size_t rein, int64_t bit_rate, double fps, double scale) {
    sl_governor_aim wanted = {.bit_rate = bit_rate, .fps = fps, .scale = scale};
    sl_live_stats told = {.target_rate = bit_rate};
    return sl_steering_aim(&bench->steering, &bench->reins[rein], &wanted, true, &told,
                           bench->now_us);
}

/* Two that are alike, and one that is far behind for long enough to have a lane of its own. */
static void part(struct bench *bench) {
    for (int i = 0; i < 20; i++, bench->now_us += SL_SECOND_US / 10) {
        assert_int_equal(aim(bench, 0, 4000000, 30, 1), 0);
        assert_int_equal(aim(bench, 1, 3000000, 15, 0.75), 0);
        aim(bench, 2, 500000, 10, 0.5);
    }
    assert_int_equal(aim(bench, 2, 500000, 10, 0.5), 1);
}

static sl_governor_aim taken(struct bench *bench, size_t lane, bool wants_keyframe) {
    sl_governor_aim found = {0};
    bool keyframe = !wants_keyframe;
    assert_true(sl_steering_take(&bench->steering, lane, &found, &keyframe));
    assert_int_equal(keyframe, wants_keyframe);
    return found;
}

/* As many frames as anybody wants, of a size that everybody can take. */
static void a_lane_suits_all_of_its_own(void **state) {
    (void)state;
    struct bench bench;
    sl_live_stats told;
    open_bench(&bench, 2);
    part(&bench);
    sl_governor_aim first = taken(&bench, 0, false), second = taken(&bench, 1, false);
    assert_int_equal(first.bit_rate, 3000000);
    assert_true(first.fps == 30 && first.scale == 0.75);
    assert_int_equal(second.bit_rate, 500000);
    assert_true(second.fps == 10 && second.scale == 0.5);
    sl_steering_told(&bench.steering, &bench.reins[2], &told);
    assert_int_equal(told.target_rate, 500000);
    sl_steering_finish(&bench.steering);
}

static void nobody_steers_an_idle_lane(void **state) {
    (void)state;
    struct bench bench;
    sl_governor_aim none;
    bool keyframe;
    open_bench(&bench, 2);
    part(&bench);
    sl_steering_let_go(&bench.steering, &bench.reins[2]);
    assert_true(sl_steering_idle(&bench.steering, 1));
    assert_false(sl_steering_idle(&bench.steering, 0));
    assert_false(sl_steering_take(&bench.steering, 1, &none, &keyframe));
    sl_steering_finish(&bench.steering);
}

static void a_wish_is_for_one_lane(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 2);
    part(&bench);
    sl_steering_want_keyframe(&bench.steering, &bench.reins[2], bench.now_us);
    taken(&bench, 0, false);
    taken(&bench, 1, true);
    taken(&bench, 1, false); /* once */
    sl_steering_finish(&bench.steering);
}

static void a_wish_waits_for_somebody_who_aims(void **state) {
    (void)state;
    struct bench bench;
    sl_governor_aim none;
    bool keyframe = true;
    open_bench(&bench, 1);
    sl_steering_want_keyframe(&bench.steering, &bench.reins[0], bench.now_us);
    assert_false(sl_steering_take(&bench.steering, 0, &none, &keyframe));
    assert_false(keyframe);
    aim(&bench, 0, 4000000, 30, 1);
    taken(&bench, 0, true);
    sl_steering_finish(&bench.steering);
}

/* Each hears how its own lane is coded, and of the rate at which frames are offered to all. */
static void each_hears_of_its_own_lane(void **state) {
    (void)state;
    struct bench bench;
    const sl_coding fine = {.quantiser = 20, .bytes = 10000}, coarse = {.quantiser = 40};
    sl_coding heard;
    open_bench(&bench, 2);
    part(&bench);
    for (int i = 1; i <= 10; i++)
        sl_steering_offer(&bench.steering, i * SL_SECOND_US / 25);
    sl_steering_report(&bench.steering, 0, &fine);
    sl_steering_report(&bench.steering, 0, &fine);
    sl_steering_report(&bench.steering, 1, &coarse);
    sl_steering_coding(&bench.steering, &bench.reins[1], &heard);
    assert_int_equal(heard.quantiser, 20);
    assert_int_equal(heard.frames, 2);
    assert_in_range((int)heard.fps, 24, 26);
    sl_steering_coding(&bench.steering, &bench.reins[2], &heard);
    assert_int_equal(heard.quantiser, 40);
    assert_int_equal(heard.frames, 1);
    assert_in_range((int)heard.fps, 24, 26);
    sl_steering_finish(&bench.steering);
}

/* At its best an encoding of 1 Mbit/s is for whoever can take twice that; else for its likes. */
static void the_best_is_for_all_who_can_take_it(void **state) {
    (void)state;
    struct bench bench;
    sl_coding coded = {.bytes = 5000, .best = true};
    open_bench(&bench, 2);
    for (int i = 1; i <= 300; i++, bench.now_us += SL_SECOND_US / 25) {
        sl_steering_offer(&bench.steering, i * SL_SECOND_US / 25);
        sl_steering_report(&bench.steering, 0, &coded);
        assert_int_equal(aim(&bench, 0, 900000000, 25, 1), 0);
        assert_int_equal(aim(&bench, 1, 2500000, 25, 1), 0);
    }
    coded.best = false;
    sl_steering_report(&bench.steering, 0, &coded);
    part(&bench);
    sl_steering_finish(&bench.steering);
}

/* Offers so many frames, and gives what is made of their rate. */
static double offer(struct bench *bench, int frames, int64_t interval_us) {
    sl_coding heard;
    for (int i = 0; i < frames; i++, bench->now_us += interval_us)
        sl_steering_offer(&bench->steering, bench->now_us);
    sl_steering_coding(&bench->steering, &bench->reins[0], &heard);
    return heard.fps;
}

/* A pause says nothing of a source's rate, but one that always makes them is slow. */
static void a_slow_source_is_known_for_one(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 1);
    assert_true(offer(&bench, 3, 5 * SL_SECOND_US) == 1);
    assert_in_range((int)offer(&bench, 100, SL_SECOND_US / 25), 24, 25);
    bench.now_us += 5 * SL_SECOND_US;
    assert_in_range((int)offer(&bench, 1, SL_SECOND_US / 25), 24, 25);
    sl_steering_finish(&bench.steering);
}

/* What one of a lane can't decode is JPEG for all there, if nobody has said what it must be. */
static void a_lane_is_for_all_of_its_decoders(void **state) {
    (void)state;
    struct bench bench;
    sl_steering *steering = &bench.steering;
    open_bench(&bench, 2);
    steering->chooses = true;
    assert_int_equal(sl_steering_format(steering, 0, SL_FORMAT_H264), SL_FORMAT_H264);
    part(&bench);
    assert_int_equal(sl_steering_format(steering, 0, SL_FORMAT_H264), SL_FORMAT_H264);
    sl_steering_set_formats(steering, &bench.reins[0], 1U << SL_FORMAT_H264 | 1U << SL_FORMAT_JPEG);
    sl_steering_set_formats(steering, &bench.reins[2], 1U << SL_FORMAT_JPEG);
    assert_int_equal(sl_steering_format(steering, 0, SL_FORMAT_H264), SL_FORMAT_H264);
    assert_int_equal(sl_steering_format(steering, 0, SL_FORMAT_HEVC), SL_FORMAT_JPEG);
    assert_int_equal(sl_steering_format(steering, 1, SL_FORMAT_H264), SL_FORMAT_JPEG);
    steering->chooses = false;
    assert_int_equal(sl_steering_format(steering, 1, SL_FORMAT_H264), SL_FORMAT_H264);
    sl_steering_finish(steering);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_suits_all_of_its_own),
        cmocka_unit_test(nobody_steers_an_idle_lane),
        cmocka_unit_test(a_wish_is_for_one_lane),
        cmocka_unit_test(a_wish_waits_for_somebody_who_aims),
        cmocka_unit_test(each_hears_of_its_own_lane),
        cmocka_unit_test(the_best_is_for_all_who_can_take_it),
        cmocka_unit_test(a_slow_source_is_known_for_one),
        cmocka_unit_test(a_lane_is_for_all_of_its_decoders),
    };
    return cmocka_run_group_tests_name("stream/steering", tests, NULL, NULL);
}
