/* link: who it is that refused. Used by this room alone.
 *
 * libzmq does not tell another socket type from bytes that are no ZMTP. So a sender that was
 * refused looks once more itself: it connects, greets as ZMTP does, and reads the first answer. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/text.h"
#include "link/room.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 500

static const uint8_t signature[10] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f};

/* Starts to connect to an address; -1 if that fails at once. */
static int connect_address(const struct sockaddr *address, socklen_t size) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, address, size) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_file(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return -1;
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
    if (getaddrinfo(place->host, port, &wish, &found))
        return -1;
    int fd = connect_address(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

sl_stranger sl_stranger_ask(const sl_place *place, char *says, size_t size) {
    sl_stranger kind = SL_STRANGER_SILENT;
    int64_t deadline_us = sl_deadline_us(PATIENCE_MS);
    int fd = connect_place(place);
    *says = '\0';
    if (fd < 0)
        return kind;
    if (sl_wait(fd, POLLOUT, NULL, deadline_us) == SL_OK &&
        send(fd, signature, sizeof signature, MSG_NOSIGNAL) == (ssize_t)sizeof signature &&
        sl_wait(fd, POLLIN, NULL, deadline_us) == SL_OK) {
        ssize_t got = recv(fd, says, size - 1, 0);
        if (got > 0) {
            kind = (uint8_t)says[0] == 0xff ? SL_STRANGER_ZMTP : SL_STRANGER_OTHER;
            says[got] = '\0';
            says[strcspn(says, "\r\n")] = '\0';
            sl_text_harmless(says);
        }
    }
    close(fd);
    return kind;
}
