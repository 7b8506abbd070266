/* base: the kernel's news of links, addresses and routes (rtnetlink). Called by the tunnel, on its
 * thread.
 *
 * What exactly has changed is not looked at: whoever asks tries again, and finds out. */
#include "base/network.h"
#include "base/error.h"

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
