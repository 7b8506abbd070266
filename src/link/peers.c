/* link: the connections of one socket. Used by this room alone.
 *
 * The descriptors are ZeroMQ's own, which may close them at any moment. So they are never read,
 * written or shut here: they are asked for their counters, and a wrong answer about a number that
 * was used again does no harm. */
#include "link/peers.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PUBLISHER_UNSENT_BYTES (128 * 1024) /* in the kernel, not yet on the wire */

void sl_peers_remove(sl_peers *peers, sl_peer *peer) {
    size_t after = (size_t)(peers->all + peers->count - peer) - 1;
    memmove(peer, peer + 1, after * sizeof *peer);
    peers->count--;
}

void sl_peers_add(sl_peers *peers, int fd) {
    sl_peer *old = sl_peers_find(peers, fd);
    if (old)
        sl_peers_remove(peers, old);
    for (size_t i = 0; i < peers->count && peers->count == SL_PEERS_MAX; i++) {
        if (!peers->all[i].up)
            sl_peers_remove(peers, &peers->all[i]);
    }
    if (peers->count < SL_PEERS_MAX)
        peers->all[peers->count++] = (sl_peer){.fd = fd};
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

bool sl_peers_any_up(const sl_peers *peers) {
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->all[i].up)
            return true;
    }
    return false;
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

bool sl_peers_any_flooding(const sl_peers *peers, uint64_t limit) {
    for (size_t i = 0; i < peers->count; i++) {
        uint64_t received, unread;
        const sl_peer *peer = &peers->all[i];
        if (count_bytes(peer->fd, &received, &unread) && received > peer->mark + unread + limit)
            return true;
    }
    return false;
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
