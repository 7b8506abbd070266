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

#define EVENT_MOST_MS 1000 /* to wait for one */
#define TOPICS_MOST   64   /* more subscriptions than any viewer has reason for */

/* How soon a new socket is made after a connection went, and after one that was refused. */
#define AGAIN_US   (SL_RECONNECT_MS * INT64_C(1000) / 2)
#define REFUSED_US SL_SECOND_US

/* Both ends of live speak as soon as they are connected. A sender asks who it is that says nothing,
 * and if that is secret, gives up on it later; a receiver gives a connection as long as libzmq
 * gives a handshake, and some for the first words. */
#define QUESTION_US (3 * SL_SECOND_US)
#define SECRET_US   (10 * SL_SECOND_US)
#define SILENT_US   (15 * SL_SECOND_US)

#define IDLE_US (5 * SL_SECOND_US) /* that who brings nothing may keep others out */

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
    size_t up =
        sl_link_routes(link) ? sl_peers_heard_count(&link->peers) : sl_peers_up(&link->peers);
    bool connected = sl_link_publishes(link) ? link->subscribed : up > 0;
    pthread_mutex_lock(&link->lock);
    link->changed |= connected != link->state.connected;
    link->state.connected = connected;
    if (up > link->state.most)
        link->state.most = up;
    pthread_mutex_unlock(&link->lock);
}

void sl_monitor_refuse(sl_link *link, const char *format, ...) {
    char sentence[sizeof link->state.refusal];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    link->doubt_us = 0;
    pthread_mutex_lock(&link->lock);
    link->state.refused++;
    memcpy(link->state.refusal, sentence, sizeof sentence);
    pthread_mutex_unlock(&link->lock);
    link->changed = true;
    uint64_t suppressed;
    if (sl_log_limit_pass(&link->refusals, &suppressed))
        sl_log(SL_LOG_WARNING, "link", "%s", sentence);
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

/* As peers of another pattern do that ZeroMQ has joined with this end. */
static void note_left_in_silence(sl_link *link, const sl_peer *gone) {
    if (link->role == SL_ROLE_SENDER)
        sl_refusal_doubt(link);
    else
        sl_refusal_silent(link, gone, false);
}

/* Strangers may come and go as often as they like. */
static void log_seldom(sl_log_limit *limit, const char *what) {
    uint64_t more;
    if (!sl_log_limit_pass(limit, &more))
        return;
    if (more == 0)
        sl_log(SL_LOG_INFO, "link", "%s", what);
    else
        sl_log(SL_LOG_INFO, "link", "%s (and %llu more before)", what, (unsigned long long)more);
}

static void note_disconnected(sl_link *link, int fd) {
    uint64_t failure = link->failure, code = link->failure_code, refused = link->state.refused;
    link->failure = 0;
    sl_peer *peer = sl_peers_find(&link->peers, fd);
    if (!peer) {
        link->peers.turned_away -= link->peers.turned_away > 0;
        return;
    }
    const sl_peer gone = *peer;
    sl_peers_remove(&link->peers, peer);
    link->crowded = false;
    link->silence_us = 0;
    sl_peer *other = failure && gone.up ? sl_peers_newest_waiting(&link->peers) : NULL;
    if (other) /* the handshake that succeeded was its */
        other->up = true;
    if (failure || !(gone.up || gone.judged))
        sl_refusal_judge(link, &gone, failure, code);
    else if (gone.up && !gone.heard && !gone.judged && link->kind->confusable)
        note_left_in_silence(link, &gone);
    else if (gone.up)
        log_seldom(&link->departures, "a peer's connection has ended");
    plan_reopening(link, gone.judged || link->state.refused != refused);
}

/* What had shaken hands is gone, and left little behind if it is lost. */
static void note_lost_little(sl_link *link) {
    link->strange -= link->strange > 0;
    link->lost_little += link->kind->lost_most > 0;
}

/* Ends a connection that brings nothing, for another one: who only sits there keeps nobody out. */
static bool make_way(sl_link *link) {
    sl_peer *idle = sl_peers_idle(&link->peers, sl_now_us() - IDLE_US);
    if (!idle)
        return false;
    if (!idle->heard && idle->up && sl_peer_brought_little(idle->fd))
        note_lost_little(link);
    sl_monitor_refuse(link,
                      "there are %d connections already; one that brought nothing for %d s makes "
                      "way for another",
                      SL_PEERS_MAX, (int)(IDLE_US / SL_SECOND_US));
    sl_socket_turn_away(link, idle->fd);
    return true;
}

/* More than a receiver has places for. Strangers must take neither its memory nor all of the
 * program's descriptors. */
static void turn_away(sl_link *link, int fd) {
    if (link->kind->lost_most > 0 && !sl_peer_brought_little(fd))
        link->strange++;
    sl_socket_turn_away(link, fd);
    if (!link->crowded)
        sl_monitor_refuse(link, "there are %d connections already; further ones are turned away",
                          SL_PEERS_MAX);
    link->crowded = true;
}

static void note_connection(sl_link *link, int fd) {
    bool placed = sl_peers_add(&link->peers, fd);
    if (link->role != SL_ROLE_SENDER) {
        if (!placed && !(make_way(link) && sl_peers_add(&link->peers, fd)))
            turn_away(link, fd);
        return;
    }
    link->failures = 0;
    sl_peer *peer = sl_peers_begin(&link->peers, fd);
    if (peer)
        sl_peer_tune(peer, &link->tuning);
}

/* A peer is there: its handshake is done, or where that proves little, it has said something. */
static void note_met(sl_link *link) {
    link->doubt_us = 0;
    pthread_mutex_lock(&link->lock);
    link->state.connects++;
    pthread_mutex_unlock(&link->lock);
    link->changed = true;
    log_seldom(&link->arrivals, "a peer has connected");
}

static void note_handshake(sl_link *link) {
    sl_peer *peer = sl_peers_newest_waiting(&link->peers);
    if (!peer) { /* it was turned away */
        link->lost_little += link->kind->lost_most > 0;
        return;
    }
    peer->up = true;
    if (sl_peers_up(&link->peers) == 1)
        link->heard_us = sl_now_us();
    if (link->kind->confusable)
        link->unheard++;
    else
        link->broken_off = 0;
    link->strange += link->kind->lost_most > 0;
    if (sl_link_routes(link))
        return;
    if (link->pattern == SL_PATTERN_LIVE)
        link->silence_us = sl_now_us() + (link->security.mode > 0 ? SECRET_US : QUESTION_US);
    note_met(link);
}

/* A key was refused. Its owner's connection may last a while yet. */
static void note_refused_key(sl_link *link, uint32_t code) {
    sl_peer *peer = sl_peers_newest_waiting(&link->peers);
    if (peer)
        peer->judged = true;
    sl_refusal_judge(link, peer, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, code);
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
        link->failure = event;
        link->failure_code = value;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        note_refused_key(link, value);
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

/* Waits for one of these events; all others are dropped. */
static void await_event(sl_link *link, int events) {
    int64_t deadline_us = sl_deadline_us(EVENT_MOST_MS);
    while (link->monitor && sl_remaining_ms(deadline_us) > 0) {
        uint32_t value;
        uint16_t event = read_event(link, &value);
        if (event & events)
            return;
        zmq_pollitem_t item = {.socket = link->monitor, .events = ZMQ_POLLIN};
        if (event == 0)
            zmq_poll(&item, 1, sl_remaining_ms(deadline_us));
    }
}

void sl_monitor_await_closed(sl_link *link) {
    await_event(link, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED);
}

void sl_monitor_await_disconnected(sl_link *link) {
    await_event(link, ZMQ_EVENT_DISCONNECTED);
}

/* It is of another pattern, and its connection ends here. */
static void send_away(sl_link *link, sl_peer *peer, const char *socket_type) {
    if (!peer || peer->judged) /* it is gone already, or about to go */
        return;
    peer->judged = true;
    sl_refusal_confused(link, peer, socket_type);
    if (sl_link_routes(link))
        sl_socket_turn_away(link, peer->fd);
    else
        link->reopen_us = sl_now_us() + REFUSED_US;
}

/* libzmq tells of a connection before it hands out what came over it: an end that doesn't know this
 * one has not asked yet. */
bool sl_monitor_hear(sl_link *link, int fd, const char *socket_type) {
    bool live = link->pattern == SL_PATTERN_LIVE, of_viewer = link->role == SL_ROLE_SENDER;
    if (live && !sl_peers_find(&link->peers, fd))
        sl_monitor_drain(link);
    sl_peer *peer = sl_peers_find(&link->peers, fd);
    bool first = peer && !peer->heard;
    link->strange -= first && link->strange > 0;
    if (live && !sl_greeting_fits(socket_type, link->pattern, of_viewer)) {
        send_away(link, peer, socket_type);
        return false;
    }
    sl_peers_heard(&link->peers, fd);
    link->broken_off = 0;
    link->unheard = 0;
    link->silence_us = 0;
    link->heard_us = sl_now_us();
    if (first && sl_link_routes(link)) {
        note_met(link);
        sl_monitor_update(link);
    }
    return true;
}

int sl_monitor_check_silence(sl_link *link) {
    const sl_peer *silent;
    int64_t now_us = sl_now_us();
    if (link->silence_us && now_us >= link->silence_us) {
        link->silence_us = 0;
        return sl_refusal_question(link) ? sl_socket_reopen(link) : SL_OK;
    }
    while (sl_link_routes(link) &&
           (silent = sl_peers_silent(&link->peers, now_us - SILENT_US)) != NULL) {
        if (!silent->judged)
            sl_refusal_silent(link, silent, true);
        sl_socket_turn_away(link, silent->fd);
    }
    return SL_OK;
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
