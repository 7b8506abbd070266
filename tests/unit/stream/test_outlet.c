/* One destination of a sender, with an owner that only remembers what it is told. */
#include "stream/outlet.h"
#include "base/error.h"
#include "base/event.h"
#include "ends.h"
#include "frame/buffer.h"
#include "frame/frame.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_S 60

struct bench {
    sl_outlet_owner owner;
    sl_sender_settings settings;
    sl_destinations destinations;
    sl_tally tally;
    sl_returned returned;
    sl_steering steering;
    sl_loss loss;
    sl_outlet *outlet;
    struct ends ends; /* of which it has a receiver alone */
    sl_cancel *coded; /* frames are done once it is triggered; NULL: at once */

    pthread_mutex_t lock; /* what the outlet told */
    pthread_cond_t told;
    int opened, failed;
    bool met, repeated; /* it was told what was so already */
};

static int open_worker(void *user, void **state) {
    *state = user;
    return SL_OK;
}

static int work(void *user, void *state, const sl_frame *in, sl_frame **out) {
    (void)state;
    const struct bench *bench = user;
    if (bench->coded)
        sl_wait(-1, 0, bench->coded, -1);
    *out = sl_frame_ref(in);
    return SL_OK;
}

static void close_worker(void *user, void *state) {
    (void)user, (void)state;
}

static void note_opened(void *user) {
    struct bench *bench = user;
    pthread_mutex_lock(&bench->lock);
    bench->opened++;
    pthread_cond_broadcast(&bench->told);
    pthread_mutex_unlock(&bench->lock);
}

static void note_met(void *user, bool receiver) {
    struct bench *bench = user;
    pthread_mutex_lock(&bench->lock);
    bench->repeated |= bench->met == receiver;
    bench->met = receiver;
    pthread_cond_broadcast(&bench->told);
    pthread_mutex_unlock(&bench->lock);
}

static void note_failed(void *user, int code) {
    struct bench *bench = user;
    pthread_mutex_lock(&bench->lock);
    bench->failed = code;
    pthread_cond_broadcast(&bench->told);
    pthread_mutex_unlock(&bench->lock);
}

static void note_left(void *user, size_t lane) {
    (void)user;
    assert_int_equal(lane, 0);
}

/* Waits until it was told that a receiver is there, or not; or that it failed. */
static void wait_told(struct bench *bench, bool met, bool failed) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int late = 0;
    pthread_mutex_lock(&bench->lock);
    while (!late && (bench->met != met || (bench->failed != 0) != failed))
        late = pthread_cond_timedwait(&bench->told, &bench->lock, &until);
    pthread_mutex_unlock(&bench->lock);
    assert_int_equal(late, 0);
}

/* `tunnel` is what the destination has of one. */
static void open_bench(struct bench *bench, sl_pattern pattern, sl_tunnel_settings tunnel) {
    static const sl_pipeline_worker worker = {open_worker, work, close_worker, NULL};
    *bench = (struct bench){.ends = {.pattern = pattern}};
    sl_receiver_settings receiving;
    sl_receiver_settings_init(&receiving);
    assert_int_equal(open_receiver(&bench->ends, &receiving), SL_OK);
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->told, NULL);
    sl_sender_settings_init(&bench->settings);
    bench->settings.link.address = "127.0.0.1";
    bench->settings.link.port = bench->ends.port;
    bench->settings.link.pattern = pattern;
    assert_int_equal(sl_destinations_read(&bench->destinations, &bench->settings), SL_OK);
    bench->destinations.all[0].tunnel = tunnel;
    sl_tally_init(&bench->tally);
    sl_returned_init(&bench->returned);
    sl_steering_init(&bench->steering, 1);
    sl_loss_init(&bench->loss);
    bench->owner = (sl_outlet_owner){.returned = &bench->returned,
                                     .steering = &bench->steering,
                                     .loss = &bench->loss,
                                     .goals = {.max_age_us = 150000, .min_fps = 10},
                                     .encoders = 1,
                                     .user = bench,
                                     .opened = note_opened,
                                     .met = note_met,
                                     .left = note_left,
                                     .failed = note_failed};
    assert_int_equal(sl_cancel_open(&bench->owner.stop), SL_OK);
    assert_int_equal(sl_pipeline_open(&bench->owner.pipeline, "test", 1, 0, &worker, bench), SL_OK);
    assert_int_equal(
        sl_fanout_open(&bench->owner.fanout, &bench->owner.pipeline, 1, &bench->tally, false),
        SL_OK);
    assert_int_equal(sl_outlet_open(&bench->outlet, &bench->destinations.all[0], &bench->owner),
                     SL_OK);
}

static void close_bench(struct bench *bench) {
    sl_cancel_trigger(bench->owner.stop);
    sl_outlet_close(&bench->outlet);
    assert_false(bench->repeated);
    sl_pipeline_close(&bench->owner.pipeline);
    sl_fanout_close(&bench->owner.fanout);
    sl_cancel_close(&bench->owner.stop);
    sl_cancel_close(&bench->coded);
    sl_returned_finish(&bench->returned);
    sl_loss_finish(&bench->loss);
    sl_steering_finish(&bench->steering);
    sl_tally_finish(&bench->tally);
    sl_destinations_finish(&bench->destinations);
    sl_settings_finish(&bench->settings);
    sl_receiver_close(&bench->ends.receiver);
    pthread_cond_destroy(&bench->told);
    pthread_mutex_destroy(&bench->lock);
}

static void put_number(struct bench *bench, uint32_t number) {
    sl_frame *frame = NULL;
    int64_t shape[] = {1};
    assert_int_equal(sl_frame_new_array(&frame, "uint32", 1, shape), SL_OK);
    memcpy(frame->planes[0], &number, sizeof number);
    assert_int_equal(sl_fanout_put(bench->owner.fanout, frame, NULL, -1), SL_OK);
    sl_frame_unref(&frame);
}

static sl_destination look(struct bench *bench) {
    sl_destination destination;
    sl_outlet_look(bench->outlet, &destination);
    return destination;
}

/* Frames get there in order and are counted, the receiver hears of the end, and the figures stay.
 */
static void frames_go_there(sl_pattern pattern) {
    struct bench bench;
    uint32_t number = 0;
    open_bench(&bench, pattern, (sl_tunnel_settings){0});
    wait_told(&bench, true, false);
    assert_int_equal(bench.opened, 1);
    assert_true(look(&bench).stats.connected);
    for (uint32_t i = 0; i < 20; i++) {
        put_number(&bench, i);
        assert_int_equal(receive_number(&bench.ends, &number, -1), SL_OK);
        assert_int_equal(number, i);
    }
    assert_int_equal(sl_fanout_wait(bench.owner.fanout, NULL, -1), SL_OK);
    sl_cancel_trigger(bench.owner.stop);
    sl_outlet_wait(bench.outlet);
    assert_int_equal(receive_number(&bench.ends, &number, -1), SL_EEND);
    sl_destination last = look(&bench);
    assert_int_equal(last.stats.frames, 20);
    assert_int_equal(last.stats.dropped, 0);
    assert_int_equal(last.stats.port, bench.ends.port);
    assert_int_equal(last.failure, SL_OK);
    assert_int_equal(bench.failed, SL_OK);
    close_bench(&bench);
}

static void frames_go_there_in_pair(void **state) {
    (void)state;
    frames_go_there(SL_PATTERN_PAIR);
}

static void frames_go_there_in_pubsub(void **state) {
    (void)state;
    frames_go_there(SL_PATTERN_PUBSUB);
}

static void go(struct bench *bench) {
    sl_receiver_close(&bench->ends.receiver);
    wait_told(bench, false, false);
}

static void come_back(struct bench *bench) {
    sl_receiver_settings again;
    sl_receiver_settings_init(&again);
    assert_int_equal(open_receiver(&bench->ends, &again), SL_OK);
    wait_told(bench, true, false);
}

/* It is told that nobody is there any more, and when somebody is again. */
static void a_receiver_goes_and_comes(void **state) {
    (void)state;
    struct bench bench;
    uint32_t number = 0;
    open_bench(&bench, SL_PATTERN_PAIR, (sl_tunnel_settings){0});
    wait_told(&bench, true, false);
    go(&bench);
    assert_false(look(&bench).stats.connected);
    come_back(&bench);
    assert_int_equal(look(&bench).stats.reconnects, 1);
    put_number(&bench, 7);
    assert_int_equal(receive_number(&bench.ends, &number, -1), SL_OK);
    assert_int_equal(number, 7);
    close_bench(&bench);
}

static void put_jpeg(struct bench *bench) {
    sl_frame *frame = NULL;
    sl_buffer *bytes = NULL;
    assert_int_equal(sl_buffer_new(&bytes, 100), SL_OK);
    memset(bytes->data, 0, bytes->size);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_JPEG, bytes), SL_OK);
    assert_int_equal(sl_fanout_put(bench->owner.fanout, frame, NULL, -1), SL_OK);
    sl_frame_unref(&frame);
    sl_buffer_unref(&bytes);
}

/* A live viewer that comes back sees nothing of the time before. */
static void what_was_coded_before_an_outage_is_dropped(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, SL_PATTERN_LIVE, (sl_tunnel_settings){0});
    assert_int_equal(sl_cancel_open(&bench.coded), SL_OK);
    wait_told(&bench, true, false);
    put_jpeg(&bench);
    go(&bench);
    sl_cancel_trigger(bench.coded);
    assert_int_equal(sl_wait(sl_pipeline_ready_fd(bench.owner.pipeline), POLLIN, NULL, -1), SL_OK);
    come_back(&bench);
    assert_int_equal(look(&bench).stats.drops[SL_DROP_AWAY], 1);
    assert_int_equal(sl_fanout_wait(bench.owner.fanout, NULL, -1), SL_OK);
    assert_int_equal(look(&bench).stats.bytes, 0);
    close_bench(&bench);
}

static void await_keyframe_wish(struct bench *bench) {
    sl_governor_aim aim;
    bool keyframe;
    wait_told(bench, true, false);
    assert_true(sl_steering_take(&bench->steering, 0, &aim, &keyframe));
    assert_true(keyframe);
}

/* Whoever comes to a live sender waits for no frame that is of no use there. */
static void a_keyframe_is_wished_for_before_anything_is_coded(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, SL_PATTERN_LIVE, (sl_tunnel_settings){0});
    await_keyframe_wish(&bench);
    go(&bench);
    come_back(&bench);
    await_keyframe_wish(&bench);
    close_bench(&bench);
}

/* What ends it is told once, with its sentence, and stays with it. */
static void a_way_that_can_not_be_opened(void **state) {
    (void)state;
    struct bench bench;
    sl_tunnel_settings tunnel = {.destination = "me@127.0.0.1", .key_file = "/nowhere/key"};
    open_bench(&bench, SL_PATTERN_PAIR, tunnel);
    wait_told(&bench, false, true);
    sl_outlet_wait(bench.outlet);
    sl_destination left = look(&bench);
    assert_int_equal(bench.failed, SL_EINVAL);
    assert_int_equal(left.failure, SL_EINVAL);
    assert_non_null(strstr(left.reason, "/nowhere/key"));
    assert_false(left.stats.connected);
    assert_int_equal(bench.opened, 0);
    close_bench(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_there_in_pair),
        cmocka_unit_test(frames_go_there_in_pubsub),
        cmocka_unit_test(a_receiver_goes_and_comes),
        cmocka_unit_test(what_was_coded_before_an_outage_is_dropped),
        cmocka_unit_test(a_keyframe_is_wished_for_before_anything_is_coded),
        cmocka_unit_test(a_way_that_can_not_be_opened),
    };
    return cmocka_run_group_tests_name("stream/outlet", tests, NULL, NULL);
}
