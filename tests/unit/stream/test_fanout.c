/* The fan-out: the fastest sets the pace, the others get the newest, nobody waits for anybody; and
 * in lanes, each coded apart. */
#include "base/clock.h"
#include "base/error.h"
#include "fault.h"
#include "stream/fanout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#define FRAMES  2000
#define NOTHING UINT64_MAX /* the number of a frame of which nothing comes */

struct bench {
    sl_pipeline *pipelines[SL_LANES];
    size_t lanes;
    sl_fanout *fanout;
    sl_tally all, tallies[3];
    sl_taker takers[3];
};

static int open_worker(void *user, void **state) {
    *state = user;
    return SL_OK;
}

static int work(void *user, void *state, const sl_frame *in, sl_frame **out) {
    (void)user, (void)state;
    *out = in->sequence == NOTHING ? NULL : sl_frame_ref(in);
    return SL_OK;
}

static void close_worker(void *user, void *state) {
    (void)user, (void)state;
}

/* All takers are in the first lane. */
static void open_bench_for(struct bench *bench, size_t takers, size_t lanes, bool in_turns) {
    static const sl_pipeline_worker worker = {open_worker, work, close_worker, NULL};
    bench->lanes = lanes;
    sl_tally_init(&bench->all);
    for (size_t i = 0; i < lanes; i++)
        assert_int_equal(sl_pipeline_open(&bench->pipelines[i], "test", 1, 0, &worker, bench),
                         SL_OK);
    assert_int_equal(sl_fanout_open(&bench->fanout, bench->pipelines, lanes, &bench->all, in_turns),
                     SL_OK);
    for (size_t i = 0; i < takers; i++) {
        sl_tally_init(&bench->tallies[i]);
        assert_int_equal(sl_taker_init(&bench->takers[i], bench->fanout, &bench->tallies[i]),
                         SL_OK);
        sl_taker_set_presence(&bench->takers[i], SL_PRESENT);
        sl_taker_want(&bench->takers[i], 1);
    }
}

static void open_bench(struct bench *bench, size_t takers) {
    open_bench_for(bench, takers, 1, false);
}

static void close_bench(struct bench *bench, size_t takers) {
    for (size_t i = 0; i < takers; i++) {
        sl_taker_finish(&bench->takers[i]);
        sl_tally_finish(&bench->tallies[i]);
    }
    for (size_t i = 0; i < bench->lanes; i++)
        sl_pipeline_close(&bench->pipelines[i]);
    sl_fanout_close(&bench->fanout);
    sl_tally_finish(&bench->all);
}

/* Each sequence number is a frame of its own, captured at its own time. */
static int put(struct bench *bench, uint64_t sequence, int timeout_ms) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 1, 1), SL_OK);
    frame->sequence = sequence;
    frame->captured_monotonic_us = 1 + (int64_t)sequence;
    int result = sl_fanout_put(bench->fanout, frame, NULL, sl_deadline_us(timeout_ms));
    sl_frame_unref(&frame);
    return result;
}

/* Takes the frame that comes next, and settles it. */
static uint64_t take(sl_taker *taker) {
    sl_parcel *parcel = NULL;
    int result = SL_EAGAIN;
    while (result == SL_EAGAIN) {
        assert_int_equal(sl_wait(taker->ready_fd, POLLIN, NULL, -1), SL_OK);
        result = sl_taker_take(taker, &parcel);
    }
    assert_int_equal(result, SL_OK);
    uint64_t sequence = parcel->frame->sequence;
    sl_tally_frame(taker->tally);
    sl_taker_settle(taker, &parcel, true);
    assert_null(parcel);
    sl_taker_want(taker, taker->limit); /* who comes for a frame says so each time */
    return sequence;
}

static bool nothing_for(sl_taker *taker) {
    sl_parcel *parcel = NULL;
    return sl_wait(taker->ready_fd, POLLIN, NULL, 0) == SL_EAGAIN &&
           sl_taker_take(taker, &parcel) == SL_EAGAIN;
}

static sl_stats counted(sl_tally *tally) {
    sl_stats stats;
    sl_tally_get(tally, &stats);
    return stats;
}

/* It is dropped as one that nobody took, and those after it come. */
static void a_frame_of_which_nothing_comes_is_dropped(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 1);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(put(&bench, NOTHING, -1), SL_OK);
        sl_taker_want(&bench.takers[0], 2);
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take(&bench.takers[0]), i);
    }
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, -1), SL_OK);
    assert_int_equal(counted(&bench.all).dropped, 3);
    assert_int_equal(counted(&bench.all).frames, 3);
    assert_int_equal(counted(&bench.tallies[0]).drops[SL_DROP_UNUSABLE], 3);
    close_bench(&bench, 1);
}

static void no_frame_is_lost_for_want_of_memory(void **state) {
    (void)state;
    struct bench bench;
    sl_parcel *parcel = NULL;
    open_bench(&bench, 1);
    assert_int_equal(put(&bench, 7, -1), SL_OK);
    assert_int_equal(sl_wait(bench.takers[0].ready_fd, POLLIN, NULL, -1), SL_OK);
    fault_next(0);
    assert_int_equal(sl_taker_take(&bench.takers[0], &parcel), SL_ENOMEM);
    assert_int_equal(take(&bench.takers[0]), 7);
    close_bench(&bench, 1);
}

static void the_slow_one_gets_the_newest(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 2);
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take(&bench.takers[0]), i);
    }
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_EAGAIN); /* it has one to settle */
    assert_int_equal(take(&bench.takers[1]), 5);
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_true(nothing_for(&bench.takers[1]));
    assert_int_equal(counted(&bench.tallies[0]).dropped, 0);
    assert_int_equal(counted(&bench.tallies[1]).dropped, 4);
    assert_int_equal(counted(&bench.all).frames, 5);
    assert_int_equal(counted(&bench.all).dropped, 0);
    close_bench(&bench, 2);
}

/* A frame counts once, as delivered when anybody got it. */
static void a_frame_counts_once(void **state) {
    (void)state;
    struct bench bench;
    sl_parcel *first = NULL, *second = NULL;
    open_bench(&bench, 2);
    assert_int_equal(put(&bench, 1, -1), SL_OK);
    assert_int_equal(sl_wait(bench.takers[0].ready_fd, POLLIN, NULL, -1), SL_OK);
    assert_int_equal(sl_taker_take(&bench.takers[0], &first), SL_OK);
    assert_int_equal(sl_taker_take(&bench.takers[1], &second), SL_OK);
    assert_ptr_equal(first->frame, second->frame); /* shared, not copied */
    sl_taker_settle(&bench.takers[0], &first, false);
    assert_int_equal(counted(&bench.all).dropped, 0);
    sl_taker_settle(&bench.takers[1], &second, true);
    assert_int_equal(counted(&bench.all).frames, 1);
    assert_int_equal(counted(&bench.all).dropped, 0);

    assert_int_equal(put(&bench, 2, -1), SL_OK);
    assert_int_equal(sl_wait(bench.takers[1].ready_fd, POLLIN, NULL, -1), SL_OK);
    assert_int_equal(sl_taker_take(&bench.takers[1], &second), SL_OK);
    sl_taker_settle(&bench.takers[1], &second, false);
    sl_taker_set_presence(&bench.takers[0], SL_GONE); /* with it in the slot */
    assert_int_equal(counted(&bench.all).frames, 1);
    assert_int_equal(counted(&bench.all).dropped, 1);
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    close_bench(&bench, 2);
}

static void who_is_away_holds_nobody_up(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 3);
    sl_taker_set_presence(&bench.takers[1], SL_AWAY);
    sl_taker_set_presence(&bench.takers[2], SL_GONE);
    assert_false(sl_taker_alone(&bench.takers[0]));
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take(&bench.takers[0]), i);
    }
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_int_equal(counted(&bench.tallies[1]).dropped, 3);
    assert_int_equal(counted(&bench.tallies[2]).dropped, 0);
    sl_taker_set_presence(&bench.takers[1], SL_PRESENT);
    assert_int_equal(put(&bench, 4, -1), SL_OK);
    assert_int_equal(take(&bench.takers[1]), 4);
    sl_taker_set_presence(&bench.takers[1], SL_GONE);
    assert_true(sl_taker_alone(&bench.takers[0]));
    close_bench(&bench, 3);
}

/* The pipeline works ahead for the most eager one that is there, and for nobody not at all. */
static void the_most_eager_opens_the_door(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 2);
    sl_taker_want(&bench.takers[0], 0);
    sl_taker_want(&bench.takers[1], 2);
    assert_int_equal(put(&bench, 1, -1), SL_OK);
    assert_int_equal(put(&bench, 2, -1), SL_OK);
    assert_int_equal(put(&bench, 3, 0), SL_EAGAIN);
    assert_int_equal(take(&bench.takers[1]), 1);
    assert_int_equal(take(&bench.takers[1]), 2);
    sl_taker_set_presence(&bench.takers[1], SL_AWAY);
    assert_int_equal(put(&bench, 3, 0), SL_EAGAIN);
    close_bench(&bench, 2);
}

/* Who has no room leaves the pipeline to one who has: that one may miss nothing. */
static void who_has_no_room_takes_nothing_away(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 2);
    sl_taker_want(&bench.takers[0], 2);
    sl_taker_want(&bench.takers[1], 0);
    assert_int_equal(put(&bench, 1, -1), SL_OK);
    assert_int_equal(put(&bench, 2, -1), SL_OK);
    assert_int_equal(sl_wait(bench.takers[0].ready_fd, POLLIN, NULL, -1), SL_OK);
    assert_true(nothing_for(&bench.takers[1]));
    assert_int_equal(take(&bench.takers[0]), 1);
    assert_int_equal(take(&bench.takers[1]), 1); /* what it was given it may take */
    assert_true(nothing_for(&bench.takers[1]));
    assert_int_equal(sl_wait(bench.takers[0].ready_fd, POLLIN, NULL, -1), SL_OK);
    sl_taker_want(&bench.takers[0], 0);
    assert_int_equal(take(&bench.takers[1]), 2); /* nobody has room */
    assert_int_equal(take(&bench.takers[0]), 2);
    assert_int_equal(counted(&bench.tallies[0]).dropped, 0);
    close_bench(&bench, 2);
}

static void the_end_reaches_all(void **state) {
    (void)state;
    struct bench bench;
    sl_parcel *parcel = NULL;
    open_bench(&bench, 2);
    assert_int_equal(put(&bench, 1, -1), SL_OK);
    assert_int_equal(take(&bench.takers[0]), 1);
    sl_fanout_end(bench.fanout, SL_ETIMEOUT, "over");
    assert_true(sl_fanout_ended(bench.fanout));
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK); /* nobody is kept waiting */
    assert_int_equal(put(&bench, 2, -1), SL_ETIMEOUT);
    assert_int_equal(take(&bench.takers[1]), 1); /* what it has it may keep */
    assert_int_equal(sl_taker_take(&bench.takers[1], &parcel), SL_ETIMEOUT);
    assert_string_equal(sl_error(), "over");
    close_bench(&bench, 2);
}

static void *take_many(void *argument) {
    sl_taker *taker = argument;
    uint64_t last = 0;
    for (;;) {
        sl_parcel *parcel = NULL;
        sl_wait(taker->ready_fd, POLLIN, NULL, -1);
        int result = sl_taker_take(taker, &parcel);
        if (result == SL_EAGAIN)
            continue;
        if (result)
            return result == SL_EEND ? NULL : "it ended with another code";
        if (parcel->frame->sequence <= last)
            return "not in order";
        last = parcel->frame->sequence;
        sl_tally_frame(taker->tally);
        sl_taker_settle(taker, &parcel, true);
        sl_taker_want(taker, 1);
    }
}

static void on_many_threads_all_is_counted(void **state) {
    (void)state;
    struct bench bench;
    pthread_t threads[3];
    void *problem = NULL;
    open_bench(&bench, 3);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, take_many, &bench.takers[i]);
    for (uint64_t i = 1; i <= FRAMES; i++)
        assert_int_equal(put(&bench, i, -1), SL_OK);
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, -1), SL_OK);
    sl_fanout_end(bench.fanout, SL_EEND, "all");
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &problem);
        assert_null(problem);
        sl_stats stats = counted(&bench.tallies[i]);
        assert_int_equal(stats.frames + stats.dropped, FRAMES);
    }
    assert_int_equal(counted(&bench.all).frames, FRAMES);
    assert_int_equal(counted(&bench.all).dropped, 0);
    close_bench(&bench, 3);
}

/* In turns each frame is for one, and who is stuck or away has no turn. */
static void each_frame_is_for_one(void **state) {
    (void)state;
    struct bench bench;
    sl_parcel *stuck = NULL;
    open_bench_for(&bench, 3, 1, true);
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_true(nothing_for(&bench.takers[(i + 1) % 3]));
        assert_int_equal(take(&bench.takers[i % 3]), i);
    }
    assert_int_equal(put(&bench, 6, -1), SL_OK);
    assert_int_equal(sl_wait(bench.takers[0].ready_fd, POLLIN, NULL, -1), SL_OK);
    assert_int_equal(sl_taker_take(&bench.takers[0], &stuck), SL_OK);
    sl_taker_set_presence(&bench.takers[1], SL_AWAY);
    for (uint64_t i = 7; i < 10; i++) {
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take(&bench.takers[2]), i);
    }
    sl_taker_set_presence(&bench.takers[1], SL_PRESENT);
    sl_taker_settle(&bench.takers[0], &stuck, true);
    for (uint64_t i = 10; i < 13; i++) { /* who waits longest comes first */
        static const int order[] = {1, 0, 2};
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take(&bench.takers[order[i - 10]]), i);
    }
    assert_int_equal(counted(&bench.all).frames, 13);
    for (int i = 0; i < 3; i++)
        assert_int_equal(counted(&bench.tallies[i]).dropped, 0);
    close_bench(&bench, 3);
}

/* All who are idle are worked for; while all are busy one frame is ready. */
static void turns_open_the_door(void **state) {
    (void)state;
    struct bench bench;
    sl_parcel *held[2] = {NULL};
    open_bench_for(&bench, 2, 1, true);
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(put(&bench, i, 0), SL_OK);
    assert_int_equal(put(&bench, 2, 0), SL_EAGAIN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sl_wait(bench.takers[i].ready_fd, POLLIN, NULL, -1), SL_OK);
        assert_int_equal(sl_taker_take(&bench.takers[i], &held[i]), SL_OK);
    }
    assert_int_equal(put(&bench, 2, 0), SL_OK);
    assert_int_equal(put(&bench, 3, 0), SL_EAGAIN);
    for (int i = 0; i < 2; i++)
        sl_taker_settle(&bench.takers[i], &held[i], true);
    assert_int_equal(put(&bench, 3, 0), SL_OK);
    close_bench(&bench, 2);
}

/* Takes the next frame of a lane, which must build on the last one that was taken there. */
static uint64_t take_next(sl_taker *taker, uint64_t *last) {
    sl_parcel *parcel = NULL;
    assert_int_equal(sl_wait(taker->ready_fd, POLLIN, NULL, -1), SL_OK);
    assert_int_equal(sl_taker_take(taker, &parcel), SL_OK);
    uint64_t sequence = parcel->frame->sequence;
    assert_int_equal(parcel->previous, *last);
    assert_true(parcel->number > *last);
    *last = parcel->number;
    sl_taker_settle(taker, &parcel, true);
    sl_taker_want(taker, taker->limit);
    return sequence;
}

/* Each lane has its own chain of frames, at its own pace, and a frame in both counts once. */
static void lanes_keep_apart(void **state) {
    (void)state;
    struct bench bench;
    uint64_t last[2] = {0};
    open_bench_for(&bench, 2, 2, false);
    sl_taker_set_lane(&bench.takers[1], 1);
    for (uint64_t i = 1; i <= 6; i++) {
        sl_taker_want(&bench.takers[1], i % 3 == 0);
        assert_int_equal(put(&bench, i, -1), SL_OK);
        assert_int_equal(take_next(&bench.takers[0], &last[0]), i);
        if (i % 3 == 0)
            assert_int_equal(take_next(&bench.takers[1], &last[1]), i);
        else
            assert_true(nothing_for(&bench.takers[1]));
    }
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_int_equal(counted(&bench.all).frames, 6);
    assert_int_equal(counted(&bench.all).dropped, 0);
    assert_int_equal(counted(&bench.tallies[1]).dropped, 0); /* never coded, never missed */
    close_bench(&bench, 2);
}

/* A slower lane takes no frame away from the first one: it may still get it, as the same. */
static void the_first_lane_sets_the_pace(void **state) {
    (void)state;
    struct bench bench;
    uint64_t last[2] = {0};
    open_bench_for(&bench, 2, 2, false);
    sl_taker_set_lane(&bench.takers[1], 1);
    sl_taker_want(&bench.takers[0], 0);
    assert_int_equal(put(&bench, 1, 0), SL_EAGAIN);
    assert_int_equal(put(&bench, 1, 0), SL_EAGAIN);
    assert_int_equal(take_next(&bench.takers[1], &last[1]), 1);
    sl_taker_want(&bench.takers[0], 1);
    assert_int_equal(put(&bench, 1, 0), SL_OK);
    assert_int_equal(take_next(&bench.takers[0], &last[0]), 1);
    assert_true(nothing_for(&bench.takers[1])); /* it has had it */
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_int_equal(counted(&bench.all).frames, 1);

    sl_taker_want(&bench.takers[0], 0); /* it is stuck: the others go on without it */
    assert_int_equal(put(&bench, 2, -1), SL_OK);
    assert_int_equal(take_next(&bench.takers[1], &last[1]), 2);
    sl_taker_set_presence(&bench.takers[0], SL_AWAY);
    assert_int_equal(put(&bench, 3, 0), SL_OK);
    assert_int_equal(take_next(&bench.takers[1], &last[1]), 3);
    close_bench(&bench, 2);
}

/* A frame that was given up after one lane took it is settled with that lane. */
static void a_frame_given_up_is_settled(void **state) {
    (void)state;
    struct bench bench;
    uint64_t last = 0;
    open_bench_for(&bench, 2, 2, false);
    sl_taker_set_lane(&bench.takers[1], 1);
    sl_taker_want(&bench.takers[0], 0);
    assert_int_equal(put(&bench, 1, 0), SL_EAGAIN);
    assert_int_equal(take_next(&bench.takers[1], &last), 1);
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_int_equal(put(&bench, 2, 0), SL_EAGAIN);
    assert_int_equal(put(&bench, 3, 0), SL_EAGAIN);
    assert_int_equal(take_next(&bench.takers[1], &last), 2);
    assert_int_equal(sl_fanout_wait(bench.fanout, NULL, 0), SL_OK);
    assert_int_equal(counted(&bench.all).frames, 2);
    close_bench(&bench, 2);
}

/* Who changes lanes leaves nothing behind that would never be settled. */
static void a_lane_that_is_left_is_cleared(void **state) {
    (void)state;
    struct bench bench;
    uint64_t last = 0;
    open_bench_for(&bench, 2, 2, false);
    sl_taker_set_lane(&bench.takers[1], 1);
    assert_int_equal(put(&bench, 1, -1), SL_OK);
    assert_int_equal(take_next(&bench.takers[0], &last), 1);
    sl_taker_set_lane(&bench.takers[1], 0);
    while (sl_fanout_wait(bench.fanout, NULL, 0) == SL_EAGAIN) {
        sl_parcel *none = NULL;
        assert_int_equal(sl_wait(bench.takers[1].ready_fd, POLLIN, NULL, -1), SL_OK);
        assert_int_equal(sl_taker_take(&bench.takers[1], &none), SL_EAGAIN);
    }
    assert_int_equal(counted(&bench.all).frames, 1);
    assert_int_equal(put(&bench, 2, -1), SL_OK);
    assert_int_equal(take_next(&bench.takers[0], &last), 2);
    assert_int_equal(take(&bench.takers[1]), 2);
    close_bench(&bench, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_which_nothing_comes_is_dropped),
        cmocka_unit_test(no_frame_is_lost_for_want_of_memory),
        cmocka_unit_test(the_slow_one_gets_the_newest),
        cmocka_unit_test(a_frame_counts_once),
        cmocka_unit_test(who_is_away_holds_nobody_up),
        cmocka_unit_test(the_most_eager_opens_the_door),
        cmocka_unit_test(who_has_no_room_takes_nothing_away),
        cmocka_unit_test(each_frame_is_for_one),
        cmocka_unit_test(turns_open_the_door),
        cmocka_unit_test(lanes_keep_apart),
        cmocka_unit_test(the_first_lane_sets_the_pace),
        cmocka_unit_test(a_frame_given_up_is_settled),
        cmocka_unit_test(a_lane_that_is_left_is_cleared),
        cmocka_unit_test(the_end_reaches_all),
        cmocka_unit_test(on_many_threads_all_is_counted),
    };
    return cmocka_run_group_tests_name("stream/fanout", tests, NULL, NULL);
}
