/* link: making, binding, connecting and closing the ZeroMQ socket. Used by this room alone. */
#include "base/error.h"
#include "base/settings.h"
#include "link/room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define HANDSHAKE_MS       10000
#define CONNECT_TIMEOUT_MS 2500 /* then ZeroMQ tries again: an answer may have been lost */
#define RECONNECT_MOST_MS  500
#define KEEPALIVE_IDLE_S   5
#define KEEPALIVE_EVERY_S  2
#define KEEPALIVE_COUNT    3
#define UNANSWERED_MS      20000 /* bytes that nobody acknowledges for so long end a connection */

static const sl_socket_option usual[] = {
    {ZMQ_LINGER, 0},
    {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
    {ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS},
    {ZMQ_RECONNECT_IVL, SL_RECONNECT_MS},
    {ZMQ_TCP_KEEPALIVE, 1},
    {ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S},
    {ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_EVERY_S},
    {ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT},
    {ZMQ_TCP_MAXRT, UNANSWERED_MS},
};

static int fail_option(void) {
    return sl_fail(SL_ESYSTEM, "cannot set up a ZeroMQ socket: %s", zmq_strerror(errno));
}

static int set_options(void *socket, const sl_socket_option *options, size_t count) {
    for (size_t i = 0; i < count && options[i].option; i++) {
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)))
            return fail_option();
    }
    return SL_OK;
}

#define SET(socket, options) set_options(socket, options, SL_COUNT(options))

static int set_up(sl_link *link) {
    const sl_socket_kind *kind = link->kind;
    const sl_socket_option own[] = {
        {ZMQ_SNDHWM, kind->send_queue},
        {ZMQ_RCVHWM, kind->receive_queue},
        /* A file costs nothing to look for: what stands behind it may be back any moment. */
        {ZMQ_RECONNECT_IVL_MAX, link->place.local ? SL_RECONNECT_MS : RECONNECT_MOST_MS},
    };
    int64_t most = link->message_bytes + (link->security.mode > 0 ? SL_CURVE_EXTRA_BYTES : 0);
    int result = SET(link->socket, usual);
    if (!result)
        result = SET(link->socket, own);
    if (!result)
        result = SET(link->socket, kind->options);
    if (result)
        return result;
    if (zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) ||
        (kind->type == ZMQ_SUB && zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, "", 0)))
        return fail_option();
    return sl_security_apply(&link->security, link->socket);
}

static int set_ipv6(sl_link *link, bool ipv6) {
    int value = ipv6;
    return zmq_setsockopt(link->socket, ZMQ_IPV6, &value, sizeof value) ? fail_option() : SL_OK;
}

static int fail_bind(const sl_place *place, const char *endpoint, int error) {
    if (error == EADDRINUSE)
        return sl_fail(SL_EINUSE,
                       "port %d is in use by another program on this machine; choose another with "
                       "--port, or stop it",
                       place->port);
    if (error == EADDRNOTAVAIL || error == ENODEV)
        return sl_fail(SL_EINVAL,
                       "%.200s is no address of this machine; give one of its own with --address, "
                       "or none to listen on all",
                       place->host);
    if (place->local)
        return sl_fail(SL_EINVAL, "cannot make the socket file %s: %s; choose another --address",
                       place->host, zmq_strerror(error));
    if (error == EACCES)
        return sl_fail(SL_EINVAL, "port %d is reserved for the system; choose one from 1024 on",
                       place->port);
    return sl_fail(SL_ESYSTEM, "cannot listen on %s: %s", endpoint, zmq_strerror(error));
}

/* Keeps where it is bound, so that a new socket lands there too. */
static int note_bound(sl_link *link, sl_berth *berth) {
    size_t size = sizeof berth->bound;
    sl_place place;
    if (zmq_getsockopt(link->socket, ZMQ_LAST_ENDPOINT, berth->bound, &size))
        return fail_option();
    int result = sl_place_parse(&place, berth->bound);
    if (result)
        return result;
    struct stat status;
    if (place.local && stat(berth->place.host, &status) == 0) {
        berth->file_device = status.st_dev;
        berth->file_inode = status.st_ino;
    }
    berth->place.port = place.port;
    if (berth > link->berths)
        return SL_OK;
    pthread_mutex_lock(&link->lock);
    link->state.port = place.port;
    snprintf(link->state.endpoint, sizeof link->state.endpoint, "%s", berth->bound);
    pthread_mutex_unlock(&link->lock);
    return SL_OK;
}

static int bind_berth(sl_link *link, sl_berth *berth) {
    char endpoint[SL_ENDPOINT_MAX];
    sl_place place;
    sl_name_place(link, &place); /* all ports are at one address */
    if (place.local)
        place = berth->place;
    place.port = berth->place.port;
    int result = sl_place_write(&place, endpoint, sizeof endpoint);
    if (!result && place.local && !*berth->bound)
        result = sl_place_check_file(place.host);
    bool any = !place.local && strcmp(place.host, "*") == 0;
    if (!result)
        result = set_ipv6(link, any || strchr(endpoint, '['));
    if (result)
        return result;
    int failed = zmq_bind(link->socket, endpoint) ? errno : 0;
    if (failed && failed != EADDRINUSE && any && set_ipv6(link, false) == SL_OK)
        failed = zmq_bind(link->socket, endpoint) ? errno : 0; /* a machine without IPv6 */
    return failed ? fail_bind(&berth->place, endpoint, failed) : note_bound(link, berth);
}

static int bind_socket(sl_link *link) {
    int result = SL_OK;
    for (size_t i = 0; i < link->berth_count && !result; i++)
        result = bind_berth(link, &link->berths[i]);
    return result;
}

static int connect_socket(sl_link *link) {
    char endpoint[SL_ENDPOINT_MAX], numbers[SL_ENDPOINT_MAX];
    sl_place place;
    bool known = sl_name_place(link, &place);
    int result = sl_place_write(&link->place, endpoint, sizeof endpoint);
    if (!result)
        result = sl_place_write(&place, numbers, sizeof numbers);
    if (!result)
        result = set_ipv6(link, link->family == SL_FAMILY_IPV6);
    if (result)
        return result;
    /* In numbers: ZeroMQ would look a name up on its own thread, which must not stand still. */
    if (known && zmq_connect(link->socket, numbers))
        return sl_fail(SL_EINVAL, "cannot connect to %s: %s", endpoint, zmq_strerror(errno));
    pthread_mutex_lock(&link->lock);
    link->state.port = link->place.port;
    snprintf(link->state.endpoint, sizeof link->state.endpoint, "%s", endpoint);
    pthread_mutex_unlock(&link->lock);
    return SL_OK;
}

int sl_socket_open(sl_link *link) {
    link->socket = zmq_socket(link->context, link->kind->type);
    if (!link->socket)
        return sl_fail(SL_ESYSTEM, "cannot make a ZeroMQ socket: %s", zmq_strerror(errno));
    int result = set_up(link);
    if (!result)
        result = sl_monitor_start(link);
    if (!result)
        result = link->role == SL_ROLE_RECEIVER ? bind_socket(link) : connect_socket(link);
    if (result)
        sl_socket_close(link, 0);
    return result;
}

/* ZeroMQ leaves the file behind. One that someone else has put there meanwhile is not ours. */
static void remove_file(const sl_berth *berth) {
    struct stat status;
    if (berth->place.local && *berth->bound && stat(berth->place.host, &status) == 0 &&
        status.st_dev == berth->file_device && status.st_ino == berth->file_inode)
        unlink(berth->place.host);
}

void sl_socket_close(sl_link *link, int linger_ms) {
    if (!link->socket)
        return;
    zmq_setsockopt(link->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    for (size_t i = 0; i < link->berth_count; i++)
        remove_file(&link->berths[i]);
    sl_monitor_stop(link);
    zmq_close(link->socket);
    link->socket = NULL;
}

/* ZeroMQ closes sockets in its own time; what one is bound to is free sooner, and for sure, if it
 * is unbound first. (Before a close that lingers this would lose what is still to be sent.) */
static void unbind_socket(sl_link *link) {
    for (size_t i = 0; link->socket && i < link->berth_count; i++) {
        if (*link->berths[i].bound && zmq_unbind(link->socket, link->berths[i].bound) == 0)
            sl_monitor_await_closed(link);
    }
}

/* A PAIR socket turns a new connection away while it has the old one, and what was sent there is
 * lost. ZeroMQ would close the old one in its own time, which may be after the new one came. */
static void hang_up(sl_link *link) {
    if (link->role == SL_ROLE_SENDER && link->pattern == SL_PATTERN_PAIR &&
        sl_peers_hang_up(&link->peers, link->place.port, link->place.host))
        sl_monitor_await_disconnected(link);
}

int sl_socket_reopen(sl_link *link) {
    unbind_socket(link);
    hang_up(link);
    sl_socket_close(link, 0);
    link->peers.count = 0;
    link->peers.turned_away = 0;
    link->crowded = false;
    link->lost_little = 0;
    link->failure = 0;
    link->reopen_us = 0;
    link->orphan_us = 0;
    link->failures = 0;
    link->silence_us = 0;
    link->strange = 0;
    link->topics = 0;
    link->subscribed = false;
    sl_monitor_update(link);
    return sl_socket_open(link);
}

void sl_socket_turn_away(sl_link *link, int fd) {
    bool own = false;
    for (size_t i = 0; i < link->berth_count && !own; i++)
        own = sl_peers_accepted_at(fd, link->berths[i].place.port, link->berths[i].place.host);
    sl_peers_turn_away(&link->peers, fd, own);
}
