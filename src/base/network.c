/* base: the kernel's news of links, addresses and routes (rtnetlink). Called by the tunnel, on its
 * thread.
 *
 * What exactly has changed is not looked at: whoever asks tries again, and finds out. */
#include "base/network.h"
#include "base/error.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_PORT "9" /* nothing is sent there */
#define TAKES_MOST   64  /* in a row; what is left is for the next call */

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

/* The address that the kernel would send from. */
static bool find_source(const struct sockaddr *to, socklen_t to_size,
                        struct sockaddr_storage *from) {
    socklen_t size = sizeof(*from);
    int trial = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = trial >= 0 && connect(trial, to, to_size) == 0 &&
                 getsockname(trial, (struct sockaddr *)from, &size) == 0;
    int failure = errno;
    if (trial >= 0)
        close(trial);
    errno = failure;
    return found;
}

static bool same_host(const struct sockaddr *one, const struct sockaddr_storage *other) {
    if (!one || one->sa_family != other->ss_family)
        return false;
    if (one->sa_family == AF_INET)
        return ((const struct sockaddr_in *)one)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)other)->sin_addr.s_addr;
    return one->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)one)->sin6_addr,
                  &((const struct sockaddr_in6 *)other)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* The interface that has an address; "" when none has. */
static void find_interface(const struct sockaddr_storage *address, char *text, size_t size) {
    struct ifaddrs *all = NULL;
    text[0] = '\0';
    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        if (!same_host(at->ifa_addr, address))
            continue;
        snprintf(text, size, "%s", at->ifa_name);
        break;
    }
    freeifaddrs(all);
}

int sl_network_route(const char *to, sl_route *route) {
    struct addrinfo wish = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *place = NULL;
    struct sockaddr_storage from = {0};
    if (getaddrinfo(to, DISCARD_PORT, &wish, &place) != 0)
        return sl_fail(SL_EINVAL, "\"%s\" is no address in numbers", to);
    int failure = find_source(place->ai_addr, place->ai_addrlen, &from) ? 0 : errno;
    socklen_t size = place->ai_addrlen;
    freeaddrinfo(place);
    if (failure)
        return sl_fail(SL_EUNREACHABLE, "there is no way from this host to %s (%s)", to,
                       strerror(failure));
    if (getnameinfo((struct sockaddr *)&from, size, route->from, sizeof(route->from), NULL, 0,
                    NI_NUMERICHOST) != 0)
        return sl_fail_memory();
    find_interface(&from, route->interface, sizeof(route->interface));
    return SL_OK;
}

int sl_network_own_address(char *text, size_t size) {
    sl_route route;
    /* To somebody whom nobody is (RFC 5737, RFC 3849). */
    if (sl_network_route("192.0.2.1", &route) == SL_OK ||
        sl_network_route("2001:db8::1", &route) == SL_OK) {
        snprintf(text, size, "%s", route.from);
        return SL_OK;
    }
    if (gethostname(text, size - 1) < 0)
        return sl_fail(SL_ESYSTEM, "this host has neither an address nor a name");
    text[size - 1] = '\0';
    return SL_OK;
}
