/* link: the connections of one socket. Used by this room alone.
 *
 * The descriptors are ZeroMQ's own, which may close them at any moment. So they are never read or
 * written here: they are asked for their counters, and a wrong answer about a number that was used
 * again does no harm. What is shut down is first seen to be a connection to this receiver, and what
 * is tuned later than when it was made, to be one to the same place still. */
#include "link/peers.h"
#include "base/clock.h"
#include "base/meter.h"
#include "base/text.h"

#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What the kernel may hold back: of a second's bytes the fiftieth part. */
#define UNSENT_A_SECOND 50
#define UNSENT_LEAST    (INT64_C(16) * 1024)

#define HANDSHAKE_BYTES_MOST 1024 /* ZMTP's greeting, CURVE's words, the longest identity */

void sl_peers_remove(sl_peers *peers, sl_peer *peer) {
    size_t after = (size_t)(peers->all + peers->count - peer) - 1;
    memmove(peer, peer + 1, after * sizeof *peer);
    peers->count--;
}

static void name_peer(int fd, char name[SL_PEER_NAME_MAX]) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN + 1], port[8];
    *name = '\0';
    if (getpeername(fd, (struct sockaddr *)&address, &size) ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    const char *usual = sl_text_address(host);
    snprintf(name, SL_PEER_NAME_MAX, strchr(usual, ':') ? "[%s]:%s" : "%s:%s", usual, port);
}

bool sl_peers_add(sl_peers *peers, int fd) {
    sl_peer *old = sl_peers_find(peers, fd);
    if (old)
        sl_peers_remove(peers, old);
    if (peers->count == SL_PEERS_MAX)
        return false;
    sl_peer *added = &peers->all[peers->count++];
    *added = (sl_peer){.fd = fd, .number = ++peers->numbered, .mark_us = sl_now_us()};
    name_peer(fd, added->name);
    return true;
}

sl_peer *sl_peers_find(sl_peers *peers, int fd) {
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->all[i].fd == fd)
            return &peers->all[i];
    }
    return NULL;
}

sl_peer *sl_peers_newest_waiting(sl_peers *peers) {
    for (size_t i = peers->count; i > 0; i--) {
        if (!peers->all[i - 1].up)
            return &peers->all[i - 1];
    }
    return NULL;
}

size_t sl_peers_up(const sl_peers *peers) {
    size_t up = 0;
    for (size_t i = 0; i < peers->count; i++)
        up += peers->all[i].up;
    return up;
}

size_t sl_peers_heard_count(const sl_peers *peers) {
    size_t heard = 0;
    for (size_t i = 0; i < peers->count; i++)
        heard += peers->all[i].heard;
    return heard;
}

sl_peer *sl_peers_silent(sl_peers *peers, int64_t since_us) {
    for (size_t i = 0; i < peers->count; i++) {
        if (!peers->all[i].heard && peers->all[i].mark_us < since_us)
            return &peers->all[i];
    }
    return NULL;
}

sl_peer *sl_peers_idle(sl_peers *peers, int64_t since_us) {
    sl_peer *idle = NULL;
    for (size_t i = 0; i < peers->count; i++) {
        sl_peer *peer = &peers->all[i];
        if (peer->mark_us < (idle ? idle->mark_us : since_us))
            idle = peer;
    }
    return idle;
}

/* Bytes that came over a connection, and how many of them the kernel still has. */
static bool count_bytes(int fd, uint64_t *received, uint64_t *unread) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int waiting = 0;
    if (ioctl(fd, FIONREAD, &waiting))
        return false;
    *unread = (uint64_t)waiting;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
        return sl_meter_read(fd, received);
    *received = info.tcpi_bytes_received;
    return true;
}

bool sl_peer_brought_little(int fd) {
    uint64_t received, unread;
    return count_bytes(fd, &received, &unread) && received <= HANDSHAKE_BYTES_MOST;
}

static void mark(sl_peer *peer) {
    uint64_t unread;
    count_bytes(peer->fd, &peer->mark, &unread);
    peer->mark_us = sl_now_us();
}

sl_peer *sl_peers_begin(sl_peers *peers, int fd) {
    sl_peer *peer = sl_peers_find(peers, fd);
    if (peer)
        mark(peer);
    return peer;
}

void sl_peers_heard(sl_peers *peers, int fd) {
    sl_peer *peer = sl_peers_find(peers, fd);
    if (!peer)
        return;
    peer->up = true;
    peer->heard = true;
    mark(peer);
}

bool sl_peers_have(const sl_peers *peers, uint64_t number) {
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->all[i].number == number)
            return true;
    }
    return false;
}

void sl_peers_heard_only(sl_peers *peers) {
    for (size_t i = 0; i < peers->count; i++) /* one that went may still be among them */
        sl_peers_heard(peers, peers->all[i].fd);
}

size_t sl_peers_waiting(const sl_peers *peers) {
    size_t waiting = 0;
    for (size_t i = 0; i < peers->count; i++) {
        uint64_t received, unread;
        const sl_peer *peer = &peers->all[i];
        waiting +=
            peer->up && (!count_bytes(peer->fd, &received, &unread) || received > peer->mark);
    }
    return waiting;
}

void sl_peers_measure(sl_peers *peers) {
    for (size_t i = 0; i < peers->count; i++) {
        uint64_t received, unread;
        sl_peer *peer = &peers->all[i];
        bool some = count_bytes(peer->fd, &received, &unread) && received > peer->mark + unread;
        peer->unfinished = some ? received - peer->mark - unread : 0;
    }
}

/* A large message that comes and goes burdens less than a small one that stays. */
static double burden(const sl_peer *peer, int64_t now_us) {
    return (double)peer->unfinished * (double)(now_us - peer->mark_us);
}

sl_peer *sl_peers_flooder(sl_peers *peers, uint64_t limit, uint64_t together) {
    int64_t now_us = sl_now_us();
    uint64_t sum = 0;
    sl_peer *worst = NULL;
    for (size_t i = 0; i < peers->count; i++) {
        sl_peer *peer = &peers->all[i];
        if (peer->unfinished > limit)
            return peer;
        sum += peer->unfinished;
        if (!worst || burden(peer, now_us) > burden(worst, now_us))
            worst = peer;
    }
    return sum > together ? worst : NULL;
}

typedef union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
} address;

static bool is_at(const address *place, int port, const char *path) {
    switch (place->any.sa_family) {
    case AF_INET:
        return ntohs(place->ipv4.sin_port) == port;
    case AF_INET6:
        return ntohs(place->ipv6.sin6_port) == port;
    case AF_UNIX:
        return strcmp(place->local.sun_path, path) == 0;
    default:
        return false;
    }
}

/* (A socket that listens is not connected.) */
bool sl_peers_accepted_at(int fd, int port, const char *path) {
    address own = {0}, other;
    socklen_t own_size = sizeof own - 1, other_size = sizeof other;
    return getsockname(fd, &own.any, &own_size) == 0 &&
           getpeername(fd, &other.any, &other_size) == 0 && is_at(&own, port, path);
}

bool sl_peers_hang_up(const sl_peers *peers, int port, const char *path) {
    bool hung_up = false;
    for (size_t i = 0; i < peers->count; i++) {
        address other = {0};
        socklen_t size = sizeof other - 1;
        int fd = peers->all[i].fd;
        if (peers->all[i].up && getpeername(fd, &other.any, &size) == 0 &&
            is_at(&other, port, path))
            hung_up |= shutdown(fd, SHUT_WR) == 0;
    }
    return hung_up;
}

/* libzmq has no call for it, but closes at once what it finds shut; and without lingering, since
 * TCP would let one who was amid sending wait a minute for room. */
void sl_peers_turn_away(sl_peers *peers, int fd, bool own) {
    static const struct linger none = {.l_onoff = 1};
    sl_peer *peer = sl_peers_find(peers, fd);
    if (peer)
        sl_peers_remove(peers, peer);
    peers->turned_away++;
    if (!own)
        return;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    shutdown(fd, SHUT_RDWR);
}

static void bound_unsent(int fd, int bytes) {
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void sl_peer_tune(sl_peer *peer, const sl_peer_tuning *tuning) {
    int fd = peer->fd, domain, local = tuning->local_unsent_bytes;
    socklen_t size = sizeof domain;
    if (tuning->unsent_bytes == 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size))
        return;
    if (domain == AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &local, sizeof local);
        return;
    }
    bound_unsent(fd, tuning->unsent_bytes);
    if (tuning->by_loss)
        sl_congestion_init(&peer->congestion, fd);
}

/* Whether its descriptor is still a connection to the same place, over TCP. */
static bool is_there(const sl_peer *peer) {
    char name[SL_PEER_NAME_MAX];
    name_peer(peer->fd, name);
    return *name && strcmp(name, peer->name) == 0;
}

void sl_peers_tune(sl_peers *peers, const sl_peer_tuning *tuning) {
    for (size_t i = 0; i < peers->count; i++) {
        sl_peer *peer = &peers->all[i];
        if (!is_there(peer))
            continue;
        bound_unsent(peer->fd, tuning->unsent_bytes);
        if (tuning->by_loss)
            sl_congestion_look(&peer->congestion, peer->fd, sl_now_us());
    }
}

int sl_peers_unsent(int64_t bytes_per_s, int most) {
    int64_t unsent = bytes_per_s / UNSENT_A_SECOND;
    return (int)(unsent < UNSENT_LEAST ? UNSENT_LEAST : unsent > most ? most : unsent);
}

void sl_peers_pace(sl_peers *peers, int most) {
    for (size_t i = 0; i < peers->count; i++) {
        int fd = peers->all[i].fd;
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        if (is_there(&peers->all[i]) && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) &&
            info.tcpi_delivery_rate > 0)
            bound_unsent(fd, sl_peers_unsent((int64_t)info.tcpi_delivery_rate, most));
    }
}
