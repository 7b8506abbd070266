/* live: pictures get across, newest first; senders and receivers come and go. */
#include "ends.h"

#include "base/clock.h"
#include "codec/codec.h"
#include "frame/frame.h"
#include "link/link.h"
#include "stream/playout.h"
#include "wire/live.h"
#include <stdlib.h>

#define WIDTH  320
#define HEIGHT 240

/* A picture whose brightness is its number's. */
static sl_frame *picture(uint8_t number) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, WIDTH, HEIGHT), SL_OK);
    memset(frame->planes[0], number, frame->size);
    frame->captured_utc_us = sl_utc_us();
    frame->captured_monotonic_us = sl_now_us();
    return frame;
}

static int send_picture(struct ends *ends, uint8_t number, int timeout_ms) {
    sl_frame *frame = picture(number);
    int result = sl_sender_send(ends->sender, frame, timeout_ms);
    sl_frame_unref(&frame);
    return result;
}

/* The next picture and its number. */
static int receive_picture(struct ends *ends, uint8_t *number, sl_frame **frame) {
    int result = sl_receiver_recv(ends->receiver, frame, -1);
    if (result)
        return result;
    assert_int_equal((*frame)->width, WIDTH);
    assert_int_equal((*frame)->height, HEIGHT);
    *number = (*frame)->planes[0][(HEIGHT / 2) * (*frame)->strides[0] + WIDTH / 2];
    return SL_OK;
}

/* Sends the picture, and looks in at the other end meanwhile: nobody else watches there. */
static void send_watched(struct ends *ends, uint8_t number) {
    sl_frame *frame = NULL;
    while (send_picture(ends, number, 100) == SL_EAGAIN) {
        sl_receiver_recv(ends->receiver, &frame, 0);
        sl_frame_unref(&frame);
    }
}

/* Sends the picture until one like it has come: those before it may be let go, it may not. */
static void gets_across(struct ends *ends, uint8_t number) {
    sl_frame *frame = NULL;
    uint8_t got = 0;
    send_watched(ends, number);
    do {
        sl_frame_unref(&frame);
        assert_int_equal(receive_picture(ends, &got, &frame), SL_OK);
    } while (abs(got - number) > 3);
    sl_frame_unref(&frame);
}

static void pictures_get_across(void **state) {
    (void)state;
    struct ends ends;
    sl_stats sent, received;
    open_both(&ends, SL_PATTERN_LIVE);
    for (int i = 0; i < 20; i++)
        gets_across(&ends, (uint8_t)(20 + 10 * i));
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
    sl_receiver_stats(ends.receiver, &received);
    assert_int_equal(received.frames, 20);
    assert_int_equal(received.rejected, 0);
    assert_true(received.latency.max >= 0);
    sl_sender_finish(ends.sender);
    sl_sender_stats(ends.sender, &sent);
    assert_true(sent.latency.max >= 0); /* as the receiver tells, of what was taken from it */
    assert_true(sent.latency.max <= received.latency.max);
    assert_true(received.bit_rate > 0);
    assert_int_equal(sent.frames, 20);
    assert_int_equal(sent.dropped, 0);
    assert_int_equal(sent.bytes, received.bytes);
    close_both(&ends);
}

static void nothing_is_coded_for_nobody(void **state) {
    (void)state;
    struct ends ends;
    sl_stats stats;
    open_both(&ends, SL_PATTERN_LIVE);
    gets_across(&ends, 100);
    sl_receiver_close(&ends.receiver);
    /* What was let in before it was noticed may still be coded. */
    while (send_picture(&ends, 120, 200) == SL_OK)
        ;
    sl_sender_stats(ends.sender, &stats);
    uint64_t coded = stats.encoded;
    assert_int_equal(send_picture(&ends, 130, 200), SL_EAGAIN);
    sl_sender_stats(ends.sender, &stats);
    assert_int_equal(stats.encoded, coded);
    close_both(&ends);
}

static void await_watched(const struct ends *ends, bool watched) {
    sl_stats stats;
    do {
        sl_sender_stats(ends->sender, &stats);
    } while (stats.live_stats.watched != watched);
}

/* Nobody asks for frames: nothing is coded. Somebody does: what comes is new. */
static void nothing_is_coded_while_nobody_watches(void **state) {
    (void)state;
    struct ends ends;
    sl_frame *frame = NULL;
    sl_stats stats;
    uint8_t number = 0;
    open_both(&ends, SL_PATTERN_LIVE);
    gets_across(&ends, 50);
    send_picture(&ends, 100, 0); /* this one grows old there, if it still left */
    await_watched(&ends, false);
    while (send_picture(&ends, 100, 200) == SL_OK) /* let in before it was known */
        ;
    sl_sender_stats(ends.sender, &stats);
    uint64_t coded = stats.encoded;
    assert_int_equal(send_picture(&ends, 100, 200), SL_EAGAIN);
    sl_sender_stats(ends.sender, &stats);
    assert_int_equal(stats.encoded, coded);
    assert_true(stats.connected);
    assert_int_equal(sl_receiver_recv(ends.receiver, &frame, 0), SL_EAGAIN);
    await_watched(&ends, true);
    assert_int_equal(send_picture(&ends, 200, -1), SL_OK);
    assert_int_equal(receive_picture(&ends, &number, &frame), SL_OK);
    assert_in_range(number, 191, 209);
    sl_frame_unref(&frame);
    sl_receiver_stats(ends.receiver, &stats);
    assert_int_equal(stats.rejected, 0);
    close_both(&ends);
}

static void goes_on_when_the_receiver_returns(void **state) {
    (void)state;
    struct ends ends;
    sl_receiver_settings receiving;
    open_both(&ends, SL_PATTERN_LIVE);
    gets_across(&ends, 50);
    sl_receiver_close(&ends.receiver);
    sl_receiver_settings_init(&receiving);
    assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
    send_watched(&ends, 60); /* it may set out to the receiver that left */
    gets_across(&ends, 200);
    close_both(&ends);
}

/* Newest first: what nobody took makes way, and the sender is not held up. */
static void a_slow_taker_gets_the_newest(void **state) {
    (void)state;
    struct ends ends;
    sl_frame *frame = NULL;
    uint8_t number = 0;
    sl_stats stats;
    open_both(&ends, SL_PATTERN_LIVE);
    for (int i = 0; i < 10; i++)
        assert_int_equal(send_picture(&ends, (uint8_t)(i < 9 ? 10 + i : 230), -1), SL_OK);
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_OK);
    do {
        sl_receiver_stats(ends.receiver, &stats);
    } while (stats.dropped < 9);
    assert_int_equal(stats.drops[SL_DROP_NEWER], stats.dropped);
    assert_int_equal(receive_picture(&ends, &number, &frame), SL_OK);
    assert_true(number > 125); /* the bright one, however coarsely it was coded */
    sl_frame_unref(&frame);
    close_both(&ends);
}

static void several_cameras_are_told_apart(void **state) {
    (void)state;
    struct ends one, other;
    sl_sender_settings sending;
    bool seen[2] = {false, false};
    char port[2][80] = {"", ""};
    open_both(&one, SL_PATTERN_LIVE);
    other = one;
    sl_sender_settings_init(&sending);
    assert_int_equal(open_sender(&other, &sending), SL_OK);
    assert_int_equal(send_picture(&one, 60, -1), SL_OK);
    assert_int_equal(send_picture(&other, 180, -1), SL_OK);
    while (!seen[0] || !seen[1]) {
        sl_frame *frame = NULL;
        uint8_t number = 0;
        assert_int_equal(receive_picture(&one, &number, &frame), SL_OK);
        int which = number > 120;
        seen[which] = true;
        assert_non_null(frame->port);
        strncpy(port[which], frame->port, sizeof port[which] - 1);
        sl_frame_unref(&frame);
    }
    assert_string_not_equal(port[0], port[1]);
    sl_sender_close(&other.sender);
    gets_across(&one, 90); /* the end of one is not the end */
    close_both(&one);
}

static void carries_pictures_alone(void **state) {
    (void)state;
    struct ends ends;
    open_both(&ends, SL_PATTERN_LIVE);
    assert_int_equal(send_number(&ends, 1, -1), SL_OK);
    assert_int_equal(sl_sender_flush(ends.sender, -1), SL_EINVAL);
    close_both(&ends);
}

static void post(sl_link *link, const sl_live_message *message) {
    sl_buffer *bytes = NULL;
    assert_int_equal(sl_live_write(message, &bytes), SL_OK);
    while (sl_link_send(link, &bytes, 1) == SL_EAGAIN)
        sl_link_wait(link, -1, NULL, sl_deadline_us(10));
    sl_buffer_unref(&bytes);
}

static void await(sl_link *link, sl_live_kind kind, sl_live_message *message) {
    sl_link_message received = {0};
    do {
        sl_link_message_clear(&received);
        while (sl_link_receive(link, &received) == SL_EAGAIN)
            assert_int_equal(sl_link_wait(link, -1, NULL, sl_deadline_us(60000)), SL_OK);
        assert_int_equal(sl_live_read(received.parts, received.count, message), SL_OK);
    } while (message->kind != kind);
    sl_link_message_clear(&received);
}

/* A sender that is a link alone. */
static sl_link *open_by_hand(const struct ends *ends) {
    sl_sender_settings settings;
    sl_link *link = NULL;
    sl_sender_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    settings.link.port = ends->port;
    settings.link.pattern = SL_PATTERN_LIVE;
    assert_int_equal(sl_link_open(&link, &settings.link, SL_ROLE_SENDER, NULL, NULL), SL_OK);
    sl_settings_finish(&settings);
    return link;
}

static void refuses_another_version(void **state) {
    (void)state;
    struct ends ends;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 2, .highest = 3}, refusal;
    open_both(&ends, SL_PATTERN_LIVE);
    sl_link *link = open_by_hand(&ends);
    post(link, &hello);
    await(link, SL_LIVE_REFUSAL, &refusal);
    assert_int_equal(refusal.highest, SL_LIVE_VERSION);
    assert_non_null(strstr(refusal.text, "version 2 to 3"));
    gets_across(&ends, 77);
    sl_link_close(&link, 0);
    close_both(&ends);
}

/* A JPEG, as it travels. */
static sl_frame *coded_picture(void) {
    sl_codec_settings settings = {.jpeg = true, .quality = 90};
    sl_codec *codec = NULL;
    sl_frame *frame = picture(100), *coded = NULL;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_OK);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_OK);
    sl_codec_close(&codec);
    sl_frame_unref(&frame);
    return coded;
}

/* More come than may wait to be shown evenly: the oldest go on their way one by one, and the
 * decoder is not flooded with all of them. */
static void too_many_to_be_evened_out_harm_none(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_LIVE};
    sl_receiver_settings settings;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1}, answer;
    sl_receiver_settings_init(&settings);
    settings.smooth_ms = 2000;
    sl_frame *coded = coded_picture();
    assert_int_equal(open_receiver(&ends, &settings), SL_OK);
    sl_link *link = open_by_hand(&ends);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    for (uint32_t i = 1; i <= SL_PLAYOUT_MOST + 10; i++) {
        sl_live_message chunk = {
            .kind = SL_LIVE_CHUNK,
            .codec = SL_LIVE_JPEG,
            .flags = i == 1 ? SL_LIVE_KEYFRAME : 0,
            .sequence = i,
            .total = (uint32_t)coded->size,
            .captured_us = sl_utc_us(),
            .data = coded->planes[0],
            .size = coded->size,
        };
        post(link, &chunk);
        await(link, SL_LIVE_ACK, &answer);
        assert_false(answer.flags & SL_LIVE_KEYFRAME);
    }
    sl_link_close(&link, 0);
    sl_receiver_close(&ends.receiver);
    sl_frame_unref(&coded);
}

static void count_lines(void *user, sl_log_level level, const char *room, const char *line) {
    (void)level;
    if (strcmp(room, "stream") == 0 && (strstr(line, "refused") || strstr(line, "has ended")))
        ++*(int *)user;
}

/* However many strangers come, and come again, each kind of line is said once a second at most. */
static void strangers_fill_no_log(void **state) {
    (void)state;
    const int64_t begin_us = sl_now_us();
    struct ends ends;
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .session = 5}, answer;
    const sl_live_message end = {.kind = SL_LIVE_END, .session = 5};
    int lines = 0;
    open_both(&ends, SL_PATTERN_LIVE);
    sl_link *link = open_by_hand(&ends);
    sl_log_set(count_lines, &lines, SL_LOG_INFO);
    for (int i = 0; i < 50; i++) {
        hello.lowest = hello.highest = 2;
        post(link, &hello);
        await(link, SL_LIVE_REFUSAL, &answer);
        hello.lowest = hello.highest = 1;
        post(link, &hello);
        await(link, SL_LIVE_WELCOME, &answer);
        post(link, &end);
    }
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    assert_in_range(lines, 1, 2 * (1 + (sl_now_us() - begin_us) / SL_SECOND_US));
    sl_link_close(&link, 0);
    close_both(&ends);
}

/* It was killed, and says nothing of that: the second one's end is the stream's. */
static void is_the_same_camera_when_started_again(void **state) {
    (void)state;
    struct ends ends = {.pattern = SL_PATTERN_LIVE};
    sl_receiver_settings settings;
    sl_stats stats;
    sl_frame *frame = NULL;
    sl_live_message hello = {
        .kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5, .text = "garage"};
    sl_live_message end = {.kind = SL_LIVE_END, .session = 6}, answer;
    sl_receiver_settings_init(&settings);
    assert_int_equal(open_receiver(&ends, &settings), SL_OK);
    sl_link *link = open_by_hand(&ends);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    sl_link_close(&link, 0);
    do {
        sl_receiver_stats(ends.receiver, &stats);
    } while (stats.connected);
    link = open_by_hand(&ends);
    hello.camera = 1;
    hello.session = 6;
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    post(link, &end);
    assert_int_equal(sl_receiver_recv(ends.receiver, &frame, 30000), SL_EEND);
    sl_link_close(&link, 0);
    sl_receiver_close(&ends.receiver);
}

/* What makes no sense is counted, and harms nobody else. */
static void bad_chunks_harm_nobody_else(void **state) {
    (void)state;
    struct ends ends;
    sl_stats stats;
    static const uint8_t junk[1000];
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5};
    sl_live_message chunk = {
        .kind = SL_LIVE_CHUNK,
        .codec = SL_LIVE_H264,
        .flags = SL_LIVE_KEYFRAME,
        .session = 5,
        .sequence = 1,
        .total = sizeof junk,
        .clock_us = SL_LIVE_NO_CLOCK,
        .data = junk,
        .size = sizeof junk,
    };
    sl_live_message answer;
    open_both(&ends, SL_PATTERN_LIVE);
    sl_link *link = open_by_hand(&ends);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    post(link, &chunk); /* whole, and no H.264 */
    await(link, SL_LIVE_ACK, &answer);
    assert_int_equal(answer.bytes, sizeof junk);
    chunk.sequence = 2;
    chunk.offset = 500;
    chunk.size = 100; /* without a beginning */
    post(link, &chunk);
    await(link, SL_LIVE_ACK, &answer);
    assert_true(answer.flags & SL_LIVE_KEYFRAME);
    for (int i = 0; i < 5; i++)
        gets_across(&ends, (uint8_t)(40 + 40 * i));
    sl_receiver_stats(ends.receiver, &stats);
    assert_in_range(stats.rejected, 1, 2);
    sl_link_close(&link, 0);
    close_both(&ends);
}

/* What would be scaled out of all proportion is no frame, and the viewer goes on. */
static void absurd_sizes_harm_nobody_else(void **state) {
    (void)state;
    static const uint16_t sizes[][2] = {{1, 65535}, {2, 65000}, {65535, 1}};
    struct ends ends;
    sl_stats stats;
    sl_frame *coded = coded_picture();
    sl_live_message hello = {.kind = SL_LIVE_HELLO, .lowest = 1, .highest = 1, .session = 5};
    sl_live_message answer, chunk = {
                                .kind = SL_LIVE_CHUNK,
                                .codec = SL_LIVE_JPEG,
                                .flags = SL_LIVE_KEYFRAME,
                                .session = 5,
                                .total = (uint32_t)coded->size,
                                .clock_us = SL_LIVE_NO_CLOCK,
                                .data = coded->planes[0],
                                .size = coded->size,
                            };
    open_both(&ends, SL_PATTERN_LIVE);
    sl_link *link = open_by_hand(&ends);
    post(link, &hello);
    await(link, SL_LIVE_WELCOME, &answer);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        chunk.sequence++;
        chunk.width = sizes[i][0];
        chunk.height = sizes[i][1];
        post(link, &chunk);
        await(link, SL_LIVE_ACK, &answer);
    }
    do {
        sl_receiver_stats(ends.receiver, &stats);
    } while (stats.rejected < sizeof sizes / sizeof *sizes);
    gets_across(&ends, 77);
    sl_frame_unref(&coded);
    sl_link_close(&link, 0);
    close_both(&ends);
}

/* The last sender's end is none of a receiver's that is to stay. */
static void stays_for_others(void **state) {
    (void)state;
    static const sl_pattern patterns[] = {SL_PATTERN_LIVE, SL_PATTERN_REQREP, SL_PATTERN_PUBSUB};
    for (size_t i = 0; i < 3; i++) {
        struct ends ends = {.pattern = patterns[i]};
        sl_receiver_settings receiving;
        sl_receiver_settings_init(&receiving);
        receiving.stay = true;
        receiving.output = SL_OUTPUT_PLANES;
        assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
        for (int senders = 0; senders < 2; senders++) {
            sl_sender_settings sending;
            sl_sender_settings_init(&sending);
            assert_int_equal(open_coding_sender(&ends, &sending), SL_OK);
            assert_int_equal(sl_sender_wait(ends.sender, -1), SL_OK);
            gets_across(&ends, (uint8_t)(60 + 90 * senders));
            sl_sender_close(&ends.sender);
        }
        sl_frame *frame = NULL;
        assert_int_equal(sl_receiver_recv(ends.receiver, &frame, 50), SL_EAGAIN);
        sl_receiver_close(&ends.receiver);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_get_across),
        cmocka_unit_test(nothing_is_coded_for_nobody),
        cmocka_unit_test(nothing_is_coded_while_nobody_watches),
        cmocka_unit_test(goes_on_when_the_receiver_returns),
        cmocka_unit_test(a_slow_taker_gets_the_newest),
        cmocka_unit_test(several_cameras_are_told_apart),
        cmocka_unit_test(stays_for_others),
        cmocka_unit_test(carries_pictures_alone),
        cmocka_unit_test(refuses_another_version),
        cmocka_unit_test(is_the_same_camera_when_started_again),
        cmocka_unit_test(too_many_to_be_evened_out_harm_none),
        cmocka_unit_test(strangers_fill_no_log),
        cmocka_unit_test(bad_chunks_harm_nobody_else),
        cmocka_unit_test(absurd_sizes_harm_nobody_else),
    };
    return cmocka_run_group_tests_name("stream/live", tests, NULL, NULL);
}
