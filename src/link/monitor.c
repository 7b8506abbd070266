/* link: what ZeroMQ tells of the socket's connections. Used by this room alone.
 *
 * libzmq's events name a connection by its descriptor when it begins and ends, but not when its
 * handshake succeeds. The handshake is then put down to the newest connection that has none yet;
 * what happens later (a message comes, or the handshake is said to have failed) puts it right. */
#include "base/clock.h"
#include "base/error.h"
#include "link/room.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define CLOSED_MOST_MS 1000
#define ASK_MS         500  /* for a stranger to say who it is */
#define QUESTION_MS    1000 /* between asking those who only broke off, */
#define BROKEN_OFF     3    /* which one does who has no far end now, too: so often in a row */
#define TOPICS_MOST    64   /* more subscriptions than any viewer has reason for */

/* How soon a new socket is made after a connection went, and after one that was refused. */
#define AGAIN_US   (SL_RECONNECT_MS * INT64_C(1000) / 2)
#define REFUSED_US SL_SECOND_US

#define EVENTS                                                                                     \
    (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CLOSED |     \
     ZMQ_EVENT_CLOSE_FAILED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |             \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

int sl_monitor_start(sl_link *link) {
    char name[64];
    int none = 0, unlimited = 0;
    snprintf(name, sizeof name, "inproc://monitor-%u", ++link->generation);
    if (zmq_socket_monitor(link->socket, name, EVENTS))
        return sl_fail(SL_ESYSTEM, "cannot watch a ZeroMQ socket: %s", zmq_strerror(errno));
    link->monitor = zmq_socket(link->context, ZMQ_PAIR);
    /* ZeroMQ's thread would stand still when a limited queue of events is full. */
    if (!link->monitor || zmq_setsockopt(link->monitor, ZMQ_LINGER, &none, sizeof none) ||
        zmq_setsockopt(link->monitor, ZMQ_RCVHWM, &unlimited, sizeof unlimited) ||
        zmq_connect(link->monitor, name))
        return sl_fail(SL_ESYSTEM, "cannot watch a ZeroMQ socket: %s", zmq_strerror(errno));
    return SL_OK;
}

void sl_monitor_stop(sl_link *link) {
    zmq_socket_monitor(link->socket, NULL, 0);
    if (link->monitor)
        zmq_close(link->monitor);
    link->monitor = NULL;
}

void sl_monitor_update(sl_link *link) {
    bool connected = sl_link_publishes(link) ? link->subscribed : sl_peers_up(&link->peers) > 0;
    pthread_mutex_lock(&link->lock);
    link->changed |= connected != link->state.connected;
    link->state.connected = connected;
    pthread_mutex_unlock(&link->lock);
}

void sl_monitor_refuse(sl_link *link, const char *format, ...) {
    char sentence[sizeof link->state.refusal];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&link->lock);
    link->state.refused++;
    memcpy(link->state.refusal, sentence, sizeof sentence);
    pthread_mutex_unlock(&link->lock);
    link->changed = true;
    uint64_t suppressed;
    if (sl_log_limit_pass(&link->refusals, &suppressed))
        sl_log(SL_LOG_WARNING, "link", "%s", sentence);
}

static sl_greeting ask_viewer(const sl_link *link) {
    sl_place place;
    sl_greeting greeting = {0};
    if (sl_name_place(link, &place))
        sl_stranger_ask(&place, link->pattern, link->cancel, sl_deadline_us(ASK_MS), &greeting);
    return greeting;
}

static void refuse_viewer(sl_link *link) {
    const char *where = link->far_end;
    sl_greeting greeting = ask_viewer(link);
    char why[SL_MISMATCH_MAX];
    if (sl_greeting_mismatch(&greeting, link->pattern, where, why))
        sl_monitor_refuse(link, "%s", why);
    else
        sl_monitor_refuse(link, "the viewer at %.60s broke the handshake off", where);
}

/* Which of two ends with different patterns finds out first, and ends the connection, is chance;
 * the other one hears nothing but the end. So does who came to a tunnel without a far end. */
static void doubt_viewer(sl_link *link) {
    char why[SL_MISMATCH_MAX];
    if (link->role != SL_ROLE_SENDER || ++link->broken_off < BROKEN_OFF ||
        sl_now_us() < link->question_us)
        return;
    link->broken_off = 0;
    sl_greeting greeting = ask_viewer(link);
    link->question_us = sl_deadline_us(QUESTION_MS);
    if (greeting.socket_type[0] &&
        sl_greeting_mismatch(&greeting, link->pattern, link->far_end, why))
        sl_monitor_refuse(link, "%s", why);
}

static void refuse_stranger(sl_link *link) {
    if (link->role == SL_ROLE_SENDER)
        refuse_viewer(link);
    else
        sl_monitor_refuse(link,
                          "a program that connected to port %d uses another pattern than %s, or "
                          "is no sender; give both ends the same --pattern",
                          link->state.port, sl_pattern_name(link->pattern));
}

/* Why a connection ended whose handshake was not done. Who only went away was not refused. */
static void judge(sl_link *link, uint64_t failure, uint64_t code) {
    switch (failure) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        sl_log(SL_LOG_DEBUG, "link", "a connection ended before its handshake: %s",
               zmq_strerror((int)code));
        doubt_viewer(link);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        sl_monitor_refuse(link, "the peer is not allowed in: its key is not known");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if (code == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            sl_monitor_refuse(link, "the peer uses another secure_mode; give both ends the same");
        else
            sl_monitor_refuse(link, "the peer does not keep to ZeroMQ's protocol (error %#x)",
                              (unsigned)code);
        break;
    default: /* libzmq says nothing more of another socket type, nor of bytes that aren't ZMTP */
        refuse_stranger(link);
    }
}

/* The sender connects again with a new socket, so that nothing stale is sent then. A reply that is
 * there already must not go with the old one. (libzmq would go on by itself, but for two things: it
 * would send what was left, and it gives up for good after a handshake that failed.) */
static void plan_reopening(sl_link *link, bool refused) {
    if (link->role != SL_ROLE_SENDER)
        return;
    link->reopen_us = sl_now_us() + (refused ? REFUSED_US : AGAIN_US);
    link->ask_us = 0; /* it may have moved */
    if (!sl_link_publishes(link) && link->saved.count == 0)
        sl_message_read(link, &link->saved);
}

static void note_disconnected(sl_link *link, int fd) {
    uint64_t failure = link->failure, code = link->failure_code, refused = link->state.refused;
    link->failure = 0;
    sl_peer *peer = sl_peers_find(&link->peers, fd);
    if (!peer) {
        link->peers.turned_away -= link->peers.turned_away > 0;
        return;
    }
    bool up = peer->up;
    sl_peers_remove(&link->peers, peer);
    link->crowded = false;
    link->crowd_us = 0;
    sl_peer *other = failure && up ? sl_peers_newest_waiting(&link->peers) : NULL;
    if (other) /* the handshake that succeeded was its */
        other->up = true;
    if (failure || !up)
        judge(link, failure, code);
    else
        sl_log(SL_LOG_INFO, "link", "a peer's connection has ended");
    plan_reopening(link, link->state.refused != refused);
}

/* More than a receiver has places for. Strangers must take neither its memory nor all of the
 * program's descriptors. */
static void turn_away(sl_link *link, int fd) {
    sl_peers_turn_away(&link->peers, fd, link->place.port, link->place.host);
    if (link->crowd_us == 0)
        link->crowd_us = sl_now_us();
    if (!link->crowded)
        sl_monitor_refuse(link, "there are %d connections already; further ones are turned away",
                          SL_PEERS_MAX);
    link->crowded = true;
}

static void note_connection(sl_link *link, int fd) {
    bool placed = sl_peers_add(&link->peers, fd);
    if (link->role != SL_ROLE_SENDER) {
        if (!placed)
            turn_away(link, fd);
        return;
    }
    link->failures = 0;
    sl_peers_begin(&link->peers, fd);
    if (link->pattern == SL_PATTERN_PUBSUB)
        sl_peer_tune_publisher(fd);
}

static void note_handshake(sl_link *link) {
    sl_peer *peer = sl_peers_newest_waiting(&link->peers);
    if (peer)
        peer->up = true;
    link->broken_off = 0;
    if (sl_peers_up(&link->peers) == 1)
        link->heard_us = sl_now_us();
    pthread_mutex_lock(&link->lock);
    link->state.connects++;
    pthread_mutex_unlock(&link->lock);
    link->changed = true;
    sl_log(SL_LOG_INFO, "link", "a peer has connected");
}

static void note_event(sl_link *link, uint16_t event, uint32_t value) {
    switch (event) {
    case ZMQ_EVENT_ACCEPTED:
    case ZMQ_EVENT_CONNECTED:
        note_connection(link, (int)value);
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        note_handshake(link);
        break;
    case ZMQ_EVENT_DISCONNECTED:
        note_disconnected(link, (int)value);
        break;
    case ZMQ_EVENT_CONNECT_RETRIED:
        link->failures++;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link->failure = event;
        link->failure_code = value;
        break;
    default:
        break;
    }
}

/* The next event: its number, or 0 when there is none. The second part, an address, is dropped. */
static uint16_t read_event(sl_link *link, uint32_t *value) {
    uint8_t first[6];
    char address[SL_ENDPOINT_MAX];
    uint16_t event;
    if (zmq_recv(link->monitor, first, sizeof first, ZMQ_DONTWAIT) != (int)sizeof first)
        return 0;
    zmq_recv(link->monitor, address, sizeof address, ZMQ_DONTWAIT);
    memcpy(&event, first, sizeof event);
    memcpy(value, first + sizeof event, sizeof *value);
    return event;
}

void sl_monitor_drain(sl_link *link) {
    uint32_t value;
    uint16_t event;
    while ((event = read_event(link, &value)) != 0)
        note_event(link, event, value);
    sl_monitor_update(link);
}

void sl_monitor_await_closed(sl_link *link) {
    int64_t deadline_us = sl_deadline_us(CLOSED_MOST_MS);
    while (link->monitor && sl_remaining_ms(deadline_us) > 0) {
        uint32_t value;
        uint16_t event = read_event(link, &value);
        if (event == ZMQ_EVENT_CLOSED || event == ZMQ_EVENT_CLOSE_FAILED)
            return;
        zmq_pollitem_t item = {.socket = link->monitor, .events = ZMQ_POLLIN};
        if (event == 0)
            zmq_poll(&item, 1, sl_remaining_ms(deadline_us));
    }
}

static void note_subscription(sl_link *link, const uint8_t *message, int size) {
    if (size < 1 || message[0] > 1)
        return;
    link->topics += message[0] ? 1 : -1;
    if (size == 1)
        link->subscribed = message[0] == 1;
}

int sl_monitor_subscriptions(sl_link *link) {
    uint8_t message[2];
    int size;
    bool heard = false;
    while ((size = zmq_recv(link->socket, message, sizeof message, ZMQ_DONTWAIT)) >= 0) {
        heard = true;
        note_subscription(link, message, size);
    }
    if (heard) /* XPUB doesn't tell by whom, but a publisher has one peer */
        sl_peers_heard_only(&link->peers);
    sl_monitor_update(link);
    if (link->topics <= TOPICS_MOST)
        return SL_OK;
    sl_monitor_refuse(link, "a peer subscribed to more than %d topics and was disconnected",
                      TOPICS_MOST);
    return sl_socket_reopen(link);
}
