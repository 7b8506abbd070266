/* link: who it is that stands at a place. Used by this room alone.
 *
 * libzmq does not tell another socket type from bytes that are no ZMTP. So a sender that was
 * refused looks once more itself: it connects, greets as ZMTP does, and reads what comes. It leaves
 * before the handshake is over, so nobody takes it for a peer. Who only wants to know who is there
 * says no more than it takes to be told. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "link/room.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Starts to connect to an address; -1 if that fails at once. */
static int connect_address(const struct sockaddr *address, socklen_t size) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, address, size) && errno != EINPROGRESS) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static int connect_file(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    return connect_address((struct sockaddr *)&address, sizeof address);
}

static int connect_place(const sl_place *place) {
    if (place->local)
        return connect_file(place->host);
    struct addrinfo wish = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    char port[8];
    snprintf(port, sizeof port, "%d", place->port);
    if (getaddrinfo(place->host, port, &wish, &found)) {
        errno = EINVAL;
        return -1;
    }
    int fd = connect_address(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

static bool say(int fd, const uint8_t *bytes, size_t size) {
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Greets, and reads what it says, until that is enough or the time is over. Who hears of another
 * security ends the connection at once, and what he was about to say with it: so the whole greeting
 * follows only when his is there; without a manner only if he is to say more. */
static void talk_to(int fd, const sl_manner *manner, const sl_cancel *cancel, int64_t deadline_us,
                    sl_greeting *greeting) {
    uint8_t ours[SL_GREETING_BYTES];
    size_t said = SL_GREETING_ASKING;
    uint8_t heard[SL_GREETING_BYTES_MAX];
    size_t size = 0;
    int64_t asked_us = sl_now_us();
    sl_greeting_write(ours, manner && manner->secure);
    if (!say(fd, ours, said))
        return;
    while (size < sizeof heard && sl_wait(fd, POLLIN, cancel, deadline_us) == SL_OK) {
        ssize_t got = recv(fd, heard + size, sizeof heard - size, 0);
        greeting->ended = got <= 0;
        if (greeting->ended)
            return;
        size += (size_t)got;
        if (size > SL_GREETING_UNASKED && greeting->round_trip_us < 0)
            greeting->round_trip_us = sl_now_us() - asked_us;
        bool enough = sl_greeting_read(heard, size, greeting);
        bool more = manner || !enough;
        if (more && greeting->zmtp && size >= SL_GREETING_BYTES && said < sizeof ours) {
            enough |= !say(fd, ours + said, sizeof ours - said);
            said = sizeof ours;
        }
        if (enough)
            return;
    }
}

/* A viewer that doesn't match should know of it too: which of two real peers finds out first, and
 * ends the connection, is chance. ZeroMQ would let some in though they don't match, but no viewer
 * lets in another one. Waits until it has ended this connection. */
static void tell_manner(int fd, sl_manner manner, const sl_greeting *greeting,
                        const sl_cancel *cancel, int64_t deadline_us) {
    uint8_t bytes[SL_GREETING_BYTES];
    size_t size = sl_greeting_write_ready(bytes, manner.pattern, true);
    if (!greeting->socket_type[0] || say(fd, bytes, size))
        sl_wait(fd, POLLIN, cancel, deadline_us);
}

/* Without a manner it only looks. */
static int visit(const sl_place *place, const sl_manner *manner, const sl_cancel *cancel,
                 int64_t deadline_us, sl_greeting *greeting) {
    char why[SL_MISMATCH_MAX];
    int failure = 0;
    socklen_t size = sizeof failure;
    *greeting = (sl_greeting){.round_trip_us = -1};
    int fd = connect_place(place);
    if (fd < 0)
        return errno;
    int waited = sl_wait(fd, POLLOUT, cancel, deadline_us);
    if (waited != SL_OK)
        failure = waited == SL_EAGAIN ? ETIMEDOUT : ECANCELED;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size))
        failure = errno;
    if (failure == 0) {
        talk_to(fd, manner, cancel, deadline_us, greeting);
        if (manner && sl_greeting_tells(greeting, *manner) &&
            sl_greeting_mismatch(greeting, *manner, "", why))
            tell_manner(fd, *manner, greeting, cancel, deadline_us);
    }
    close(fd);
    return failure;
}

int sl_stranger_ask(const sl_place *place, sl_manner manner, const sl_cancel *cancel,
                    int64_t deadline_us, sl_greeting *greeting) {
    return visit(place, &manner, cancel, deadline_us, greeting);
}

int sl_stranger_look(const sl_place *place, const sl_cancel *cancel, int64_t deadline_us,
                     sl_greeting *greeting) {
    return visit(place, NULL, cancel, deadline_us, greeting);
}
