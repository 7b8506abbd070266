/* link: the connections of one socket. Used by this room alone.
 *
 * The descriptors are ZeroMQ's own, which may close them at any moment. So they are never read or
 * written here: they are asked for their counters, and a wrong answer about a number that was used
 * again does no harm. What is shut down is first seen to be a connection to this receiver. */
#include "link/peers.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PUBLISHER_UNSENT_BYTES (128 * 1024) /* in the kernel, not yet on the wire */

void sl_peers_remove(sl_peers *peers, sl_peer *peer) {
    size_t after = (size_t)(peers->all + peers->count - peer) - 1;
    memmove(peer, peer + 1, after * sizeof *peer);
    peers->count--;
}

bool sl_peers_add(sl_peers *peers, int fd) {
    sl_peer *old = sl_peers_find(peers, fd);
    if (old)
        sl_peers_remove(peers, old);
    if (peers->count == SL_PEERS_MAX)
        return false;
    peers->all[peers->count++] = (sl_peer){.fd = fd};
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

/* Bytes that came over a TCP connection, and how many of them the kernel still has. */
static bool count_bytes(int fd, uint64_t *received, uint64_t *unread) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int waiting = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) || ioctl(fd, FIONREAD, &waiting))
        return false;
    *received = info.tcpi_bytes_received;
    *unread = (uint64_t)waiting;
    return true;
}

void sl_peers_heard(sl_peers *peers, int fd) {
    sl_peer *peer = sl_peers_find(peers, fd);
    uint64_t unread;
    if (!peer)
        return;
    peer->up = true;
    count_bytes(fd, &peer->mark, &unread);
}

void sl_peers_heard_only(sl_peers *peers) {
    for (size_t i = 0; i < peers->count; i++) /* one that went may still be among them */
        sl_peers_heard(peers, peers->all[i].fd);
}

bool sl_peers_flooding(const sl_peers *peers, uint64_t limit) {
    uint64_t together = 0;
    for (size_t i = 0; i < peers->count; i++) {
        uint64_t received, unread;
        const sl_peer *peer = &peers->all[i];
        if (!count_bytes(peer->fd, &received, &unread) || received <= peer->mark + unread)
            continue;
        uint64_t unfinished = received - peer->mark - unread;
        together += unfinished;
        if (unfinished > limit)
            return true;
    }
    return together > SL_PEERS_SHARES * limit;
}

typedef union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
} address;

/* Whether it is connected, and to this port or socket file. (A socket that listens is not.) */
static bool was_accepted_at(int fd, int port, const char *path) {
    address own = {0}, other;
    socklen_t own_size = sizeof own - 1, other_size = sizeof other;
    if (getsockname(fd, &own.any, &own_size) || getpeername(fd, &other.any, &other_size))
        return false;
    switch (own.any.sa_family) {
    case AF_INET:
        return ntohs(own.ipv4.sin_port) == port;
    case AF_INET6:
        return ntohs(own.ipv6.sin6_port) == port;
    case AF_UNIX:
        return strcmp(own.local.sun_path, path) == 0;
    default:
        return false;
    }
}

/* libzmq has no call for it, but closes at once what it finds shut. */
void sl_peer_turn_away(int fd, int port, const char *path) {
    if (was_accepted_at(fd, port, path))
        shutdown(fd, SHUT_RDWR);
}

void sl_peer_tune_publisher(int fd) {
    int domain;
    socklen_t size = sizeof domain;
    int unsent = PUBLISHER_UNSENT_BYTES;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size))
        return;
    if (domain == AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &unsent, sizeof unsent);
    else
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}
