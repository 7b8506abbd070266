/* One sender and several receivers in one process: coded once, each by itself. */
#include <sightline/sightline.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "numbers.h"

#define FRAMES 30
#define LARGE  4000000 /* bytes: a few fill the way to a receiver */

struct ends {
    sl_sender *sender;
    sl_receiver *receivers[2];
    int ports[2];
};

static sl_receiver *open_receiver(sl_pattern pattern, bool every_frame, int *port) {
    sl_receiver *receiver = NULL;
    sl_receiver_settings settings;
    sl_stats stats;
    sl_receiver_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    settings.link.port = 0;
    settings.link.pattern = pattern;
    settings.every_frame = every_frame;
    assert_int_equal(sl_receiver_open(&receiver, &settings), SL_OK);
    sl_receiver_stats(receiver, &stats);
    *port = stats.port;
    return receiver;
}

static int open_sender(sl_sender **sender, sl_pattern pattern, const char *destinations) {
    sl_sender_settings settings;
    sl_sender_settings_init(&settings);
    settings.link.pattern = pattern;
    settings.codec.jpeg = false;
    assert_int_equal(sl_settings_set(&settings, "destinations", destinations), SL_OK);
    int code = sl_sender_open(sender, &settings);
    sl_settings_finish(&settings);
    return code;
}

static sl_destination look(const sl_sender *sender, size_t index) {
    sl_destination destination;
    sl_sender_destination(sender, index, &destination);
    return destination;
}

static void wait_until_met(const sl_sender *sender, size_t index) {
    while (!look(sender, index).stats.connected)
        poll(NULL, 0, 1);
}

static struct ends open_ends(sl_pattern pattern) {
    struct ends ends;
    char text[80];
    for (int i = 0; i < 2; i++)
        ends.receivers[i] = open_receiver(pattern, false, &ends.ports[i]);
    snprintf(text, sizeof(text), "127.0.0.1:%d;127.0.0.1:%d", ends.ports[0], ends.ports[1]);
    assert_int_equal(open_sender(&ends.sender, pattern, text), SL_OK);
    assert_int_equal(sl_sender_destinations(ends.sender), 2);
    for (size_t i = 0; i < 2; i++)
        wait_until_met(ends.sender, i);
    assert_int_equal(sl_sender_wait(ends.sender, 0), SL_OK);
    return ends;
}

static void close_ends(struct ends *ends) {
    sl_sender_close(&ends->sender);
    for (int i = 0; i < 2; i++)
        sl_receiver_close(&ends->receivers[i]);
}

static void all_get_every_frame(sl_pattern pattern) {
    struct ends ends = open_ends(pattern);
    sl_frame *none = NULL;
    sl_stats stats;
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_number(ends.sender, i);
        assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
        assert_int_equal(receive_number(ends.receivers[0], NULL, 0), i);
        assert_int_equal(receive_number(ends.receivers[1], NULL, 0), i);
    }
    sl_sender_finish(ends.sender);
    sl_sender_stats(ends.sender, &stats);
    assert_int_equal(stats.frames, FRAMES);
    assert_int_equal(stats.encoded, FRAMES); /* once, for both */
    assert_int_equal(stats.bytes, 2 * FRAMES * sizeof(uint32_t));
    for (size_t i = 0; i < 2; i++) {
        sl_destination destination = look(ends.sender, i);
        assert_int_equal(destination.stats.frames, FRAMES);
        assert_int_equal(destination.stats.dropped, 0);
        assert_int_equal(destination.link->port, ends.ports[i]);
        assert_int_equal(sl_receiver_recv(ends.receivers[i], &none, 60000), SL_EEND);
    }
    assert_null(look(ends.sender, 2).name);
    close_ends(&ends);
}

static void pair_reaches_all(void **state) {
    (void)state;
    all_get_every_frame(SL_PATTERN_PAIR);
}

static void reqrep_reaches_all(void **state) {
    (void)state;
    all_get_every_frame(SL_PATTERN_REQREP);
}

static void pubsub_reaches_all(void **state) {
    (void)state;
    all_get_every_frame(SL_PATTERN_PUBSUB);
}

/* One receiver's owner takes nothing; then it takes what it had acknowledged, and the newest. */
static void a_slow_one_slows_nobody(sl_pattern pattern) {
    struct ends ends = open_ends(pattern);
    sl_stats stats;
    uint32_t number = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_number(ends.sender, i);
        assert_int_equal(receive_number(ends.receivers[0], NULL, 0), i);
    }
    sl_sender_stats(ends.sender, &stats);
    assert_int_equal(stats.encoded, FRAMES);
    assert_int_equal(look(ends.sender, 0).stats.dropped, 0);
    assert_true(look(ends.sender, 1).stats.dropped > FRAMES / 2);
    assert_true(look(ends.sender, 1).stats.connected);
    while (number != FRAMES - 1) {
        uint32_t next = receive_number(ends.receivers[1], NULL, 0);
        assert_true(next == 0 || next > number);
        number = next;
    }
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
    sl_destination slow = look(ends.sender, 1);
    assert_int_equal(slow.stats.frames + slow.stats.dropped, FRAMES);
    close_ends(&ends);
}

static void in_pair_a_slow_one_slows_nobody(void **state) {
    (void)state;
    a_slow_one_slows_nobody(SL_PATTERN_PAIR);
}

static void in_reqrep_a_slow_one_slows_nobody(void **state) {
    (void)state;
    a_slow_one_slows_nobody(SL_PATTERN_REQREP);
}

/* Nothing is read at one receiver until there is no room on the way to it. What waits for room then
 * is given up, so that the stream can end. */
static void a_stuck_one_keeps_nobody_from_ending(void **state) {
    (void)state;
    struct ends ends;
    char text[80];
    sl_frame *frame = NULL;
    ends.receivers[0] = open_receiver(SL_PATTERN_PUBSUB, false, &ends.ports[0]);
    ends.receivers[1] = open_receiver(SL_PATTERN_PUBSUB, true, &ends.ports[1]);
    snprintf(text, sizeof(text), "127.0.0.1:%d;127.0.0.1:%d", ends.ports[0], ends.ports[1]);
    assert_int_equal(open_sender(&ends.sender, SL_PATTERN_PUBSUB, text), SL_OK);
    for (size_t i = 0; i < 2; i++)
        wait_until_met(ends.sender, i);
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 1, (int64_t[]){LARGE}), SL_OK);
    memset(frame->planes[0], 0, LARGE);
    for (int missed = 0; missed < 4 * FRAMES; missed++) {
        uint64_t before = look(ends.sender, 1).stats.frames;
        assert_int_equal(sl_sender_send(ends.sender, frame, -1), SL_OK);
        missed = look(ends.sender, 1).stats.frames == before ? missed : 0;
    }
    assert_int_equal(sl_sender_flush(ends.sender, 10000), SL_OK);
    sl_destination stuck = look(ends.sender, 1), good = look(ends.sender, 0);
    assert_true(stuck.stats.connected);
    assert_int_equal(stuck.stats.frames + stuck.stats.dropped,
                     good.stats.frames + good.stats.dropped);
    sl_frame_unref(&frame);
    close_ends(&ends);
}

static void one_that_is_not_there_holds_nothing_up(sl_pattern pattern) {
    sl_sender *sender = NULL;
    int port = 0;
    char text[80];
    sl_receiver *receiver = open_receiver(pattern, false, &port);
    snprintf(text, sizeof(text), "127.0.0.1:1;127.0.0.1:%d", port);
    assert_int_equal(open_sender(&sender, pattern, text), SL_OK);
    assert_int_equal(sl_sender_wait(sender, 60000), SL_OK);
    for (uint32_t i = 0; i < FRAMES; i++) {
        send_number(sender, i);
        assert_int_equal(sl_sender_flush(sender, -1), SL_OK);
        assert_int_equal(receive_number(receiver, NULL, 0), i);
    }
    sl_destination away = look(sender, 0);
    assert_string_equal(away.name, "127.0.0.1:1");
    assert_false(away.stats.connected);
    assert_int_equal(away.failure, SL_OK);
    assert_int_equal(away.stats.frames, 0);
    assert_int_equal(away.stats.dropped, FRAMES);
    sl_sender_close(&sender);
    sl_receiver_close(&receiver);
}

static void in_pair_one_may_be_away(void **state) {
    (void)state;
    one_that_is_not_there_holds_nothing_up(SL_PATTERN_PAIR);
}

static void in_pubsub_one_may_be_away(void **state) {
    (void)state;
    one_that_is_not_there_holds_nothing_up(SL_PATTERN_PUBSUB);
}

/* One is left for good, the stream goes on; when none is left the first failure is everybody's. */
static void the_last_failure_ends_it(void **state) {
    (void)state;
    sl_sender *sender = NULL;
    int pair = 0, pubsub = 0;
    char text[120];
    sl_receiver *good = open_receiver(SL_PATTERN_PAIR, false, &pair);
    sl_receiver *wrong = open_receiver(SL_PATTERN_PUBSUB, false, &pubsub);
    snprintf(text, sizeof(text), "127.0.0.1:%d;127.0.0.1:%d", pubsub, pair);
    assert_int_equal(open_sender(&sender, SL_PATTERN_PAIR, text), SL_OK);
    while (!look(sender, 0).failure)
        poll(NULL, 0, 1);
    assert_int_equal(look(sender, 0).failure, SL_EPEER);
    assert_non_null(strstr(look(sender, 0).reason, "pubsub"));
    wait_until_met(sender, 1);
    send_number(sender, 7);
    assert_int_equal(receive_number(good, NULL, 0), 7);
    assert_int_equal(sl_sender_flush(sender, -1), SL_OK);
    assert_int_equal(look(sender, 0).stats.dropped, 0); /* it misses nothing any more */
    sl_sender_close(&sender);

    snprintf(text, sizeof(text), "127.0.0.1:%d,pattern=reqrep;127.0.0.1:%d", pubsub, pubsub);
    assert_int_equal(open_sender(&sender, SL_PATTERN_PAIR, text), SL_EINVAL); /* twice the same */
    snprintf(text, sizeof(text), "127.0.0.1:%d,pattern=reqrep;localhost:%d", pubsub, pubsub);
    int code = open_sender(&sender, SL_PATTERN_PAIR, text);
    if (code == SL_OK)
        code = sl_sender_wait(sender, -1);
    assert_int_equal(code, SL_EPEER);
    assert_non_null(strstr(sl_error(), ": the viewer at"));
    sl_sender_close(&sender);
    sl_receiver_close(&good);
    sl_receiver_close(&wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair_reaches_all),
        cmocka_unit_test(reqrep_reaches_all),
        cmocka_unit_test(pubsub_reaches_all),
        cmocka_unit_test(in_pair_a_slow_one_slows_nobody),
        cmocka_unit_test(in_reqrep_a_slow_one_slows_nobody),
        cmocka_unit_test(in_pair_one_may_be_away),
        cmocka_unit_test(in_pubsub_one_may_be_away),
        cmocka_unit_test(a_stuck_one_keeps_nobody_from_ending),
        cmocka_unit_test(the_last_failure_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
