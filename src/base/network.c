/* base: the kernel's news of links, addresses and routes (rtnetlink). Called by the tunnel, on its
 * thread.
 *
 * What exactly has changed is not looked at: whoever asks tries again, and finds out. */
#include "base/network.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAKES_MOST 64 /* in a row; what is left is for the next call */

int sl_network_init(sl_network *network) {
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE,
    };
    network->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (network->fd >= 0 &&
        bind(network->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return SL_OK;
    int code = sl_fail(SL_ESYSTEM, "cannot watch the network: %s", strerror(errno));
    sl_network_finish(network);
    return code;
}

void sl_network_finish(sl_network *network) {
    if (network->fd >= 0)
        close(network->fd);
    network->fd = -1;
}

bool sl_network_take(sl_network *network) {
    char message[8192];
    bool changed = false;
    for (int taken = 0; network->fd >= 0 && taken < TAKES_MOST; taken++) {
        ssize_t size = recv(network->fd, message, sizeof(message), MSG_DONTWAIT);
        /* ENOBUFS: there was more than the kernel keeps for us, so something has changed. */
        if (size < 0 && errno != ENOBUFS && errno != EINTR)
            break;
        changed = changed || size > 0 || errno == ENOBUFS;
    }
    return changed;
}

bool sl_network_has_local_address(int descriptor) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(descriptor, (struct sockaddr *)&address, &size) < 0)
        return true;
    if (address.ss_family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_port = 0;
    else if (address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_port = 0;
    else
        return true;
    int trial = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (trial < 0)
        return true;
    bool gone = bind(trial, (const struct sockaddr *)&address, size) < 0 && errno == EADDRNOTAVAIL;
    close(trial);
    return !gone;
}

/* The source address for a destination that nobody has (RFC 5737, RFC 3849). */
static bool find_source(int family, char *text, size_t size) {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {.any.sa_family = (sa_family_t)family};
    socklen_t length = family == AF_INET6 ? sizeof(address.six) : sizeof(address.four);
    void *part = family == AF_INET6 ? (void *)&address.six.sin6_addr : &address.four.sin_addr;
    inet_pton(family, family == AF_INET6 ? "2001:db8::1" : "192.0.2.1", part);
    address.four.sin_port = htons(9); /* at the same place in both */
    int trial = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = trial >= 0 && connect(trial, &address.any, length) == 0 &&
                 getsockname(trial, &address.any, &length) == 0 &&
                 inet_ntop(family, part, text, (socklen_t)size);
    if (trial >= 0)
        close(trial);
    return found;
}

int sl_network_own_address(char *text, size_t size) {
    if (find_source(AF_INET, text, size) || find_source(AF_INET6, text, size))
        return SL_OK;
    if (gethostname(text, size - 1) < 0)
        return sl_fail(SL_ESYSTEM, "this host has neither an address nor a name");
    text[size - 1] = '\0';
    return SL_OK;
}
