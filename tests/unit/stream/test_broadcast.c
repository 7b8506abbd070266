/* pubsub: the newest wins, or a bounded queue on request. */
#include "ends.h"

static void waits_for_a_subscriber(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_PUBSUB, .port = 1};
    sl_sender_settings sending;
    sl_sender_settings_init(&sending);
    assert_int_equal(open_sender(&ends, &sending), SL_OK);
    assert_int_equal(sl_sender_wait(ends.sender, 0), SL_EAGAIN);
    assert_int_equal(send_number(&ends, 1, 10), SL_EAGAIN);
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
    sl_sender_close(&ends.sender);
}

/* Frames arrive in order, never twice, and after the last one was sent it comes. */
static void the_newest_arrives(void **state) {
    (void)state;
    struct ends ends;
    uint32_t number = 0, last = 0;
    open_both(&ends, SL_PATTERN_PUBSUB);
    for (uint32_t i = 1; i <= 100; i++)
        assert_int_equal(send_number(&ends, i, -1), SL_OK);
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
    sl_sender_close(&ends.sender);
    while (receive_number(&ends, &number, -1) == SL_OK) {
        assert_true(number > last);
        last = number;
    }
    assert_true(last > 0);
    sl_receiver_close(&ends.receiver);
}

/* What piled up while nobody came is dropped, and counted, in favour of what came last. (The one
 * that is being decoded when the taker comes is given out.) */
static void a_slow_taker_gets_the_newest(void **state) {
    (void)state;
    struct ends ends;
    uint32_t number = 0;
    open_both(&ends, SL_PATTERN_PUBSUB);
    sl_stats stats;
    uint32_t sent = 0;
    do {
        sent++;
        assert_int_equal(send_number(&ends, sent, -1), SL_OK);
        assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
        sl_receiver_stats(ends.receiver, &stats);
    } while (stats.dropped < 5);
    for (int received = 0; received < 2 && number < 5; received++)
        assert_int_equal(receive_number(&ends, &number, -1), SL_OK);
    assert_true(number >= 5);
    close_both(&ends);
}

static void every_frame_on_request(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_PUBSUB};
    sl_receiver_settings receiving;
    sl_sender_settings sending;
    uint32_t number = 0;
    sl_receiver_settings_init(&receiving);
    sl_sender_settings_init(&sending);
    receiving.every_frame = true;
    assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
    assert_int_equal(open_sender(&ends, &sending), SL_OK);
    assert_int_equal(sl_sender_wait(ends.sender, -1), SL_OK);
    for (uint32_t i = 1; i <= 50; i++) {
        assert_int_equal(send_number(&ends, i, -1), SL_OK);
        assert_int_equal(receive_number(&ends, &number, -1), SL_OK);
        assert_int_equal(number, i);
    }
    close_both(&ends);
}

/* Of a receiver that takes nothing, with frames that take longer to code than to hand over: as a
 * rule some are coded when there is no room on the way to it any more. */
static void a_stuck_taker_holds_up_no_flush(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_PUBSUB};
    sl_receiver_settings receiving;
    sl_sender_settings sending;
    sl_frame *noise = NULL;
    uint32_t seed = 1;
    sl_receiver_settings_init(&receiving);
    sl_sender_settings_init(&sending);
    receiving.every_frame = true;
    sending.threads = 4;
    assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
    assert_int_equal(open_coding_sender(&ends, &sending), SL_OK);
    assert_int_equal(sl_sender_wait(ends.sender, -1), SL_OK);
    assert_int_equal(sl_frame_new(&noise, SL_FORMAT_GRAY, 2048, 1024), SL_OK);
    for (size_t i = 0; i < noise->size; i++)
        noise->planes[0][i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    while (sl_sender_send(ends.sender, noise, 500) == SL_OK)
        continue;
    assert_int_equal(sl_sender_flush(ends.sender, 10000), SL_OK);
    sl_frame_unref(&noise);
    close_both(&ends);
}

static void silence_ends_a_subscriber_that_has_a_timeout(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_PUBSUB};
    sl_receiver_settings receiving;
    uint32_t number = 0;
    sl_receiver_settings_init(&receiving);
    assert_int_equal(sl_settings_set(&receiving, "subscriber_timeout", "0.05"), SL_OK);
    assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
    assert_int_equal(receive_number(&ends, &number, -1), SL_ETIMEOUT);
    sl_receiver_close(&ends.receiver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_a_subscriber),
        cmocka_unit_test(the_newest_arrives),
        cmocka_unit_test(a_slow_taker_gets_the_newest),
        cmocka_unit_test(every_frame_on_request),
        cmocka_unit_test(a_stuck_taker_holds_up_no_flush),
        cmocka_unit_test(silence_ends_a_subscriber_that_has_a_timeout),
    };
    return cmocka_run_group_tests_name("stream/broadcast", tests, NULL, NULL);
}
