/* A sender and a receiver in one process, over loopback: what is sent arrives, in each pattern. */
#include <sightline/sightline.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#define FRAMES 30

struct ends {
    sl_sender *sender;
    sl_receiver *receiver;
};

static struct ends open_ends(sl_pattern pattern, bool jpeg) {
    struct ends ends;
    sl_receiver_settings receiver;
    sl_sender_settings sender;
    sl_stats stats;
    sl_receiver_settings_init(&receiver);
    receiver.link.address = "127.0.0.1";
    receiver.link.port = 0;
    receiver.link.pattern = pattern;
    receiver.timecode = true;
    assert_int_equal(sl_receiver_open(&ends.receiver, &receiver), 0);
    sl_receiver_stats(ends.receiver, &stats);
    assert_true(stats.port > 0);
    sl_sender_settings_init(&sender);
    sender.link.address = "127.0.0.1";
    sender.link.port = stats.port;
    sender.link.pattern = pattern;
    sender.codec.jpeg = jpeg;
    assert_int_equal(sl_sender_open(&ends.sender, &sender), 0);
    assert_int_equal(sl_sender_wait(ends.sender, 60000), 0);
    return ends;
}

static sl_frame *numbered(int number) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new_array(&frame, "float32", 1, (int64_t[]){1000}), 0);
    float value = (float)number;
    for (int i = 0; i < 1000; i++)
        memcpy(frame->planes[0] + (size_t)i * sizeof(value), &value, sizeof(value));
    return frame;
}

static void *send_arrays(void *argument) {
    sl_sender *sender = argument;
    int code = SL_OK;
    for (int i = 0; i < FRAMES && code == SL_OK; i++) {
        sl_frame *frame = numbered(i);
        code = sl_sender_send(sender, frame, -1);
        sl_frame_unref(&frame);
    }
    if (code == SL_OK)
        code = sl_sender_flush(sender, 60000);
    sl_sender_close(&sender);
    return code == SL_OK ? argument : NULL;
}

static void arrays_arrive_in_order(sl_pattern pattern) {
    struct ends ends = open_ends(pattern, false);
    pthread_t thread;
    void *all_sent;
    assert_int_equal(pthread_create(&thread, NULL, send_arrays, ends.sender), 0);
    for (int i = 0; i < FRAMES; i++) {
        sl_frame *frame = NULL;
        float value;
        assert_int_equal(sl_receiver_recv(ends.receiver, &frame, 60000), 0);
        assert_string_equal(frame->dtype, "float32");
        assert_int_equal(frame->shape[0], 1000);
        memcpy(&value, frame->planes[0], sizeof(value));
        assert_int_equal((int)value, i);
        sl_frame_unref(&frame);
    }
    sl_frame *none = NULL;
    assert_int_equal(sl_receiver_recv(ends.receiver, &none, 60000), SL_EEND);
    assert_int_equal(pthread_join(thread, &all_sent), 0);
    assert_non_null(all_sent);
    sl_receiver_close(&ends.receiver);
}

static void pair_keeps_order(void **state) {
    (void)state;
    arrays_arrive_in_order(SL_PATTERN_PAIR);
}

static void reqrep_keeps_order(void **state) {
    (void)state;
    arrays_arrive_in_order(SL_PATTERN_REQREP);
}

static void test_pattern_reaches_a_sink(void **state) {
    (void)state;
    struct ends ends = open_ends(SL_PATTERN_PUBSUB, true);
    sl_source_settings source_settings;
    sl_sink_settings sink_settings;
    sl_source *source;
    sl_sink *sink;
    sl_source_settings_init(&source_settings);
    source_settings.source = "pattern:320x240@100";
    assert_int_equal(sl_source_open(&source, &source_settings), 0);
    assert_non_null(strstr(sl_source_describe(source), "320x240"));
    sl_sink_settings_init(&sink_settings);
    sink_settings.sink = "null";
    assert_int_equal(sl_sink_open(&sink, &sink_settings), 0);
    for (int received = 0; received < FRAMES;) {
        sl_frame *frame = NULL, *arrived = NULL;
        assert_int_equal(sl_source_read(source, &frame, 60000), 0);
        int code = sl_sender_send(ends.sender, frame, 60000);
        sl_frame_unref(&frame);
        assert_int_equal(code, 0);
        code = sl_receiver_recv(ends.receiver, &arrived, 5);
        if (code == SL_OK) {
            assert_int_equal(arrived->width, 320);
            assert_int_equal(sl_sink_write(sink, arrived), 0);
            received++;
        }
        sl_frame_unref(&arrived);
    }
    sl_stats stats;
    sl_receiver_stats(ends.receiver, &stats);
    assert_true(stats.frames >= FRAMES);
    assert_true(stats.latency.p50 >= 0);
    sl_source_close(&source);
    sl_sender_close(&ends.sender);
    sl_receiver_close(&ends.receiver);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void a_frame_that_cannot_be_coded_is_refused(void **state) {
    (void)state;
    struct ends ends = open_ends(SL_PATTERN_PAIR, true);
    sl_frame *frame = numbered(1);
    int code = sl_sender_send(ends.sender, frame, 60000);
    if (code == SL_OK)
        code = sl_sender_flush(ends.sender, 60000);
    assert_int_equal(code, SL_EINVAL);
    sl_frame_unref(&frame);
    sl_sender_close(&ends.sender);
    sl_receiver_close(&ends.receiver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair_keeps_order),
        cmocka_unit_test(reqrep_keeps_order),
        cmocka_unit_test(test_pattern_reaches_a_sink),
        cmocka_unit_test(a_frame_that_cannot_be_coded_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
