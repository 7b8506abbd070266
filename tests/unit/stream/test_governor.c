/* The governor on a narrow way that is made up: frames stay fresh, and the way is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "stream/governor.h"

#define SECOND_US INT64_C(1000000)
#define STEP_US   250
#define FRAME_US  33333
#define PING_US   INT64_C(500000)
#define CHUNKS    4096
#define FRAMES    8192
#define AHEAD_US  7000000000

struct chunk {
    int64_t sent_us, came_us, acked_us;
    uint64_t upto; /* bytes that have come with it */
    double left;   /* bytes still to pass */
    int64_t captured_us;
    bool last; /* of its frame */
};

/* Bytes a second that pass at a time. */
typedef double (*rate_at)(int64_t now_us);

struct way {
    rate_at rate;
    int64_t delay_us; /* each way */
    double most_rate; /* that the encoder can use, bits a second */
    sl_governor governor;
    struct chunk chunks[CHUNKS];
    size_t sent, passed, acked;
    double queued; /* of the frame that is leaving: bytes not yet handed over, */
    int64_t captured_us;
    int64_t ages_us[FRAMES], came_us[FRAMES];
    size_t frames;
    int64_t asked_us;
    int64_t ahead_us; /* the receiver's clock */
    unsigned random;
    bool together; /* a frame's chunks come when the last of them does: one SSH packet held them */
};

/* From 0.7 to 1.3. */
static double spread(struct way *way) {
    way->random = way->random * 1103515245 + 12345;
    return 0.7 + 0.6 * ((way->random >> 16) & 0x7fff) / 0x7fff;
}

static void pass(struct way *way, int64_t now_us) {
    double room = way->rate(now_us) * STEP_US / SECOND_US;
    while (way->passed < way->sent && room > 0) {
        struct chunk *chunk = &way->chunks[way->passed % CHUNKS];
        double bytes = fmin(room, chunk->left);
        room -= bytes;
        chunk->left -= bytes;
        if (chunk->left > 0)
            return;
        chunk->came_us = now_us + way->delay_us;
        for (size_t i = way->passed; way->together && i > way->acked; i--) {
            struct chunk *before = &way->chunks[(i - 1) % CHUNKS];
            if (before->last)
                break;
            before->came_us = chunk->came_us;
            before->acked_us = chunk->came_us + way->delay_us;
        }
        chunk->acked_us = chunk->came_us + way->delay_us;
        if (chunk->last && way->frames < FRAMES) {
            way->came_us[way->frames] = now_us;
            way->ages_us[way->frames++] = chunk->came_us - chunk->captured_us - way->delay_us;
        }
        way->passed++;
    }
}

static void acknowledge(struct way *way, int64_t now_us) {
    while (way->acked < way->passed && way->chunks[way->acked % CHUNKS].acked_us <= now_us) {
        const struct chunk *chunk = &way->chunks[way->acked++ % CHUNKS];
        assert_true(sl_governor_acked(&way->governor, now_us, chunk->upto, chunk->sent_us,
                                      chunk->came_us + way->ahead_us));
    }
}

static void hand_over(struct way *way, int64_t now_us) {
    while (way->queued > 0) {
        uint64_t size = (uint64_t)fmin(way->queued, sl_governor_chunk(&way->governor));
        if (sl_governor_window(&way->governor) < size)
            return;
        sl_governor_sent(&way->governor, now_us, size);
        way->queued -= (double)size;
        way->chunks[way->sent++ % CHUNKS] = (struct chunk){
            .sent_us = now_us,
            .upto = way->governor.sent,
            .left = (double)size,
            .captured_us = way->captured_us,
            .last = way->queued <= 0,
        };
    }
}

/* A small message, now and then, when nothing should be in its way. Its answer is not waited for:
 * what it tells does not change while it is under way. */
static void ping(struct way *way, int64_t now_us) {
    if (now_us < way->asked_us + PING_US || !sl_governor_idles(&way->governor, now_us))
        return;
    double queued = 0;
    for (size_t i = way->passed; i < way->sent; i++)
        queued += way->chunks[i % CHUNKS].left;
    way->asked_us = now_us;
    if (way->rate(now_us) <= 0)
        return;
    int64_t waits_us = (int64_t)(queued / way->rate(now_us) * SECOND_US);
    sl_governor_heard(&way->governor, now_us + waits_us + 2 * way->delay_us, now_us,
                      now_us + waits_us + way->delay_us + way->ahead_us);
}

/* Runs from a time to another; a frame is captured each FRAME_US. */
static void run(struct way *way, int64_t from_us, int64_t to_us) {
    int64_t taken_us = from_us - 1;
    for (int64_t now_us = from_us; now_us < to_us; now_us += STEP_US) {
        int64_t due_us, newest_us = now_us / FRAME_US * FRAME_US;
        pass(way, now_us);
        acknowledge(way, now_us);
        ping(way, now_us);
        hand_over(way, now_us);
        bool waits = newest_us > taken_us && way->queued <= 0;
        if (!waits || !sl_governor_admits(&way->governor, now_us, &due_us))
            continue;
        sl_governor_aim aim;
        sl_governor_aim_get(&way->governor, now_us, &aim);
        double bits = fmin((double)aim.bit_rate, way->most_rate);
        sl_governor_admitted(&way->governor, now_us, now_us);
        sl_governor_coded(&way->governor, now_us, 30, (size_t)(bits / aim.fps / 8),
                          bits < (double)aim.bit_rate);
        taken_us = way->captured_us = newest_us;
        way->queued = ceil(bits / aim.fps / 8 * spread(way));
        hand_over(way, now_us);
    }
}

static int compare(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

struct figures {
    double fps;
    int64_t p95_us;
};

static struct figures figures(const struct way *way, int64_t from_us, int64_t to_us) {
    static int64_t ages_us[FRAMES];
    size_t count = 0;
    for (size_t i = 0; i < way->frames; i++) {
        if (way->came_us[i] >= from_us && way->came_us[i] < to_us)
            ages_us[count++] = way->ages_us[i];
    }
    qsort(ages_us, count, sizeof ages_us[0], compare);
    struct figures result = {(double)count * SECOND_US / (double)(to_us - from_us),
                             count ? ages_us[count * 95 / 100] : INT64_MAX};
    print_message("%6.1f..%6.1f s: %5.1f frames/s, 95%% within %6.1f ms, rate %.0f kbit/s\n",
                  (double)from_us / SECOND_US, (double)to_us / SECOND_US, result.fps,
                  (double)result.p95_us / 1000, way->governor.rate * 8 / 1000);
    return result;
}

/* `state` points to whether a frame's chunks come together. */
static struct way *begin(void **state, rate_at rate, int64_t delay_us, double most_rate) {
    static struct way way;
    sl_governor_goals goals = {.max_age_us = 150000, .min_fps = 10, .fps = 30};
    way = (struct way){
        .rate = rate,
        .delay_us = delay_us,
        .most_rate = most_rate,
        .random = 1,
        .asked_us = -PING_US,
        .ahead_us = AHEAD_US,
        .together = *(const bool *)*state,
    };
    sl_governor_init(&way.governor, &goals, 0);
    return &way;
}

static double four(int64_t now_us) {
    (void)now_us;
    return 500000;
}

static double steps(int64_t now_us) {
    return now_us >= 20 * SECOND_US && now_us < 40 * SECOND_US ? 125000 : 500000;
}

static double outage(int64_t now_us) {
    return now_us >= 10 * SECOND_US && now_us < 13 * SECOND_US ? 0 : 500000;
}

static double uplink(int64_t now_us) { /* up and down, four times within a second */
    return 400000 + 300000 * sin((double)now_us / SECOND_US * 3) +
           80000 * sin((double)now_us / SECOND_US * 25);
}

static double slow(int64_t now_us) {
    (void)now_us;
    return 62500;
}

static void keeps_frames_fresh(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    run(way, 0, 20 * SECOND_US);
    struct figures all = figures(way, 2 * SECOND_US, 20 * SECOND_US);
    assert_true(all.fps > 29);
    assert_true(all.p95_us < 50000);
    sl_governor_aim aim;
    sl_governor_aim_get(&way->governor, 20 * SECOND_US, &aim);
    assert_in_range(aim.bit_rate, 2800000, 4000000);
}

static void follows_steps(void **state) {
    struct way *way = begin(state, steps, 25000, 20e6);
    run(way, 0, 60 * SECOND_US);
    struct figures low = figures(way, 21 * SECOND_US, 40 * SECOND_US);
    assert_true(low.p95_us < 100000);
    struct figures back = figures(way, 42 * SECOND_US, 60 * SECOND_US);
    assert_true(back.fps > 29);
    assert_true(way->governor.rate > 450000);
}

static void is_fresh_after_an_outage(void **state) {
    struct way *way = begin(state, outage, 20000, 20e6);
    run(way, 0, 20 * SECOND_US);
    struct figures after = figures(way, 13 * SECOND_US + 200000, 20 * SECOND_US);
    assert_true(after.p95_us < 100000);
    assert_true(after.fps > 25);
}

/* Frames that are under way when it begins are old when it ends. */
static void little_waits_in_an_outage(void **state) {
    struct way *way = begin(state, outage, 20000, 20e6);
    int old = 0;
    run(way, 0, 20 * SECOND_US);
    for (size_t i = 0; i < way->frames; i++)
        old += way->ages_us[i] > SECOND_US;
    assert_in_range(old, 1, 6);
}

static void follows_an_uplink(void **state) {
    struct way *way = begin(state, uplink, 20000, 20e6);
    run(way, 0, 60 * SECOND_US);
    struct figures all = figures(way, 2 * SECOND_US, 60 * SECOND_US);
    assert_true(all.p95_us < 200000);
    assert_true(all.fps > 25);
}

static void keeps_going_on_a_slow_way(void **state) {
    struct way *way = begin(state, slow, 100000, 20e6);
    run(way, 0, 30 * SECOND_US);
    struct figures all = figures(way, 3 * SECOND_US, 30 * SECOND_US);
    assert_true(all.fps > 10);
    assert_true(all.p95_us < 100000);
    assert_in_range((uint64_t)way->governor.rate, 60000, 65000);
}

/* Frames a second that are aimed at after so many at 30 a second, with two quantisers in turn, that
 * fill a share of what they may have. */
static double fps_after(sl_governor *governor, int64_t *now_us, int frames, int one, int other,
                        double share) {
    sl_governor_aim aim;
    for (int i = 0; i < frames; i++, *now_us += FRAME_US) {
        sl_governor_aim_get(governor, *now_us, &aim);
        size_t bytes = (size_t)(share * (double)aim.bit_rate / aim.fps / 8);
        sl_governor_coded(governor, *now_us, i % 2 ? one : other, bytes, false);
    }
    sl_governor_aim_get(governor, *now_us, &aim);
    return aim.fps;
}

static void goes_down_the_ladder_and_up_again_by_the_average(void **state) {
    (void)state;
    static const sl_governor_goals goals = {.max_age_us = 150000, .min_fps = 10, .fps = 30};
    sl_governor governor;
    int64_t now_us = SECOND_US;
    sl_governor_init(&governor, &goals, now_us);
    assert_true(fps_after(&governor, &now_us, 150, 34, 44, 1) == 30);
    assert_true(fps_after(&governor, &now_us, 25, 39, 45, 1) == 15);
    assert_true(fps_after(&governor, &now_us, 150, 39, 45, 1) == 10);
    assert_true(fps_after(&governor, &now_us, 150, 32, 36, 1) == 10);
    assert_true(fps_after(&governor, &now_us, 900, 24, 33, 1) == 30);
    /* An encoder that has no use for what it may take has none for fewer frames. */
    assert_true(fps_after(&governor, &now_us, 150, 39, 45, 0.3) == 30);
}

/* One frame takes more than a second of what is allowed: a step at a time would take many. */
static void begins_small_where_little_is_allowed(void **state) {
    (void)state;
    sl_governor_goals goals = {.max_age_us = 150000, .min_fps = 10, .fps = 30, .max_rate = 50000};
    sl_governor governor;
    sl_governor_aim aim;
    sl_governor_init(&governor, &goals, SECOND_US);
    sl_governor_coded(&governor, SECOND_US, 41, 6000, false);
    sl_governor_aim_get(&governor, SECOND_US, &aim);
    assert_true(aim.scale == 1);
    sl_governor_coded(&governor, 2 * SECOND_US, 41, 7000, false);
    sl_governor_aim_get(&governor, 2 * SECOND_US, &aim);
    assert_true(aim.scale == 0.5);
    /* What only passes slowly may pass faster soon. */
    goals.max_rate = 0;
    sl_governor_init(&governor, &goals, SECOND_US);
    sl_governor_coded(&governor, SECOND_US, 41, 1000000, false);
    sl_governor_aim_get(&governor, SECOND_US, &aim);
    assert_true(aim.scale == 1);
}

/* Small frames tell nothing of the rate; when the picture moves again there is room at once. */
static void finds_room_after_stillness(void **state) {
    struct way *way = begin(state, four, 25000, 40000);
    run(way, 0, 10 * SECOND_US);
    way->most_rate = 20e6;
    run(way, 10 * SECOND_US, 20 * SECOND_US);
    struct figures after = figures(way, 12 * SECOND_US, 20 * SECOND_US);
    assert_true(after.fps > 29);
    assert_true(way->governor.rate > 400000);
}

/* 50 kB a second for 20 seconds, whatever the way passes. */
static void keeps_to_the_highest_rate(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    sl_governor_goals goals = way->governor.goals;
    goals.max_rate = 400000;
    sl_governor_init(&way->governor, &goals, 0);
    run(way, 0, 2 * SECOND_US);
    uint64_t before = way->governor.sent;
    run(way, 2 * SECOND_US, 22 * SECOND_US);
    assert_in_range(way->governor.sent - before, 800000, 1050000);
}

static void keeps_to_the_day(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    sl_governor_goals goals = way->governor.goals;
    goals.daily_bytes = 10000000;
    sl_governor_init(&way->governor, &goals, 0);
    run(way, 0, 600 * SECOND_US);
    assert_in_range(way->governor.sent, 500000, 650000);
    /* Three days in which nobody watches save no more than the twentieth. */
    uint64_t before = way->governor.sent;
    int64_t later_us = 3 * INT64_C(86400) * SECOND_US;
    run(way, later_us, later_us + 600 * SECOND_US);
    assert_in_range(way->governor.sent - before, 500000, 650000);
}

/* Else it would wait for the acks of the last frame for ever. */
static void goes_on_when_acks_are_lost(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    int64_t due_us;
    sl_governor_sent(&way->governor, 0, 8000);
    assert_false(sl_governor_admits(&way->governor, SECOND_US, &due_us));
    assert_false(sl_governor_arrived(&way->governor, 8001));
    assert_true(sl_governor_arrived(&way->governor, 8000));
    assert_false(sl_governor_arrived(&way->governor, 7999));
    assert_true(sl_governor_admits(&way->governor, SECOND_US, &due_us));
}

/* Coding takes a part of the time between two frames, and holds up none. */
static void frames_follow_each_other_however_long_they_are_coded(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    int64_t due_us, let_in_us = 1000000, leaves_us = let_in_us + 20000;
    sl_governor_admitted(&way->governor, let_in_us, leaves_us);
    assert_false(sl_governor_admits(&way->governor, leaves_us, &due_us));
    assert_in_range(due_us, leaves_us, let_in_us + FRAME_US);
    assert_true(sl_governor_admits(&way->governor, let_in_us + FRAME_US, &due_us));
}

/* What comes is told to have come a minute later than it did. */
static void sees_a_clock_that_was_set(void **state) {
    struct way *way = begin(state, four, 25000, 20e6);
    run(way, 0, 5 * SECOND_US);
    way->ahead_us += 60 * SECOND_US;
    run(way, 5 * SECOND_US, 10 * SECOND_US);
    struct figures after = figures(way, 6 * SECOND_US, 10 * SECOND_US);
    assert_true(after.fps > 28);
    assert_true(after.p95_us < 60000);
    assert_true(way->governor.queue_us < SECOND_US);
}

int main(void) {
    static bool apart, together = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(keeps_frames_fresh, &apart),
        cmocka_unit_test_prestate(keeps_frames_fresh, &together),
        cmocka_unit_test_prestate(follows_steps, &apart),
        cmocka_unit_test_prestate(follows_steps, &together),
        cmocka_unit_test_prestate(is_fresh_after_an_outage, &apart),
        cmocka_unit_test_prestate(is_fresh_after_an_outage, &together),
        cmocka_unit_test_prestate(little_waits_in_an_outage, &apart),
        cmocka_unit_test_prestate(little_waits_in_an_outage, &together),
        cmocka_unit_test_prestate(follows_an_uplink, &apart),
        cmocka_unit_test_prestate(follows_an_uplink, &together),
        cmocka_unit_test_prestate(keeps_going_on_a_slow_way, &apart),
        cmocka_unit_test_prestate(keeps_going_on_a_slow_way, &together),
        cmocka_unit_test(goes_down_the_ladder_and_up_again_by_the_average),
        cmocka_unit_test(begins_small_where_little_is_allowed),
        cmocka_unit_test_prestate(finds_room_after_stillness, &apart),
        cmocka_unit_test_prestate(finds_room_after_stillness, &together),
        cmocka_unit_test_prestate(keeps_to_the_highest_rate, &together),
        cmocka_unit_test_prestate(keeps_to_the_day, &together),
        cmocka_unit_test_prestate(goes_on_when_acks_are_lost, &together),
        cmocka_unit_test_prestate(frames_follow_each_other_however_long_they_are_coded, &together),
        cmocka_unit_test_prestate(sees_a_clock_that_was_set, &apart),
        cmocka_unit_test_prestate(sees_a_clock_that_was_set, &together),
    };
    return cmocka_run_group_tests_name("stream/governor", tests, NULL, NULL);
}
