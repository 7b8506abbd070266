/* The pipeline: order, room, and newest wins. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "frame/frame.h"
#include "stream/pipeline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 5000 /* the frame of that number becomes one of a hundred megabytes */

/* Workers that wait for permission, so that a test says when work is done. */
struct bench {
    sl_pipeline *pipeline;
    sem_t permits, begun;
    bool gated;
};

static int open_worker(void *user, void **state) {
    *state = user;
    return SL_OK;
}

/* Of a hundred megabytes, whose pages nobody touches. */
static int new_large(sl_frame **frame) {
    const int64_t shape[] = {100 << 20};
    return sl_frame_new_array(frame, "uint8", 1, shape);
}

static int work(void *user, void *state, const sl_frame *in, sl_frame **out) {
    struct bench *bench = user;
    assert_ptr_equal(state, user);
    if (bench->gated) {
        sem_post(&bench->begun);
        sem_wait(&bench->permits);
    }
    if (in->sequence == 13)
        return sl_fail(SL_EMESSAGE, "thirteen");
    if (in->sequence == LARGE)
        return new_large(out);
    *out = sl_frame_ref(in);
    return SL_OK;
}

static void close_worker(void *user, void *state) {
    assert_ptr_equal(state, user);
}

static void open_bench(struct bench *bench, bool gated, int threads, int limit) {
    static const sl_pipeline_worker worker = {open_worker, work, close_worker, NULL};
    bench->gated = gated;
    sem_init(&bench->permits, 0, 0);
    sem_init(&bench->begun, 0, 0);
    assert_int_equal(sl_pipeline_open(&bench->pipeline, "test", threads, limit, &worker, bench),
                     SL_OK);
}

static void permit(struct bench *bench, int count) {
    for (int i = 0; i < count; i++)
        sem_post(&bench->permits);
}

static void close_bench(struct bench *bench) {
    permit(bench, 100);
    sl_pipeline_close(&bench->pipeline);
    assert_null(bench->pipeline);
    sem_destroy(&bench->permits);
    sem_destroy(&bench->begun);
}

static sl_frame *numbered(uint64_t sequence) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 1, 1), SL_OK);
    frame->sequence = sequence;
    return frame;
}

static uint64_t take_quietly(struct bench *bench) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_pipeline_take(bench->pipeline, &frame, NULL, -1), SL_OK);
    uint64_t sequence = frame->sequence;
    sl_frame_unref(&frame);
    return sequence;
}

static uint64_t take(struct bench *bench) {
    uint64_t sequence = take_quietly(bench);
    sl_pipeline_show_room(bench->pipeline);
    return sequence;
}

static void *put_thousand(void *argument) {
    struct bench *bench = argument;
    for (uint64_t i = 100; i < 1100; i++) {
        sl_frame *frame = numbered(i);
        if (sl_pipeline_put(bench->pipeline, frame, NULL, -1) != SL_OK)
            return "a put failed";
    }
    sl_pipeline_end(bench->pipeline, SL_EEND, "that was all");
    return NULL;
}

static void keeps_order_over_several_workers(void **state) {
    (void)state;
    struct bench bench = {0};
    pthread_t producer;
    void *problem = NULL;
    open_bench(&bench, false, 4, 6);
    pthread_create(&producer, NULL, put_thousand, &bench);
    for (uint64_t i = 100; i < 1100; i++)
        assert_int_equal(take(&bench), i);
    sl_frame *frame = NULL;
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, -1), SL_EEND);
    assert_string_equal(sl_error(), "that was all");
    pthread_join(producer, &problem);
    assert_null(problem);
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 0);
    close_bench(&bench);
}

static void put_waits_for_room(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, 2);
    assert_int_equal(sl_pipeline_put(bench.pipeline, numbered(1), NULL, 0), SL_OK);
    assert_int_equal(sl_pipeline_put(bench.pipeline, numbered(2), NULL, 0), SL_OK);
    sl_frame *third = numbered(3);
    assert_int_equal(sl_pipeline_put(bench.pipeline, third, NULL, 0), SL_EAGAIN);
    assert_false(sl_pipeline_has_room(bench.pipeline, NULL));
    permit(&bench, 1);
    assert_int_equal(take_quietly(&bench), 1);
    assert_true(sl_pipeline_has_room(bench.pipeline, NULL));
    assert_false(sl_pipeline_has_room(bench.pipeline, third));
    int64_t now = sl_deadline_us(0);
    assert_int_equal(sl_wait(sl_pipeline_room_fd(bench.pipeline), POLLIN, NULL, now), SL_EAGAIN);
    sl_pipeline_show_room(bench.pipeline);
    assert_int_equal(sl_wait(sl_pipeline_room_fd(bench.pipeline), POLLIN, NULL, -1), SL_OK);
    assert_int_equal(sl_pipeline_put(bench.pipeline, third, NULL, 0), SL_OK);
    sl_pipeline_set_limit(bench.pipeline, 0);
    sl_frame *fourth = numbered(4);
    assert_int_equal(sl_pipeline_put(bench.pipeline, fourth, NULL, 0), SL_EAGAIN);
    sl_frame_unref(&fourth);
    close_bench(&bench);
}

static void push_goes_beyond_the_limit_up_to_the_capacity(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, 2);
    for (uint64_t i = 0; i < SL_PIPELINE_CAPACITY; i++)
        sl_pipeline_push(bench.pipeline, numbered(20 + i));
    assert_true(sl_pipeline_full(bench.pipeline));
    sl_pipeline_push(bench.pipeline, numbered(99));
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 1);
    permit(&bench, SL_PIPELINE_CAPACITY);
    for (uint64_t i = 0; i < SL_PIPELINE_CAPACITY; i++)
        assert_int_equal(take(&bench), 20 + i);
    close_bench(&bench);
}

static void large_frames_take_the_room_of_many(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, 8);
    for (int i = 0; !sl_pipeline_full(bench.pipeline); i++) {
        sl_frame *frame = NULL;
        assert_in_range(i, 0, 4);
        assert_int_equal(sl_pipeline_has_room(bench.pipeline, NULL), i < 2);
        assert_int_equal(new_large(&frame), SL_OK);
        sl_pipeline_push(bench.pipeline, frame);
    }
    close_bench(&bench);
}

/* Small frames become large ones between the look and the push: none may be lost for that. */
static void what_grows_meanwhile_costs_no_frame(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 4, 8);
    for (int i = 0; i < 4; i++)
        sl_pipeline_push(bench.pipeline, numbered(LARGE));
    for (int i = 0; i < 4; i++)
        sem_wait(&bench.begun);
    assert_false(sl_pipeline_full(bench.pipeline));
    permit(&bench, 4);
    while (!sl_pipeline_full(bench.pipeline))
        sched_yield();
    sl_pipeline_push(bench.pipeline, numbered(7));
    permit(&bench, 1);
    for (int i = 0; i < 4; i++) {
        sl_frame *frame = NULL;
        assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, -1), SL_OK);
        sl_frame_unref(&frame);
    }
    assert_int_equal(take(&bench), 7);
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 0);
    close_bench(&bench);
}

static void failed_work_is_reported_in_its_place(void **state) {
    (void)state;
    struct bench bench = {0};
    sl_frame *frame = NULL;
    open_bench(&bench, false, 2, 4);
    for (uint64_t i = 12; i < 15; i++)
        assert_int_equal(sl_pipeline_put(bench.pipeline, numbered(i), NULL, -1), SL_OK);
    assert_int_equal(take(&bench), 12);
    sl_error_clear();
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, -1), SL_EMESSAGE);
    assert_string_equal(sl_error(), "thirteen");
    assert_null(frame);
    assert_int_equal(take(&bench), 14);
    close_bench(&bench);
}

/* While nobody takes, one frame is worked on, and of the rest only the newest is kept. */
static void offered_frames_make_way_for_newer_ones(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 2, 2);
    sl_pipeline_offer(bench.pipeline, numbered(1), 0);
    sem_wait(&bench.begun);
    permit(&bench, 1);
    assert_int_equal(sl_wait(sl_pipeline_ready_fd(bench.pipeline), POLLIN, NULL, -1), SL_OK);
    for (uint64_t i = 2; i <= 5; i++)
        sl_pipeline_offer(bench.pipeline, numbered(i), 0);
    permit(&bench, 1);
    assert_int_equal(take(&bench), 5); /* 1 was finished, but is old by now */
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 4);
    close_bench(&bench);
}

/* A frame makes way for a newer one of its own lane alone, and lanes have their turns. */
static void lanes_keep_a_frame_each(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, 1);
    sl_pipeline_offer(bench.pipeline, numbered(1), 0);
    sem_wait(&bench.begun);
    permit(&bench, 1);
    assert_int_equal(sl_wait(sl_pipeline_ready_fd(bench.pipeline), POLLIN, NULL, -1), SL_OK);
    sl_pipeline_offer(bench.pipeline, numbered(100), 1);
    sl_pipeline_offer(bench.pipeline, numbered(200), SL_PIPELINE_LANES - 1);
    for (uint64_t i = 2; i <= 5; i++)
        sl_pipeline_offer(bench.pipeline, numbered(i), 0);
    permit(&bench, 3);
    assert_int_equal(take(&bench), 100); /* 1 was finished, but is old by now */
    assert_int_equal(take(&bench), 200);
    assert_int_equal(take(&bench), 5);
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 4);
    close_bench(&bench);
}

/* A frame of 56 MiB; with a message of 25 MiB, if it is to have one. */
static sl_frame *large_frame(uint64_t sequence, bool wordy) {
    size_t length = wordy ? 25 * 1024 * 1024 : 0;
    sl_frame *large = NULL;
    assert_int_equal(sl_frame_new(&large, SL_FORMAT_GRAY, 8 * 1024, 7 * 1024), SL_OK);
    large->sequence = sequence;
    char *message = malloc(length + 1);
    assert_non_null(message);
    memset(message, '1', length);
    message[length] = '\0';
    assert_int_equal(sl_frame_put_message(large, wordy ? message : NULL), SL_OK);
    free(message);
    return large;
}

/* Of frames that are too large together, 192 MiB, the largest goes, whoever offered it. Messages
 * count. */
static void lanes_are_bounded_together(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, 1);
    sl_pipeline_offer(bench.pipeline, numbered(1), 0);
    sem_wait(&bench.begun);
    sl_pipeline_offer(bench.pipeline, numbered(2), 1);
    for (size_t i = 0; i < 3; i++)
        sl_pipeline_offer(bench.pipeline, large_frame(100 + i, i == 1), 2 + i);
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 1);
    permit(&bench, 4);
    assert_int_equal(take(&bench), 1);
    assert_int_equal(take(&bench), 2);
    assert_int_equal(take(&bench), 100);
    assert_int_equal(take(&bench), 102);
    close_bench(&bench);
}

static void *take_first(void *argument) {
    struct bench *bench = argument;
    return take(bench) == 1 ? NULL : "the taker got a newer frame";
}

static void a_waiting_taker_is_given_what_was_begun_for_it(void **state) {
    (void)state;
    struct bench bench = {0};
    pthread_t taker;
    void *problem = NULL;
    open_bench(&bench, true, 2, 1);
    sl_pipeline_offer(bench.pipeline, numbered(1), 0);
    sem_wait(&bench.begun);
    sl_pipeline_offer(bench.pipeline, numbered(2), 0);
    pthread_create(&taker, NULL, take_first, &bench);
    sem_wait(&bench.begun); /* the second worker begins only once the taker waits */
    sl_pipeline_offer(bench.pipeline, numbered(3), 0);
    permit(&bench, 2);
    pthread_join(taker, &problem);
    assert_null(problem); /* else a sender that is faster would starve it */
    close_bench(&bench);
}

static void cancel_and_deadline_end_a_wait(void **state) {
    (void)state;
    struct bench bench = {0};
    sl_cancel *cancel = NULL;
    sl_frame *frame = NULL;
    open_bench(&bench, false, 1, 1);
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, sl_deadline_us(1)), SL_EAGAIN);
    assert_int_equal(sl_cancel_open(&cancel), SL_OK);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, cancel, -1), SL_ECANCELED);
    close_bench(&bench);
    sl_cancel_close(&cancel);
}

static void what_is_left_comes_out_before_the_end(void **state) {
    (void)state;
    struct bench bench = {0};
    sl_frame *frame = NULL;
    open_bench(&bench, false, 1, 4);
    sl_pipeline_offer(bench.pipeline, numbered(7), 0);
    sl_pipeline_end(bench.pipeline, SL_EEND, "first");
    sl_pipeline_end(bench.pipeline, SL_ETIMEOUT, "second");
    assert_int_equal(take(&bench), 7);
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, -1), SL_EEND);
    frame = numbered(8);
    assert_int_equal(sl_pipeline_put(bench.pipeline, frame, NULL, -1), SL_EEND);
    sl_frame_unref(&frame);
    close_bench(&bench);
}

/* Also with a code that stands for waiting elsewhere. */
/* Puts it, and waits until it is worked on. */
static void follow(struct bench *bench, uint64_t sequence, size_t lane) {
    assert_int_equal(sl_pipeline_follow(bench->pipeline, numbered(sequence), lane), SL_OK);
    assert_int_equal(sl_wait(sl_pipeline_ready_fd(bench->pipeline), POLLIN, NULL, -1), SL_OK);
}

static void what_is_old_goes_when_newer_comes(void **state) {
    (void)state;
    struct bench bench = {0};
    sl_frame *frame = NULL;
    open_bench(&bench, false, 1, 4);
    follow(&bench, 1, 0);
    sl_pipeline_expire(bench.pipeline);
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, 0), SL_EAGAIN);
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 1);
    follow(&bench, 2, 1);
    assert_int_equal(take(&bench), 2);
    follow(&bench, 3, 0);
    sl_pipeline_end(bench.pipeline, SL_EEND, "that was all");
    sl_pipeline_expire(bench.pipeline); /* nothing newer will come */
    assert_int_equal(take(&bench), 3);
    close_bench(&bench);
}

/* Work on what came before may not have begun yet, so that a frame of each lane waits. */
static void many_lanes_follow(void **state) {
    (void)state;
    struct bench bench = {0};
    bool seen[SL_PIPELINE_LANES] = {0};
    open_bench(&bench, true, 1, SL_PIPELINE_CAPACITY);
    for (size_t lane = 0; lane < SL_PIPELINE_LANES; lane++)
        assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(100 + lane), lane), SL_OK);
    permit(&bench, SL_PIPELINE_LANES);
    for (size_t i = 0; i < SL_PIPELINE_LANES; i++) {
        uint64_t lane = take(&bench) - 100;
        assert_false(seen[lane]);
        seen[lane] = true;
    }
    assert_int_equal(sl_pipeline_dropped(bench.pipeline), 0);
    close_bench(&bench);
}

/* One lane is full, and the others have as much room as ever. */
static void a_lane_takes_no_room_of_others(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, SL_PIPELINE_CAPACITY);
    sl_frame *beyond = numbered(99);
    for (uint64_t i = 0; i < SL_PIPELINE_CAPACITY; i++)
        assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(20 + i), 0), SL_OK);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, beyond, 0), SL_EAGAIN);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, beyond, 1), SL_OK);
    close_bench(&bench);
}

/* Of 384 MiB in all: others fill that, and what is small has room all the same. */
static void a_lane_of_large_frames_keeps_out_no_small_ones(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, SL_PIPELINE_CAPACITY);
    for (uint64_t i = 0; i < 7; i++)
        assert_int_equal(sl_pipeline_follow(bench.pipeline, large_frame(20 + i, false), 0), SL_OK);
    sl_frame *beyond = large_frame(99, false);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, beyond, 0), SL_EAGAIN);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, beyond, 1), SL_EAGAIN);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(100), 1), SL_OK);
    sl_frame_unref(&beyond);
    close_bench(&bench);
}

/* Its first frame has taken some time: the other lane's has its turn before the next. */
static void a_lane_of_slow_work_holds_up_no_other(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, true, 1, SL_PIPELINE_CAPACITY);
    for (uint64_t i = 0; i < SL_PIPELINE_CAPACITY; i++)
        assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(20 + i), 0), SL_OK);
    sem_wait(&bench.begun);
    int64_t begun_us = sl_now_us();
    assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(100), 1), SL_OK);
    while (sl_now_us() - begun_us < 2)
        sched_yield();
    permit(&bench, 2);
    sem_wait(&bench.begun);
    sem_wait(&bench.begun);
    assert_int_equal(sl_pipeline_following(bench.pipeline, 1), 0);
    assert_int_equal(sl_pipeline_following(bench.pipeline, 0), SL_PIPELINE_CAPACITY - 1);
    close_bench(&bench);
}

/* Nobody has taken the first lane's frame, and the second's are replaced behind it. */
static void an_untaken_frame_holds_up_no_other_lane(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, false, 1, SL_PIPELINE_CAPACITY);
    follow(&bench, 1, 0);
    for (uint64_t i = 0; i < 3 * SL_PIPELINE_CAPACITY; i++) {
        assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(100 + i), 1), SL_OK);
        while (sl_pipeline_dropped(bench.pipeline) < i)
            sched_yield();
    }
    uint64_t first = take(&bench), other = take(&bench);
    assert_int_equal(first == 1 ? other : first, 99 + 3 * SL_PIPELINE_CAPACITY);
    assert_int_equal(first == 1 ? first : other, 1);
    close_bench(&bench);
}

/* Else failures would fill it while nobody takes. */
static void failed_work_of_a_lane_is_let_go(void **state) {
    (void)state;
    struct bench bench = {0};
    open_bench(&bench, false, 1, SL_PIPELINE_CAPACITY);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(13), 0), SL_OK);
    assert_int_equal(sl_pipeline_follow(bench.pipeline, numbered(14), 0), SL_OK);
    assert_int_equal(take(&bench), 14);
    close_bench(&bench);
}

static void every_end_ends_all_waits(void **state) {
    (void)state;
    struct bench bench = {0};
    sl_frame *frame = NULL;
    open_bench(&bench, false, 1, 4);
    sl_pipeline_end(bench.pipeline, SL_EAGAIN, "no more");
    assert_int_equal(sl_pipeline_take(bench.pipeline, &frame, NULL, -1), SL_EAGAIN);
    assert_string_equal(sl_error(), "no more");
    frame = numbered(8);
    assert_int_equal(sl_pipeline_put(bench.pipeline, frame, NULL, -1), SL_EAGAIN);
    sl_frame_unref(&frame);
    close_bench(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_over_several_workers),
        cmocka_unit_test(put_waits_for_room),
        cmocka_unit_test(push_goes_beyond_the_limit_up_to_the_capacity),
        cmocka_unit_test(large_frames_take_the_room_of_many),
        cmocka_unit_test(what_grows_meanwhile_costs_no_frame),
        cmocka_unit_test(failed_work_is_reported_in_its_place),
        cmocka_unit_test(offered_frames_make_way_for_newer_ones),
        cmocka_unit_test(lanes_are_bounded_together),
        cmocka_unit_test(lanes_keep_a_frame_each),
        cmocka_unit_test(a_waiting_taker_is_given_what_was_begun_for_it),
        cmocka_unit_test(cancel_and_deadline_end_a_wait),
        cmocka_unit_test(what_is_left_comes_out_before_the_end),
        cmocka_unit_test(what_is_old_goes_when_newer_comes),
        cmocka_unit_test(many_lanes_follow),
        cmocka_unit_test(a_lane_takes_no_room_of_others),
        cmocka_unit_test(a_lane_of_large_frames_keeps_out_no_small_ones),
        cmocka_unit_test(a_lane_of_slow_work_holds_up_no_other),
        cmocka_unit_test(an_untaken_frame_holds_up_no_other_lane),
        cmocka_unit_test(failed_work_of_a_lane_is_let_go),
        cmocka_unit_test(every_end_ends_all_waits),
    };
    return cmocka_run_group_tests_name("stream/pipeline", tests, NULL, NULL);
}
