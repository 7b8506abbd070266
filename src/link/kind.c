/* link: the ZeroMQ sockets that the patterns' ends are made of, a row for each. Used by this room
 * alone. */
#include "link/room.h"

#include <zmq.h>

/* Lockstep has one message out, so this holds none back. It is more than one because libzmq's
 * reader tells the writer of room, and wakes it, with every part that it reads while half of this
 * divides the number of messages it has read so far (pipe_t::read() in 4.3). */
#define MESSAGES_OUT 8

/* libzmq 4.3's REQ ends a connection for good when a late reply finds the queue full, so that there
 * must be room for some. */
#define REPLIES_IN 4

/* What subscribers may send a publisher: their subscriptions, and what a handshake takes. */
#define SUBSCRIPTION_BYTES_MOST 1024

/* The window of acknowledged bytes is what bounds a live sender, so that this must not. */
#define CHUNKS_OUT 1024

/* Of SL_LIVE_TO_RECEIVER_MAX each, so that a sender can fill 1 MiB with what isn't read. */
#define CHUNKS_IN 16

/* There are two for a chunk. Of SL_LIVE_TO_SENDER_MAX each, so that a peer who does not read them,
 * or isn't read, can fill 1 MiB. */
#define ACKNOWLEDGEMENTS 256

/* A live sender does not go on for long when nobody acknowledges its bytes. */
#define LIVE_UNANSWERED_MS 10000

/* What may wait in the kernel that is not on the wire yet. Of a Unix socket it takes twice what it
 * is told, and counts more than the bytes themselves. */
#define PUBLISHER_UNSENT_BYTES  (128 * 1024) /* at most; sl_peers_pace() knows better */
#define LIVE_UNSENT_BYTES       (64 * 1024)  /* until sl_link_pace() knows better */
#define LIVE_LOCAL_UNSENT_BYTES (32 * 1024)

/* The parts that go with a frame; and where there are none, what a peer's ZeroMQ says by itself. */
#define BESIDE_FRAME (INT64_C(1024) * 1024)
#define BESIDE_CHUNK (INT64_C(8) * 1024)

/* All peers together may hold so many times unfinished what one may. When a live receiver comes
 * back from a pause, each of many senders may have its queue full: 75 MiB are for that. */
#define SHARES      4
#define LIVE_SHARES 64

/* Of each connection that was lost its queue may be left: a frame, or 1 MiB of chunks. */
#define FRAMES_LOST_MOST 8
#define CHUNKS_LOST_MOST 64

#define NETGEAR .shares = SHARES, .beside_bytes = BESIDE_FRAME

static const sl_socket_kind kinds[][2] = {
    [SL_PATTERN_PAIR][SL_ROLE_SENDER] = {ZMQ_PAIR, MESSAGES_OUT, 1, NETGEAR},
    [SL_PATTERN_PAIR][SL_ROLE_RECEIVER] = {ZMQ_PAIR, MESSAGES_OUT, 1, NETGEAR},
    [SL_PATTERN_REQREP][SL_ROLE_SENDER] =
        {
            ZMQ_REQ,
            MESSAGES_OUT,
            REPLIES_IN,
            NETGEAR,
            .options = {{ZMQ_REQ_RELAXED, 1}, {ZMQ_REQ_CORRELATE, 1}},
            .confusable = true,
        },
    [SL_PATTERN_REQREP][SL_ROLE_RECEIVER] =
        {
            ZMQ_REP,
            MESSAGES_OUT,
            1,
            NETGEAR,
            .lost_most = FRAMES_LOST_MOST,
        },
    [SL_PATTERN_PUBSUB][SL_ROLE_SENDER] =
        {
            ZMQ_XPUB, /* PUB that tells of its subscribers */
            1,
            1,
            NETGEAR,
            .message_bytes = SUBSCRIPTION_BYTES_MOST,
            .tuning = {PUBLISHER_UNSENT_BYTES, PUBLISHER_UNSENT_BYTES, false},
            .options = {{ZMQ_XPUB_NODROP, 1}, {ZMQ_IMMEDIATE, 1}},
        },
    [SL_PATTERN_PUBSUB][SL_ROLE_RECEIVER] = {ZMQ_SUB, MESSAGES_OUT, 1, NETGEAR},
    [SL_PATTERN_LIVE][SL_ROLE_SENDER] =
        {
            ZMQ_DEALER,
            CHUNKS_OUT,
            ACKNOWLEDGEMENTS,
            .shares = SHARES,
            .beside_bytes = BESIDE_CHUNK,
            .message_bytes = SL_LIVE_TO_SENDER_MAX,
            .tuning = {LIVE_UNSENT_BYTES, LIVE_LOCAL_UNSENT_BYTES, true},
            .options = {{ZMQ_IMMEDIATE, 1}, {ZMQ_TCP_MAXRT, LIVE_UNANSWERED_MS}},
            .confusable = true,
        },
    /* Without ZMQ_ROUTER_HANDOVER, so that nobody takes over another's identity. */
    [SL_PATTERN_LIVE][SL_ROLE_RECEIVER] =
        {
            ZMQ_ROUTER,
            ACKNOWLEDGEMENTS,
            CHUNKS_IN,
            .shares = LIVE_SHARES,
            .beside_bytes = BESIDE_CHUNK,
            .message_bytes = SL_LIVE_TO_RECEIVER_MAX,
            .options = {{ZMQ_ROUTER_MANDATORY, 1}},
            .confusable = true,
            .lost_most = CHUNKS_LOST_MOST,
        },
};

const sl_socket_kind *sl_socket_kind_of(sl_pattern pattern, sl_role role) {
    return &kinds[pattern][role];
}
