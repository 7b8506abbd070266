/* link: opening, waiting, closing. See link.h. */
#include "base/clock.h"
#include "base/error.h"
#include "link/room.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#define CHECK_US          (SL_SECOND_US / 4) /* between looks at what peers hold unfinished */
#define ORPHAN_US         (SL_SECOND_US / 5)
#define CUT_OFF_US        (3 * SL_SECOND_US / 2) /* silence, while another peer wants its place */
#define LOST_LITTLE_MOST  1024                   /* of which libzmq may keep 32 KiB each */
#define FAILURES_A_FAMILY 3                      /* to connect, before the other one's turn */

#define UNSENT_MOST (256 * 1024) /* that the kernel may hold back of a live sender */

/* The places that a receiver's settings name, one a port; a given endpoint stands for all. */
static int find_berths(sl_link *link, const sl_link_settings *settings, const char *endpoint) {
    sl_link_settings one = *settings;
    sl_link_ports ports;
    char asked[SL_ENDPOINT_MAX];
    int result = sl_link_ports_read(&ports, settings);
    if (result)
        return result;
    link->berth_count = endpoint ? 1 : ports.count;
    link->berths = calloc(link->berth_count, sizeof *link->berths);
    if (!link->berths)
        return sl_fail_memory();
    for (size_t i = 0; i < link->berth_count && !result; i++) {
        one.port = ports.all[i];
        if (!endpoint)
            result = sl_link_endpoint(&one, SL_ROLE_RECEIVER, asked, sizeof asked);
        if (!result)
            result = sl_place_parse(&link->berths[i].place, endpoint ? endpoint : asked);
    }
    link->place = link->berths[0].place;
    return result;
}

/* What an endpoint needs to know before its socket is made. */
static int find_place(sl_link *link, const sl_link_settings *settings, const char *endpoint,
                      const sl_cancel *cancel) {
    char asked[SL_ENDPOINT_MAX];
    int result = SL_OK;
    if (link->role == SL_ROLE_RECEIVER) {
        result = find_berths(link, settings, endpoint);
        return result ? result : sl_name_find(link, cancel);
    }
    if (!endpoint)
        result = sl_link_endpoint(settings, link->role, asked, sizeof asked);
    if (!result)
        result = sl_place_parse(&link->place, endpoint ? endpoint : asked);
    /* An endpoint that was given stands for something else, and means nothing to a user. */
    snprintf(link->far_end, sizeof link->far_end, "%.63s", endpoint ? "the far end" : asked);
    return result ? result : sl_name_find(link, cancel);
}

/* ZeroMQ's thread is woken by every piece of a frame. By the usual policy it would each time
 * push aside whoever makes those pieces, when all cores are busy: the SSH server, an encoder. As
 * SCHED_BATCH it still runs at once on a free core. libzmq ends the process when the policy can't
 * be set, as in some sandboxes, so that is tried on this thread first. */
static void dont_preempt(void *context) {
    const struct sched_param usual = {0};
    if (sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_BATCH, &usual) == 0 &&
        sched_setscheduler(0, SCHED_OTHER, &usual) == 0)
        zmq_ctx_set(context, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH);
}

static int start(sl_link *link, const sl_link_settings *settings, const char *endpoint,
                 const sl_cancel *cancel) {
    int result = sl_event_init(&link->departed);
    if (!result)
        result = find_place(link, settings, endpoint, cancel);
    if (result)
        return result;
    link->context = zmq_ctx_new();
    if (!link->context)
        return sl_fail(SL_ESYSTEM, "cannot start ZeroMQ: %s", zmq_strerror(errno));
    dont_preempt(link->context);
    result = sl_security_start(&link->security, link->context);
    return result ? result : sl_socket_open(link);
}

int sl_link_open(sl_link **link, const sl_link_settings *settings, sl_role role,
                 const char *endpoint, const sl_cancel *cancel) {
    *link = NULL;
    sl_link *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    opened->role = role;
    opened->pattern = settings->pattern;
    opened->kind = sl_socket_kind_of(settings->pattern, role);
    opened->tuning = opened->kind->tuning;
    opened->message_bytes =
        opened->kind->message_bytes ? opened->kind->message_bytes : settings->max_message_bytes;
    opened->departed.fd = -1;
    atomic_init(&opened->under_way, 0);
    pthread_mutex_init(&opened->lock, NULL);
    int result = sl_security_init(&opened->security, settings, role);
    if (!result)
        result = start(opened, settings, endpoint, cancel);
    if (result)
        sl_link_close(&opened, 0);
    *link = opened;
    return result;
}

void sl_link_close(sl_link **link, int linger_ms) {
    sl_link *own = *link;
    *link = NULL;
    if (!own)
        return;
    sl_link_message_clear(&own->saved);
    sl_socket_close(own, linger_ms);
    sl_security_stop(&own->security, own->context);
    while (own->context && zmq_ctx_term(own->context) && errno == EINTR)
        continue;
    sl_resolver_close(&own->resolver);
    sl_event_finish(&own->departed);
    sl_security_finish(&own->security);
    free(own->berths);
    pthread_mutex_destroy(&own->lock);
    free(own);
}

int sl_link_rebuild(sl_link *link) {
    sl_link_message_clear(&link->saved);
    return sl_socket_reopen(link);
}

void sl_link_state_get(const sl_link *link, sl_link_state *state) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&link->lock;
    pthread_mutex_lock(lock);
    *state = link->state;
    pthread_mutex_unlock(lock);
}

void sl_link_pace(sl_link *link, int64_t bytes_per_s) {
    link->tuning.unsent_bytes = sl_peers_unsent(bytes_per_s, UNSENT_MOST);
    sl_peers_tune(&link->peers, &link->tuning);
}

void sl_link_want_send(sl_link *link, bool want) {
    link->want_send = want;
}

/* Ends the connection of a peer that holds too much unfinished; a receiver's others go on. */
static int end_flood(sl_link *link, const sl_peer *flooder) {
    sl_monitor_refuse(link,
                      "a peer sent more than %s and did not end its message; it was "
                      "disconnected",
                      link->kind->message_bytes ? "it may" : "max_message_size");
    if (link->role == SL_ROLE_SENDER)
        return sl_socket_reopen(link);
    sl_socket_turn_away(link, flooder->fd);
    sl_monitor_update(link);
    return SL_OK;
}

/* libzmq counts a message only once its last part is there, so a peer that never ends its message
 * could fill the memory. Its bytes are counted here instead. */
static int check_flood(sl_link *link) {
    int64_t now_us = sl_now_us();
    if (link->peers.count == 0 || now_us < link->check_us)
        return SL_OK;
    link->check_us = now_us + CHECK_US;
    /* Whole messages may wait in ZeroMQ's queue, and one more be on its way into it. */
    int64_t one = link->message_bytes + link->kind->beside_bytes;
    uint64_t limit = (uint64_t)(link->kind->receive_queue + 1) * (uint64_t)one;
    uint64_t together = limit * (uint64_t)link->kind->shares;
    const sl_peer *flooder;
    int result = SL_OK;
    sl_peers_measure(&link->peers);
    while (!result && (flooder = sl_peers_flooder(&link->peers, limit, together)))
        result = end_flood(link, flooder);
    return result;
}

/* Connections that are gone without having been heard, or look like it. ROUTER and REP never read
 * what comes by an identity that another connection has, and libzmq 4.3 keeps that until the socket
 * is closed (router_t::identify_peer()). */
static uint64_t count_lost(const sl_link *link) {
    uint64_t waiting = link->peers.count - sl_peers_heard_count(&link->peers);
    return link->strange > waiting ? link->strange - waiting : 0;
}

/* libzmq holds on to what was turned away, as a PAIR socket does when more has come from there than
 * it wants; or may hold on to too much of what is gone. */
static int check_crowd(sl_link *link) {
    if (link->peers.turned_away <= SL_PEERS_MAX && link->lost_little <= LOST_LITTLE_MOST &&
        count_lost(link) <= link->kind->lost_most)
        return SL_OK;
    sl_monitor_refuse(link, "too many idle connections: all were ended, to give others a chance");
    return sl_socket_reopen(link);
}

/* libzmq knows one family of addresses at a time. */
static int keep_connecting(sl_link *link) {
    bool due = link->reopen_us && sl_now_us() >= link->reopen_us;
    bool switches = *link->address[!link->family] && link->failures >= FAILURES_A_FAMILY;
    if (!due && !switches)
        return SL_OK;
    if (switches)
        link->family = !link->family;
    return sl_socket_reopen(link);
}

/* A PAIR socket turns a second peer away without a word and without closing its connection. When
 * the first goes in the same moment, the one that stays is heard by nobody: it must come again. */
static int check_orphan(sl_link *link) {
    if (!link->state.connected || sl_link_writable(link)) {
        link->orphan_us = 0;
        return SL_OK;
    }
    if (link->orphan_us == 0)
        link->orphan_us = sl_now_us() + ORPHAN_US;
    if (sl_now_us() < link->orphan_us)
        return SL_OK;
    sl_log(SL_LOG_INFO, "link",
           "a peer came while another one was still there; it must connect again");
    return sl_socket_reopen(link);
}

/* And when the first has not gone but is cut off (a router forgot it, and nobody told this end), it
 * would keep the place for minutes while the same sender stands at the door again. */
static int check_cut_off(sl_link *link) {
    if (sl_peers_up(&link->peers) < 2 || sl_now_us() < link->heard_us + CUT_OFF_US)
        return SL_OK;
    sl_log(SL_LOG_INFO, "link",
           "a peer came while another one is silent; whoever is there must connect again");
    link->heard_us = sl_now_us();
    return sl_socket_reopen(link);
}

/* Nothing comes back to a publisher, but TCP knows what passes. */
static void pace_publisher(sl_link *link) {
    if (sl_link_publishes(link) && sl_now_us() >= link->check_us)
        sl_peers_pace(&link->peers, link->tuning.unsent_bytes);
}

/* All that must be done now and then. */
static int attend(sl_link *link) {
    sl_monitor_drain(link);
    pace_publisher(link);
    int result = keep_connecting(link);
    if (!result)
        result = sl_name_attend(link);
    if (!result)
        result = check_flood(link);
    if (!result)
        result = check_crowd(link);
    if (link->doubt_us && sl_now_us() >= link->doubt_us)
        sl_refusal_left(link);
    if (!result && link->pattern == SL_PATTERN_LIVE)
        result = sl_monitor_check_silence(link);
    if (!result && link->pattern == SL_PATTERN_PAIR && link->role == SL_ROLE_RECEIVER)
        result = check_orphan(link);
    if (!result && link->pattern == SL_PATTERN_PAIR && link->role == SL_ROLE_RECEIVER)
        result = check_cut_off(link);
    if (!result && sl_link_publishes(link))
        result = sl_monitor_subscriptions(link);
    return result;
}

static int64_t sooner(int64_t one_us, int64_t other_us) {
    return one_us < 0 || (other_us >= 0 && other_us < one_us) ? other_us : one_us;
}

/* How long to sleep at most: till the deadline or till something is due. */
static long sleep_ms(const sl_link *link, int64_t deadline_us) {
    int64_t until_us = deadline_us;
    if (link->peers.count)
        until_us = sooner(until_us, link->check_us);
    if (link->reopen_us)
        until_us = sooner(until_us, link->reopen_us);
    if (link->orphan_us)
        until_us = sooner(until_us, link->orphan_us);
    if (link->silence_us)
        until_us = sooner(until_us, link->silence_us);
    if (link->doubt_us)
        until_us = sooner(until_us, link->doubt_us);
    until_us = sooner(until_us, sl_name_due_us(link));
    return sl_remaining_ms(until_us);
}

enum { SOCKET, MONITOR, DEPARTED, OTHERS };

/* Sleeps. SL_OK when the caller has something to do, SL_EAGAIN when only this room may have. */
static int sleep_once(sl_link *link, int wake_fd, const sl_cancel *cancel, int64_t deadline_us) {
    /* A publisher's socket always claims to have room, and its messages are subscriptions. */
    bool publishes = sl_link_publishes(link);
    short events = link->want_send && !publishes ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN;
    zmq_pollitem_t items[OTHERS + 3] = {
        [SOCKET] = {.socket = link->socket, .events = events},
        [MONITOR] = {.socket = link->monitor, .events = ZMQ_POLLIN},
        [DEPARTED] = {.fd = link->departed.fd, .events = ZMQ_POLLIN},
    };
    int count = OTHERS;
    if (cancel)
        items[count++] = (zmq_pollitem_t){.fd = sl_cancel_fd(cancel), .events = ZMQ_POLLIN};
    if (link->resolver)
        items[count++] =
            (zmq_pollitem_t){.fd = sl_resolver_fd(link->resolver), .events = ZMQ_POLLIN};
    if (wake_fd >= 0)
        items[count++] = (zmq_pollitem_t){.fd = wake_fd, .events = ZMQ_POLLIN};
    if (zmq_poll(items, count, sleep_ms(link, deadline_us)) < 0)
        return errno == EINTR
                   ? SL_EAGAIN
                   : sl_fail(SL_ESYSTEM, "cannot wait for the link: %s", zmq_strerror(errno));
    if (items[DEPARTED].revents)
        sl_event_clear(&link->departed);
    bool woken = wake_fd >= 0 && items[count - 1].revents;
    return woken || (!publishes && (items[SOCKET].revents & ZMQ_POLLIN)) ? SL_OK : SL_EAGAIN;
}

int sl_link_wait(sl_link *link, int wake_fd, const sl_cancel *cancel, int64_t deadline_us) {
    for (bool slept = false;; slept = true) {
        if (sl_cancel_triggered(cancel))
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        link->cancel = cancel;
        int result = attend(link);
        link->cancel = NULL;
        if (result)
            return result;
        if (link->changed || link->saved.count > 0 || (link->want_send && sl_link_writable(link))) {
            link->changed = false;
            return SL_OK;
        }
        if (slept && sl_remaining_ms(deadline_us) == 0)
            return SL_EAGAIN;
        result = sleep_once(link, wake_fd, cancel, deadline_us);
        if (result != SL_EAGAIN)
            return result;
    }
}
