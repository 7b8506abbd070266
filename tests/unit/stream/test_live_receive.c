/* The live pattern's link thread: what it tells cameras when its decoder is slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <sightline/error.h>
#include <sightline/log.h>
#include <sightline/receiver.h>
#include <string.h>

#include "base/clock.h"
#include "base/settings.h"
#include "stream/pattern.h"

static void post(sl_link *link, const sl_live_message *message) {
    sl_buffer *bytes = NULL;
    assert_int_equal(sl_live_write(message, &bytes), SL_OK);
    while (sl_link_send(link, &bytes, 1) == SL_EAGAIN)
        sl_link_wait(link, -1, NULL, sl_deadline_us(10));
    sl_buffer_unref(&bytes);
}

static void await_any(sl_link *link, sl_live_message *message) {
    sl_link_message received = {0};
    while (sl_link_receive(link, &received) == SL_EAGAIN)
        assert_int_equal(sl_link_wait(link, -1, NULL, sl_deadline_us(60000)), SL_OK);
    assert_int_equal(sl_live_read(received.parts, received.count, message), SL_OK);
    sl_link_message_clear(&received);
}

static void await(sl_link *link, sl_live_kind kind, sl_live_message *message) {
    do
        await_any(link, message);
    while (message->kind != kind);
}

static void open_link(sl_link **link, sl_role role, int *port) {
    sl_receiver_settings settings;
    sl_link_state state;
    sl_receiver_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    settings.link.port = *port;
    settings.link.pattern = SL_PATTERN_LIVE;
    assert_int_equal(sl_link_open(link, &settings.link, role, NULL, NULL), SL_OK);
    sl_link_state_get(*link, &state);
    *port = state.port;
    sl_settings_finish(&settings);
}

/* A receiver's link thread alone, and a decoder that waits for permission. */
struct slow {
    sl_turn turn;
    sl_audience audience;
    sl_taps taps;
    sl_receiver_settings settings;
    sl_tally tally;
    sl_cancel *stop;
    pthread_t thread;
    sem_t permits;
};

static int open_worker(void *user, void **worker) {
    *worker = user;
    return SL_OK;
}

static int work_slowly(void *user, void *worker, const sl_frame *in, sl_frame **out) {
    (void)worker;
    sem_wait(&((struct slow *)user)->permits);
    *out = sl_frame_ref(in);
    return SL_OK;
}

static void close_worker(void *user, void *worker) {
    (void)user;
    (void)worker;
}

static void *receive_slowly(void *argument) {
    struct slow *slow = argument;
    while (sl_pattern_live.receive(&slow->turn) == SL_OK)
        ;
    return NULL;
}

static void open_slow(struct slow *slow, int *port) {
    static const sl_pipeline_worker worker = {open_worker, work_slowly, close_worker, NULL};
    sem_init(&slow->permits, 0, 0);
    sl_tally_init(&slow->tally);
    sl_receiver_settings_init(&slow->settings);
    slow->turn = (sl_turn){
        .settings = &slow->settings.link,
        .tally = &slow->tally,
        .audience = &slow->audience,
        .taps = &slow->taps,
    };
    sl_taps_init(&slow->taps);
    assert_int_equal(sl_views_open(&slow->turn.views, NULL, 0), SL_OK);
    assert_int_equal(sl_audience_init(&slow->audience, sl_now_us()), SL_OK);
    assert_int_equal(sl_cancel_open(&slow->stop), SL_OK);
    slow->turn.stop = slow->stop;
    assert_int_equal(sl_cameras_open(&slow->turn.cameras, 100000), SL_OK);
    assert_int_equal(
        sl_pipeline_open(&slow->turn.pipeline, "test", 1, SL_PIPELINE_CAPACITY, &worker, slow),
        SL_OK);
    open_link(&slow->turn.link, SL_ROLE_RECEIVER, port);
    pthread_create(&slow->thread, NULL, receive_slowly, slow);
}

static void permit(struct slow *slow, int count) {
    for (int i = 0; i < count; i++)
        sem_post(&slow->permits);
}

static void close_slow(struct slow *slow) {
    sl_cancel_trigger(slow->stop);
    pthread_join(slow->thread, NULL);
    permit(slow, 100);
    sl_pipeline_close(&slow->turn.pipeline);
    sl_link_close(&slow->turn.link, 0);
    sl_cameras_close(&slow->turn.cameras);
    sl_audience_finish(&slow->audience);
    sl_taps_finish(&slow->taps);
    sl_views_close(&slow->turn.views);
    sl_cancel_close(&slow->stop);
    sl_tally_finish(&slow->tally);
    sl_settings_finish(&slow->settings);
    sem_destroy(&slow->permits);
}

static void send_frame(sl_link *link, uint32_t sequence) {
    static const uint8_t bytes[100];
    sl_live_message chunk = {
        .kind = SL_LIVE_CHUNK,
        .codec = SL_LIVE_JPEG,
        .flags = SL_LIVE_KEYFRAME,
        .session = 5,
        .sequence = sequence,
        .total = sizeof bytes,
        .clock_us = SL_LIVE_NO_CLOCK,
        .data = bytes,
        .size = sizeof bytes,
    };
    post(link, &chunk);
}

/* A camera hears that its frames wait, once more than two do, and when that is over. */
static void a_slow_decoder_is_told_of(void **state) {
    (void)state;
    struct slow slow = {0};
    int port = 0;
    sl_link *link;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5};
    sl_live_message answer, ping = {.kind = SL_LIVE_PING, .session = 5};
    open_slow(&slow, &port);
    open_link(&link, SL_ROLE_SENDER, &port);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    for (uint32_t i = 1; i <= 4; i++) {
        send_frame(link, i);
        await(link, SL_LIVE_ACK, &answer); /* at once: it is the way's measure, not the decoder's */
        assert_int_equal(answer.sequence, i);
        assert_int_equal(answer.flags, 0);
    }
    await(link, SL_LIVE_VIEW, &answer);
    assert_int_equal(answer.flags, SL_LIVE_BEHIND);
    post(link, &ping);
    await(link, SL_LIVE_PONG, &answer);
    assert_int_equal(answer.flags, SL_LIVE_BEHIND);
    permit(&slow, 2);
    await(link, SL_LIVE_VIEW, &answer);
    assert_int_equal(answer.flags, 0);
    send_frame(link, 5);
    await(link, SL_LIVE_ACK, &answer);
    assert_int_equal(answer.flags, 0);
    sl_link_close(&link, 0);
    close_slow(&slow);
}

/* Who wishes for a keyframe is no reason to send nothing else: a view says so, and no ack. Until
 * one comes it is said again. */
static void a_wish_for_a_keyframe_is_passed_on(void **state) {
    (void)state;
    struct slow slow = {0};
    int port = 0;
    sl_link *link;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5};
    sl_live_message answer;
    open_slow(&slow, &port);
    permit(&slow, 100);
    open_link(&link, SL_ROLE_SENDER, &port);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            sl_cameras_want_keyframe(slow.turn.cameras, slow.turn.cameras->all[0].port);
        sl_audience_call(&slow.audience);
        await(link, SL_LIVE_VIEW, &answer);
        assert_int_equal(answer.flags, SL_LIVE_REFRESH);
    }
    send_frame(link, 1);
    await(link, SL_LIVE_ACK, &answer);
    assert_int_equal(answer.flags, 0);
    int64_t due_us = -1;
    assert_false(sl_cameras_wishes(slow.turn.cameras, slow.turn.cameras->all, INT64_MAX, &due_us));
    sl_link_close(&link, 0);
    close_slow(&slow);
}

static void count_lines(void *user, sl_log_level level, const char *room, const char *line) {
    (void)level;
    (void)room;
    *(int *)user += strstr(line, "lost") || strstr(line, "is back");
}

/* A camera that is lost and back without end fills no log, and holds up nobody. */
static void losses_without_end_are_bounded(void **state) {
    (void)state;
    struct slow slow = {0};
    int port = 0, lines = 0;
    sl_link *link;
    sl_camera_view seen;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5};
    sl_live_message loss = {.kind = SL_LIVE_LOSS, .session = 5, .text = "again"}, answer;
    sl_live_message ping = {.kind = SL_LIVE_PING, .session = 5};
    sl_log_set(count_lines, &lines, SL_LOG_INFO);
    open_slow(&slow, &port);
    open_link(&link, SL_ROLE_SENDER, &port);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    int64_t began_us = sl_now_us();
    for (int i = 0; i < 20001; i++) {
        loss.flags = i % 2 ? 0 : SL_LIVE_LOST;
        loss.lost_us = i;
        post(link, &loss);
    }
    post(link, &ping);
    await(link, SL_LIVE_PONG, &answer);
    int64_t took_s = (sl_now_us() - began_us) / SL_SECOND_US;
    assert_int_equal(sl_views_get(slow.turn.views, &seen, 1, sl_now_us()), 1);
    assert_int_equal(seen.state, SL_VIEW_LOST);
    sl_link_close(&link, 0);
    close_slow(&slow);
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    assert_in_range(lines, 1, 2 + took_s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_decoder_is_told_of),
        cmocka_unit_test(a_wish_for_a_keyframe_is_passed_on),
        cmocka_unit_test(losses_without_end_are_bounded),
    };
    return cmocka_run_group_tests_name("stream/live_receive", tests, NULL, NULL);
}
