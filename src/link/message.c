/* link: handing messages to ZeroMQ and taking them from it, without copying their bytes. */
#include "base/clock.h"
#include "base/error.h"
#include "link/room.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* A part on its way. ZeroMQ's thread frees it. */
typedef struct shipment {
    sl_link *link; /* that counts it; NULL: nobody does */
    /* Written last and read first: handing over goes through ZeroMQ's own locks, and this shows it
     * to those who can't see them. */
    _Atomic(sl_buffer *) part;
} shipment;

static void arrive(void *data, void *hint) {
    (void)data;
    shipment *own = hint;
    sl_buffer *part = atomic_load_explicit(&own->part, memory_order_acquire);
    sl_link *link = own->link;
    sl_buffer_unref(&part);
    free(own);
    if (!link)
        return;
    atomic_fetch_sub_explicit(&link->under_way, 1, memory_order_release);
    sl_event_set(&link->departed);
}

/* Wraps a part for ZeroMQ. On failure nothing was taken. */
static int pack(sl_link *link, sl_buffer *part, bool last, zmq_msg_t *packed) {
    shipment *own = malloc(sizeof *own);
    if (!own)
        return sl_fail_memory();
    bool counted = last && sl_link_publishes(link);
    own->link = counted ? link : NULL;
    sl_buffer *kept = sl_buffer_ref(part);
    atomic_init(&own->part, NULL);
    atomic_store_explicit(&own->part, kept, memory_order_release);
    if (zmq_msg_init_data(packed, part->data, part->size, arrive, own)) {
        sl_buffer_unref(&kept);
        free(own);
        return sl_fail_memory();
    }
    if (counted)
        atomic_fetch_add_explicit(&link->under_way, 1, memory_order_relaxed);
    return SL_OK;
}

static int send_part(sl_link *link, sl_buffer *part, bool last) {
    zmq_msg_t packed;
    int result = pack(link, part, last, &packed);
    if (result)
        return result;
    while (zmq_msg_send(&packed, link->socket, ZMQ_DONTWAIT | (last ? 0 : ZMQ_SNDMORE)) < 0) {
        int error = errno;
        if (error == EINTR)
            continue;
        zmq_msg_close(&packed);
        if (error == EAGAIN || error == EFSM)
            return SL_EAGAIN;
        return sl_fail(SL_ESYSTEM, "cannot send: %s", zmq_strerror(error));
    }
    return SL_OK;
}

/* A sender gives nothing to ZeroMQ before there is a peer: it would be stale by then. And a
 * publisher gives it a frame only when the one before has left, because what waits there could not
 * make way for a newer one. In all else ZeroMQ's own limits count. */
static bool has_room(const sl_link *link) {
    if (link->role == SL_ROLE_SENDER && !link->state.connected)
        return false;
    return !sl_link_publishes(link) ||
           atomic_load_explicit(&link->under_way, memory_order_acquire) == 0;
}

bool sl_link_writable(sl_link *link) {
    int events = 0;
    size_t size = sizeof events;
    return has_room(link) && zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT);
}

int sl_link_send(sl_link *link, sl_buffer *const *parts, size_t count) {
    bool only_receives = link->pattern == SL_PATTERN_PUBSUB && !sl_link_publishes(link);
    if (count == 0 || only_receives || sl_link_routes(link))
        return sl_fail(SL_EINVAL, "there is nothing to send, or this end only receives");
    /* Asked first, because libzmq looks but once a millisecond by itself whether there is room. */
    if (!sl_link_writable(link))
        return SL_EAGAIN;
    for (size_t i = 0; i < count; i++) {
        int result = send_part(link, parts[i], i + 1 == count);
        if (result == SL_OK)
            continue;
        /* The peer went away amid the message. The socket may still hold the first parts for the
         * next peer: it is safer to begin with a new one. */
        int reopened = i > 0 ? sl_socket_reopen(link) : SL_OK;
        return reopened ? reopened : result;
    }
    sched_yield(); /* to libzmq's thread, which may have been woken on this core: it is to send */
    return SL_OK;
}

/* Names the peer that what follows is for. */
static int address_to(sl_link *link, const sl_buffer *to) {
    while (zmq_send(link->socket, to->data, to->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        if (errno == EAGAIN)
            return SL_EAGAIN;
        if (errno == EHOSTUNREACH)
            return sl_fail(SL_EUNREACHABLE, "this sender has gone");
        if (errno != EINTR)
            return sl_fail(SL_ESYSTEM, "cannot send: %s", zmq_strerror(errno));
    }
    return SL_OK;
}

int sl_link_send_to(sl_link *link, const sl_buffer *from, sl_buffer *const *parts, size_t count) {
    if (count == 0 || !from || !sl_link_routes(link))
        return sl_fail(SL_EINVAL, "there is nothing to send, or nobody to send it to");
    sl_link_writable(link); /* has libzmq see what has changed: who is gone, who has room again */
    int result = address_to(link, from);
    /* A peer that goes from here on takes the message with it. */
    for (size_t i = 0; i < count && !result; i++)
        result = send_part(link, parts[i], i + 1 == count);
    return result;
}

static void release_received(void *opaque, void *data) {
    (void)data;
    zmq_msg_close(opaque);
    free(opaque);
}

/* Makes a buffer of `received`, which is emptied. */
static int keep(zmq_msg_t *received, sl_buffer **kept) {
    zmq_msg_t *own = malloc(sizeof *own);
    if (!own)
        return sl_fail_memory();
    zmq_msg_init(own);
    zmq_msg_move(own, received);
    /* Short messages stand within the zmq_msg_t itself: only now is it where it will stay. */
    int result = sl_buffer_wrap(kept, zmq_msg_data(own), zmq_msg_size(own), release_received, own);
    if (result)
        release_received(own, NULL);
    return result;
}

/* Puts the part with this index where it belongs. A ROUTER's first tells whose the others are. */
static int keep_part(const sl_link *link, size_t index, zmq_msg_t *received,
                     sl_link_message *message) {
    if (sl_link_routes(link) && index == 0)
        return keep(received, &message->from);
    if (message->count == SL_LINK_PARTS_MAX) {
        message->truncated = true;
        return SL_OK;
    }
    int result = keep(received, &message->parts[message->count]);
    message->count += result == SL_OK;
    return result;
}

/* The next part, waiting for none: of a message that has begun, all are there. */
static int receive_part(sl_link *link, zmq_msg_t *received) {
    while (zmq_msg_recv(received, link->socket, ZMQ_DONTWAIT) < 0) {
        int error = errno;
        if (error == EINTR)
            continue;
        if (error == EAGAIN || error == EFSM)
            return SL_EAGAIN;
        return sl_fail(SL_ESYSTEM, "cannot receive: %s", zmq_strerror(error));
    }
    return SL_OK;
}

/* Notes over which connection the message came whose last part this is. False when that one is not
 * to be listened to. */
static bool hear(sl_link *link, zmq_msg_t *last, sl_link_message *message) {
    int fd = zmq_msg_get(last, ZMQ_SRCFD);
    if (!sl_monitor_hear(link, fd, zmq_msg_gets(last, "Socket-Type")))
        return false;
    const sl_peer *peer = sl_peers_find(&link->peers, fd);
    message->connection = peer ? peer->number : 0;
    return true;
}

int sl_message_read(sl_link *link, sl_link_message *message) {
    *message = (sl_link_message){0};
    zmq_msg_t received;
    zmq_msg_init(&received);
    int result = SL_OK;
    bool more = true;
    for (size_t index = 0; more; index++) {
        int got = receive_part(link, &received);
        if (got) {
            result = got;
            break;
        }
        more = zmq_msg_more(&received);
        if (!more && !hear(link, &received, message))
            result = SL_EAGAIN;
        if (result == SL_OK)
            result = keep_part(link, index, &received, message);
    }
    zmq_msg_close(&received);
    if (result)
        sl_link_message_clear(message);
    return result;
}

int sl_link_receive(sl_link *link, sl_link_message *message) {
    *message = link->saved;
    link->saved = (sl_link_message){0};
    if (message->count > 0)
        return SL_OK;
    return sl_link_publishes(link) ? SL_EAGAIN : sl_message_read(link, message);
}

size_t sl_link_waiting(const sl_link *link) {
    return sl_peers_waiting(&link->peers);
}

bool sl_link_has(const sl_link *link, uint64_t from) {
    return sl_peers_have(&link->peers, from);
}

void sl_link_message_clear(sl_link_message *message) {
    for (size_t i = 0; i < message->count; i++)
        sl_buffer_unref(&message->parts[i]);
    sl_buffer_unref(&message->from);
    *message = (sl_link_message){0};
}
