/* Two ends in one process, for the tests of this room: raw arrays that carry a number. */
#ifndef TESTS_STREAM_ENDS_H
#define TESTS_STREAM_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/sightline.h>
#include <string.h>

struct ends {
    sl_receiver *receiver;
    sl_sender *sender;
    int port;
    sl_pattern pattern;
};

static inline int open_receiver(struct ends *ends, sl_receiver_settings *settings) {
    settings->link.address = "127.0.0.1";
    settings->link.port = ends->port;
    settings->link.pattern = ends->pattern;
    int result = sl_receiver_open(&ends->receiver, settings);
    if (result == SL_OK) {
        sl_stats stats;
        sl_receiver_stats(ends->receiver, &stats);
        ends->port = stats.port;
    }
    sl_settings_finish(settings);
    return result;
}

static inline int open_coding_sender(struct ends *ends, sl_sender_settings *settings) {
    settings->link.address = "127.0.0.1";
    settings->link.port = ends->port;
    settings->link.pattern = ends->pattern;
    int result = sl_sender_open(&ends->sender, settings);
    sl_settings_finish(settings);
    return result;
}

static inline int open_sender(struct ends *ends, sl_sender_settings *settings) {
    settings->codec.jpeg = false;
    return open_coding_sender(ends, settings);
}

static inline void open_both(struct ends *ends, sl_pattern pattern) {
    sl_receiver_settings receiving;
    sl_sender_settings sending;
    *ends = (struct ends){.pattern = pattern};
    sl_receiver_settings_init(&receiving);
    sl_sender_settings_init(&sending);
    assert_int_equal(open_receiver(ends, &receiving), SL_OK);
    assert_int_equal(open_sender(ends, &sending), SL_OK);
    assert_int_equal(sl_sender_wait(ends->sender, -1), SL_OK);
}

static inline void close_both(struct ends *ends) {
    sl_sender_close(&ends->sender);
    sl_receiver_close(&ends->receiver);
}

static inline int send_number(struct ends *ends, uint32_t number, int timeout_ms) {
    sl_frame *frame = NULL;
    int64_t shape[] = {1};
    assert_int_equal(sl_frame_new_array(&frame, "uint32", 1, shape), SL_OK);
    memcpy(frame->planes[0], &number, sizeof number);
    int result = sl_sender_send(ends->sender, frame, timeout_ms);
    sl_frame_unref(&frame);
    return result;
}

static inline int receive_number(struct ends *ends, uint32_t *number, int timeout_ms) {
    sl_frame *frame = NULL;
    int result = sl_receiver_recv(ends->receiver, &frame, timeout_ms);
    if (result)
        return result;
    assert_int_equal(frame->size, sizeof *number);
    memcpy(number, frame->planes[0], sizeof *number);
    sl_frame_unref(&frame);
    return SL_OK;
}

#endif
