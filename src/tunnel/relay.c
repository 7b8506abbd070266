/* tunnel: the relay. Used by the OpenSSH back-end.
 *
 * Bounded both ways: no more is read at one end before the other has taken what was. */
#include "tunnel/relay.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/meter.h"
#include "tunnel/far_port.h"
#include "tunnel/local.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

enum { SSH, LINK, ENDS };

/* From one end to the other. */
struct way {
    char bytes[CHUNK_BYTES];
    size_t start, end; /* of those that the other end has not taken */
    bool ended;        /* no more will come, or is wanted */
    bool told;         /* and the other end knows */
};

struct sl_relay_joint {
    int ends[ENDS];
    bool gone[ENDS];       /* it neither takes nor sends more; what it had sent may be unread */
    struct way ways[ENDS]; /* each from the end of its number */
    sl_meter *meter;       /* of what the link has taken */
    int64_t heard_us;      /* when ssh last brought something, or the connection */
};

static bool is_empty(const struct way *way) {
    return way->start == way->end;
}

/* Nobody wants what is on this way. */
static void drop(struct way *way) {
    way->start = way->end = 0;
    way->ended = true;
}

static void part(sl_relay_joint **joint) {
    sl_meter_close(&(*joint)->meter); /* while its socket holds the name that others may get next */
    for (int end = 0; end < ENDS; end++)
        sl_local_close(&(*joint)->ends[end], NULL);
    free(*joint);
    *joint = NULL;
}

/* Joins a connection of ssh's with the link. NULL, and it is closed, when there is no link that
 * takes it, or when what it brings couldn't be counted. */
static sl_relay_joint *join(int ssh, const char *link_path) {
    sl_relay_joint *joint = calloc(1, sizeof(*joint));
    if (!joint) {
        sl_local_close(&ssh, NULL);
        return NULL;
    }
    joint->ends[SSH] = ssh;
    joint->heard_us = sl_now_us();
    joint->ends[LINK] = sl_local_connect(link_path);
    if (joint->ends[LINK] < 0 || sl_meter_open(&joint->meter, joint->ends[LINK]) < 0)
        part(&joint);
    return joint;
}

/* A place for one more; -1: there is none, and nobody has to make way. */
static int find_place(sl_relay *relay) {
    int64_t heard_us[SL_RELAY_MOST];
    for (int place = 0; place < SL_RELAY_MOST; place++) {
        if (!relay->joints[place])
            return place;
        heard_us[place] = relay->joints[place]->heard_us;
    }
    int idle = sl_far_port_find_idle(heard_us, SL_RELAY_MOST);
    sl_far_port_tell_full(relay->job, SL_RELAY_MOST, idle >= 0);
    if (idle >= 0)
        part(&relay->joints[idle]);
    return idle;
}

static void admit(sl_relay *relay) {
    int ssh = sl_local_accept(relay->listener, &relay->rest_until_us);
    int place = ssh >= 0 ? find_place(relay) : -1;
    if (place >= 0)
        relay->joints[place] = join(ssh, relay->job->plan.link_path);
    else if (ssh >= 0)
        sl_local_close(&ssh, NULL);
}

static void take(struct way *way, int descriptor) {
    ssize_t size = recv(descriptor, way->bytes, CHUNK_BYTES, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    way->start = 0;
    way->end = size > 0 ? (size_t)size : 0;
    way->ended = size <= 0;
}

static void give(struct way *way, int descriptor, sl_meter *meter) {
    ssize_t taken =
        sl_local_give(descriptor, way->bytes + way->start, way->end - way->start, meter);
    if (taken < 0)
        drop(way);
    else
        way->start += (size_t)taken;
}

static void move(sl_relay_joint *joint, int from, bool readable) {
    struct way *way = &joint->ways[from];
    int to = joint->ends[!from];
    if (readable && !way->ended && is_empty(way))
        take(way, joint->ends[from]);
    if (from == SSH && readable && !is_empty(way))
        joint->heard_us = sl_now_us();
    if (!is_empty(way))
        give(way, to, from == SSH ? joint->meter : NULL);
    if (way->ended && is_empty(way) && !way->told) {
        shutdown(to, SHUT_WR);
        way->told = true;
    }
}

/* One connection's turn. True once both of its ways have ended. */
static bool step(sl_relay_joint *joint, const struct pollfd polled[ENDS]) {
    for (int end = 0; end < ENDS; end++) {
        if (!(polled[end].revents & (POLLHUP | POLLERR)))
            continue;
        joint->gone[end] = true;
        drop(&joint->ways[!end]);
    }
    for (int end = 0; end < ENDS; end++)
        move(joint, end, polled[end].revents != 0);
    return joint->ways[SSH].told && joint->ways[LINK].told;
}

int sl_relay_start(sl_relay *relay, sl_tunnel_job *job) {
    *relay = (sl_relay){.job = job};
    return sl_local_listen(&relay->listener, job->relay_path);
}

static struct pollfd watch(const sl_relay_joint *joint, int end) {
    const struct way *from = &joint->ways[end], *to = &joint->ways[!end];
    struct pollfd polled = {.fd = joint->ends[end]};
    polled.events |= !from->ended && is_empty(from) ? POLLIN : 0;
    polled.events |= is_empty(to) ? 0 : POLLOUT;
    if (joint->gone[end] && !polled.events)
        polled.fd = -1; /* poll() would say again and again that it has gone */
    return polled;
}

void sl_relay_watch(const sl_relay *relay, struct pollfd polled[SL_RELAY_POLLED]) {
    bool rests = sl_remaining_ms(relay->rest_until_us) > 0;
    polled[0] = (struct pollfd){.fd = rests ? -1 : relay->listener, .events = POLLIN};
    for (int i = 0; i < SL_RELAY_MOST; i++)
        for (int end = 0; end < ENDS; end++)
            polled[1 + ENDS * i + end] =
                relay->joints[i] ? watch(relay->joints[i], end) : (struct pollfd){.fd = -1};
}

int sl_relay_timeout_ms(const sl_relay *relay) {
    int left_ms = sl_remaining_ms(relay->rest_until_us);
    return left_ms > 0 ? left_ms : -1;
}

void sl_relay_work(sl_relay *relay, const struct pollfd polled[SL_RELAY_POLLED]) {
    for (int i = 0; i < SL_RELAY_MOST; i++)
        if (relay->joints[i] && step(relay->joints[i], &polled[1 + ENDS * i]))
            part(&relay->joints[i]);
    if (polled[0].revents)
        admit(relay);
}

void sl_relay_finish(sl_relay *relay) {
    for (int i = 0; i < SL_RELAY_MOST; i++)
        if (relay->joints[i])
            part(&relay->joints[i]);
    if (relay->listener >= 0)
        sl_local_close(&relay->listener, relay->job->relay_path);
}
