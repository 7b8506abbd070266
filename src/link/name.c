/* link: the addresses of the place that a link connects to or binds. Used by this room alone.
 *
 * A name is looked up before the first connection, and again now and then while there is none. The
 * link's thread does not wait for that: it goes on with the addresses that it has. */
#include "base/clock.h"
#include "base/error.h"
#include "link/room.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ASK_AGAIN_US (2 * SL_SECOND_US)

static bool is_ipv4(const char *host) {
    struct in_addr parsed;
    return inet_pton(AF_INET, host, &parsed) == 1;
}

/* Keeps the first address of each family. */
static void keep(sl_link *link, const struct addrinfo *found) {
    memset(link->address, 0, sizeof link->address);
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        char *text = link->address[each->ai_family == AF_INET6 ? SL_FAMILY_IPV6 : SL_FAMILY_IPV4];
        if (!*text && getnameinfo(each->ai_addr, each->ai_addrlen, text, SL_HOST_MAX, NULL, 0,
                                  NI_NUMERICHOST))
            *text = '\0';
    }
    if (!*link->address[link->family])
        link->family = *link->address[SL_FAMILY_IPV4] ? SL_FAMILY_IPV4 : SL_FAMILY_IPV6;
}

static int fail_find(const sl_link *link, int code) {
    const char *host = link->place.host;
    if (code != SL_EAGAIN && code != SL_EUNREACHABLE)
        return code;
    if (link->role == SL_ROLE_RECEIVER)
        return sl_fail(SL_EINVAL,
                       "there is no address for \"%.200s\" on this machine; give one of its own "
                       "with --address, or none to listen on all",
                       host);
    if (code == SL_EAGAIN)
        return SL_OK;
    return sl_fail(code, "there is no host called \"%.200s\"; check how it is written", host);
}

static int look_up(sl_link *link, const sl_cancel *cancel) {
    struct addrinfo *found;
    int code = sl_resolve(&found, "the host", link->place.host, link->place.port, 0, cancel, -1);
    link->named = true;
    link->ask_us = sl_now_us() + ASK_AGAIN_US;
    if (code < 0)
        return fail_find(link, code);
    keep(link, found);
    freeaddrinfo(found);
    return SL_OK;
}

int sl_name_find(sl_link *link, const sl_cancel *cancel) {
    const char *host = link->place.host;
    bool ipv6 = sl_is_ipv6(host), local = strcmp(host, "localhost") == 0;
    if (link->place.local)
        return SL_OK;
    if (!ipv6 && !local && !is_ipv4(host) && strcmp(host, "*") != 0)
        return look_up(link, cancel);
    link->family = ipv6 ? SL_FAMILY_IPV6 : SL_FAMILY_IPV4;
    /* NetGear listens on IPv4 only, so that is where "localhost" leads. */
    snprintf(link->address[link->family], SL_HOST_MAX, "%s", local ? "127.0.0.1" : host);
    return SL_OK;
}

bool sl_name_place(const sl_link *link, sl_place *place) {
    const char *address = link->address[link->family];
    *place = link->place;
    if (link->place.local)
        return true;
    if (*address)
        snprintf(place->host, sizeof place->host, "%s", address);
    return *address != '\0';
}

/* Whether asking again could be of use. */
static bool is_lost(const sl_link *link) {
    return link->named && link->role == SL_ROLE_SENDER && link->peers.count == 0;
}

/* Takes the answer; true when it makes another address the one to use. */
static bool take_answer(sl_link *link) {
    char before[SL_HOST_MAX];
    struct addrinfo *found;
    int code = sl_resolver_take(link->resolver, &found);
    sl_resolver_close(&link->resolver);
    link->ask_us = sl_now_us() + ASK_AGAIN_US;
    if (code < 0) {
        sl_log(SL_LOG_DEBUG, "link", "%s", sl_error());
        return false;
    }
    snprintf(before, sizeof before, "%s", link->address[link->family]);
    keep(link, found);
    freeaddrinfo(found);
    return strcmp(before, link->address[link->family]) != 0;
}

int sl_name_attend(sl_link *link) {
    if (link->resolver) {
        if (sl_wait(sl_resolver_fd(link->resolver), POLLIN, NULL, 0) != SL_OK)
            return SL_OK;
        return take_answer(link) && is_lost(link) ? sl_socket_reopen(link) : SL_OK;
    }
    if (!is_lost(link) || sl_now_us() < link->ask_us)
        return SL_OK;
    if (sl_resolver_open(&link->resolver, "the host", link->place.host, link->place.port, 0) < 0) {
        link->ask_us = sl_now_us() + ASK_AGAIN_US;
        sl_log(SL_LOG_WARNING, "link", "%s", sl_error());
    }
    return SL_OK;
}

int64_t sl_name_due_us(const sl_link *link) {
    return is_lost(link) && !link->resolver ? link->ask_us : -1;
}
