/* What tests of several ends send: frames that are a number each. Behind cmocka.h. */
#ifndef API_NUMBERS_H
#define API_NUMBERS_H

#include <sightline/sightline.h>
#include <stdio.h>
#include <string.h>

static inline void send_number(sl_sender *sender, uint32_t number) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new_array(&frame, "uint32", 1, (int64_t[]){1}), SL_OK);
    memcpy(frame->planes[0], &number, sizeof(number));
    assert_int_equal(sl_sender_send(sender, frame, -1), SL_OK);
    sl_frame_unref(&frame);
}

/* The next number, and the port of whom it is from (NULL: doesn't matter). */
static inline uint32_t receive_number(sl_receiver *receiver, char *port, size_t size) {
    sl_frame *frame = NULL;
    uint32_t number = 0;
    assert_int_equal(sl_receiver_recv(receiver, &frame, 60000), SL_OK);
    memcpy(&number, frame->planes[0], sizeof(number));
    if (port)
        snprintf(port, size, "%s", frame->port ? frame->port : "nobody");
    sl_frame_unref(&frame);
    return number;
}

#endif
