/* base: listening for TCP connections at a place that a person names. */
#include "base/listen.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOKUP_MS  10000
#define PORT_TRIES 8 /* to pick one that is free at all addresses */

/* An address of either family; the port stands at the same place in both. */
typedef union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
} address;

int sl_listen_parse(const char *what, const char *text, char *host, size_t size, int *port) {
    const char *colon = strrchr(text, ':'), *digits = colon ? colon + 1 : text;
    size_t length = colon ? (size_t)(colon - text) : 0;
    char *end;
    long number = strtol(digits, &end, 10);
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    bool bare = !bracketed && memchr(text, ':', length);
    if (!*digits || strspn(digits, "0123456789") != strlen(digits) || number > 65535 || bare ||
        length >= size || (colon && length == 0))
        return sl_fail(SL_EINVAL,
                       "%s must be [ADDR:]PORT, an IPv6 address in brackets, not "
                       "\"%.100s\"",
                       what, text);
    *port = (int)number;
    snprintf(host, size, "%.*s", (int)(bracketed ? length - 2 : length),
             bracketed ? text + 1 : text);
    if (!host[0])
        snprintf(host, size, "*");
    return SL_OK;
}

/* -1 with errno when it can't be had. */
static int listen_at(const struct sockaddr *at, socklen_t size) {
    int descriptor = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (at->sa_family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(descriptor, at, size) == 0 && listen(descriptor, SOMAXCONN) == 0)
        return descriptor;
    int failure = errno;
    close(descriptor);
    errno = failure;
    return -1;
}

static int port_of(int listener) {
    address bound = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof(bound);
    getsockname(listener, &bound.any, &size);
    return ntohs(bound.four.sin_port);
}

void sl_listeners_close(sl_listeners *listeners) {
    while (listeners->count > 0)
        close(listeners->descriptors[--listeners->count]);
}

/* False with errno. */
static bool add(sl_listeners *listeners, const struct sockaddr *at, socklen_t size) {
    int descriptor = listen_at(at, size);
    if (descriptor >= 0)
        listeners->descriptors[listeners->count++] = descriptor;
    return descriptor >= 0;
}

/* Every interface, IPv4 alone where there is no IPv6. False with errno. */
static bool listen_anywhere(sl_listeners *listeners, int port) {
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_addr = in6addr_any, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return add(listeners, (struct sockaddr *)&six, sizeof(six)) ||
           (errno != EADDRINUSE && add(listeners, (struct sockaddr *)&four, sizeof(four)));
}

/* The resolver may give one twice. */
static bool came_before(const struct addrinfo *first, const struct addrinfo *at) {
    while (first != at && (first->ai_addrlen != at->ai_addrlen ||
                           memcmp(first->ai_addr, at->ai_addr, at->ai_addrlen) != 0))
        first = first->ai_next;
    return first != at;
}

/* Each of the addresses that this machine has. False with errno when it has none, or when another
 * program has the port at one of them, whom clients would reach instead. */
static bool listen_at_each(sl_listeners *listeners, const struct addrinfo *addresses, int port) {
    int failure = EADDRNOTAVAIL;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        address wanted = {0};
        if (came_before(addresses, at) || listeners->count == SL_LISTENERS_MOST)
            continue;
        memcpy(&wanted, at->ai_addr, at->ai_addrlen);
        wanted.four.sin_port = htons((uint16_t)port);
        if (add(listeners, &wanted.any, at->ai_addrlen)) {
            port = port_of(listeners->descriptors[0]);
            continue;
        }
        failure = errno;
        if (failure != EADDRINUSE)
            continue;
        sl_listeners_close(listeners);
        break;
    }
    errno = failure;
    return listeners->count > 0;
}

/* A port that was picked at one address may be taken at the next. */
static bool listen_at_all(sl_listeners *listeners, const struct addrinfo *addresses, int port) {
    int tries = port ? 1 : PORT_TRIES;
    while (tries-- > 0 && !listen_at_each(listeners, addresses, port) && errno == EADDRINUSE)
        continue;
    return listeners->count > 0;
}

static int explain_listen(const char *what, const char *host, int port) {
    if (errno == EADDRINUSE)
        return sl_fail(SL_EINUSE, "port %d is in use by another program; give the %s another one",
                       port, what);
    if (errno == EADDRNOTAVAIL)
        return sl_fail(SL_EINVAL, "the %s cannot listen at %s: that is no address of this machine",
                       what, host);
    return sl_fail(SL_ESYSTEM, "the %s cannot listen at %s port %d: %s", what, host, port,
                   strerror(errno));
}

int sl_listen(sl_listeners *listeners, const char *what, const char *host, int port,
              const sl_cancel *cancel) {
    bool listens;
    if (strcmp(host, "*") == 0) {
        listens = listen_anywhere(listeners, port);
    } else {
        struct addrinfo *addresses = NULL;
        int code = sl_resolve(&addresses, "the address to listen at,", host, port, 0, cancel,
                              sl_deadline_us(LOOKUP_MS));
        if (code < 0)
            return code == SL_EUNREACHABLE || code == SL_EAGAIN ? SL_EINVAL : code;
        listens = listen_at_all(listeners, addresses, port);
        int failure = errno;
        freeaddrinfo(addresses);
        errno = failure;
    }
    if (!listens)
        return explain_listen(what, host, port);
    listeners->port = port_of(listeners->descriptors[0]);
    return SL_OK;
}
