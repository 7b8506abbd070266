/* What tests of many peers at one receiver share. */
#ifndef UNIT_LINK_CROWD_H
#define UNIT_LINK_CROWD_H

#include "ends.h"
#include "link/peers.h"

static UNUSED size_t count_closed(const int *peers, size_t count) {
    size_t closed = 0;
    for (size_t i = 0; i < count; i++)
        closed += closed_by_peer(peers[i]);
    return closed;
}

/* Fills a receiver with peers. */
static UNUSED void fill(const ends *both, const char *socket_type, int *peers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        peers[i] = connect_zmtp(state_of(both->receiver).port, socket_type);
        UNTIL(both, state_of(both->receiver).connects == i + 1);
    }
    assert_int_equal(state_of(both->receiver).refused, 0);
}

/* A whole message comes from there. */
static UNUSED void hear(const ends *both, int fd, const uint8_t *message, size_t size) {
    sl_link_message heard;
    assert_int_equal(send(fd, message, size, MSG_NOSIGNAL), size);
    UNTIL(both, sl_link_receive(both->receiver, &heard) == SL_OK);
    sl_link_message_clear(&heard);
}

/* Tries until there is a place for one more. */
static UNUSED int connect_more(const ends *both, const char *socket_type) {
    uint64_t connects = state_of(both->receiver).connects;
    for (;;) {
        int fd = connect_zmtp(state_of(both->receiver).port, socket_type);
        UNTIL(both, state_of(both->receiver).connects > connects || closed_by_peer(fd));
        if (state_of(both->receiver).connects > connects)
            return fd;
        close(fd);
        int64_t again_us = sl_now_us() + SL_SECOND_US / 10;
        UNTIL(both, sl_now_us() > again_us);
    }
}

#endif
