/* stream: one destination of a sender. Opening, sending and closing are all done on its thread, so
 * that no destination waits for another. */
#include "stream/outlet.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/thread.h"
#include "frame/frame.h"
#include "stream/pattern.h"
#include "tunnel/tunnel.h"
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define RETRY_MS         5   /* between tries to hand a frame to a link without room */
#define ROOM_MS          800 /* for room, once the last frame is waited for */
#define END_LINGER_MS    800 /* for the end message to leave: a fifth of the shortest time-out */
#define TUNNEL_LINGER_MS 1000

struct sl_outlet {
    const sl_destination_settings *to;
    const sl_outlet_owner *owner;
    const sl_pattern_kind *pattern;
    sl_tally tally;
    sl_taker taker;
    sl_thread thread;
    sl_event ended; /* the receiver was told, and the figures are final */

    sl_turn turn;       /* the thread's, and the next four too */
    sl_rein rein;       /* on the encoder, in the live pattern */
    sl_parcel *current; /* coded, waiting to leave */
    int64_t room_by_us; /* and whether it is given up is asked then */
    int64_t turn_us;    /* average time from handing a frame over to being ready for the next */
    bool met;           /* a receiver is there */

    pthread_mutex_t lock; /* everything below; the thread alone changes it */
    sl_tunnel *tunnel;    /* NULL without one */
    sl_link *link;        /* NULL until it is open */
    bool closed;          /* link and tunnel are gone, */
    sl_stats last;        /* and these are the last figures */
    bool unwatched;       /* a live receiver is there, and nobody takes frames from it */
    int failure;
    char reason[512];
};

/* As many frames ahead as it takes to have the next one coded when the link is ready for it, and
 * not one more: each would only wait, and grow old. */
static void admit(sl_outlet *outlet, bool open) {
    int64_t ahead = 1;
    if (outlet->turn_us > 0)
        ahead =
            (sl_pipeline_work_us(outlet->owner->pipeline) + outlet->turn_us - 1) / outlet->turn_us;
    if (ahead > outlet->owner->encoders)
        ahead = outlet->owner->encoders;
    sl_taker_want(&outlet->taker, !open ? 0 : ahead > 1 ? (int)ahead : 1);
}

static void drop_current(sl_outlet *outlet, sl_drop reason) {
    if (outlet->current)
        sl_tally_drop(&outlet->tally, reason);
    sl_taker_settle(&outlet->taker, &outlet->current, false);
}

/* Takes the next coded frame. Where the newest wins, one that found no room makes way. */
static int take_coded(sl_outlet *outlet) {
    if (outlet->current && !outlet->pattern->newest_wins)
        return SL_OK;
    sl_parcel *coded = NULL;
    int result = sl_taker_take(&outlet->taker, &coded);
    if (result)
        return outlet->current && result == SL_EAGAIN ? SL_OK : result;
    drop_current(outlet, SL_DROP_NEWER);
    outlet->current = coded;
    outlet->room_by_us = sl_deadline_us(ROOM_MS);
    return SL_OK;
}

/* The current frame found no room for long. It waits on for a newer one to take its place, but the
 * end of the stream waits for no receiver that is stuck. */
static void reconsider(sl_outlet *outlet) {
    if (sl_fanout_awaited(outlet->owner->fanout))
        drop_current(outlet, SL_DROP_AWAY);
    else
        outlet->room_by_us = sl_deadline_us(ROOM_MS);
}

static int send_current(sl_outlet *outlet) {
    int64_t began_us = sl_now_us();
    sl_link_want_send(outlet->link, false);
    outlet->turn.delivered = false;
    outlet->turn.number = outlet->current->number;
    outlet->turn.previous = outlet->current->previous;
    outlet->turn.let_in_us = outlet->current->let_in_us;
    int result = outlet->pattern->send(&outlet->turn, outlet->current->frame);
    if (result == SL_OK) {
        int64_t took_us = sl_now_us() - began_us;
        outlet->turn_us = outlet->turn_us ? (outlet->turn_us * 7 + took_us) / 8 : took_us;
        sl_taker_allow(&outlet->taker, outlet->turn.allowance.most);
    }
    if (result != SL_EAGAIN)
        sl_taker_settle(&outlet->taker, &outlet->current, outlet->turn.delivered);
    return result;
}

/* What only shows while no receiver is there: a tunnel that ended for good, or a receiver that
 * can't be talked to. Once there was one that could, a stranger at its port ends nothing: the link
 * says who it is, and tries again. */
static int check_reachable(const sl_outlet *outlet, const sl_link_state *state) {
    if (outlet->tunnel) {
        sl_tunnel_status status;
        sl_tunnel_status_get(outlet->tunnel, &status);
        if (status.failure)
            return sl_fail(status.failure, "%s", status.reason);
    }
    if (state->refused > 0 && state->connects == 0)
        return sl_fail(SL_EPEER, "%s", state->refusal);
    return SL_OK;
}

/* With nobody there, what is coded already only grows old. A lone pair or reqrep still sends it,
 * because it was taken; where the newest wins, or is all that matters, or others have it, it makes
 * way. */
static void drop_outdated(sl_outlet *outlet) {
    bool fresh = outlet->pattern->newest_wins || outlet->pattern->attend;
    if (fresh || !sl_taker_alone(&outlet->taker))
        drop_current(outlet, SL_DROP_AWAY);
    while (fresh && sl_taker_take(&outlet->taker, &outlet->current) == SL_OK)
        drop_current(outlet, SL_DROP_AWAY);
}

static void set_met(sl_outlet *outlet, bool met) {
    if (outlet->met == met)
        return;
    outlet->met = met;
    if (!met && outlet->pattern->part) {
        outlet->pattern->part(&outlet->turn);
        outlet->owner->left(outlet->owner->user, outlet->turn.lane);
    }
    sl_taker_set_presence(&outlet->taker, met ? SL_PRESENT : SL_AWAY);
    outlet->owner->met(outlet->owner->user, met);
}

/* Takes frames of the lane where the pattern wants them from. */
static void follow_lane(sl_outlet *outlet) {
    size_t before = outlet->taker.lane;
    if (before == outlet->turn.lane)
        return;
    sl_taker_set_lane(&outlet->taker, outlet->turn.lane);
    outlet->owner->left(outlet->owner->user, before);
}

/* Frames are for others while nobody watches. */
static void set_watched(sl_outlet *outlet, bool watched) {
    if (outlet->unwatched != watched)
        return;
    pthread_mutex_lock(&outlet->lock);
    outlet->unwatched = !watched;
    pthread_mutex_unlock(&outlet->lock);
    sl_taker_set_presence(&outlet->taker, watched ? SL_PRESENT : SL_AWAY);
    if (!watched)
        outlet->owner->left(outlet->owner->user, outlet->turn.lane);
}

static int wait_for_receiver(sl_outlet *outlet, const sl_link_state *state, int64_t due_us) {
    set_met(outlet, false);
    drop_outdated(outlet);
    int result = check_reachable(outlet, state);
    if (result)
        return result;
    sl_link_want_send(outlet->link, false);
    int failure_fd = outlet->tunnel ? sl_tunnel_failure_fd(outlet->tunnel) : -1;
    result = sl_link_wait(outlet->link, failure_fd, outlet->owner->stop, due_us);
    return result == SL_EAGAIN ? SL_OK : result;
}

/* Waits for whatever lets the next frame leave, or until the pattern is due. */
static int wait_for_turn(sl_outlet *outlet, bool writable, int64_t due_us) {
    bool newest_wins = outlet->pattern->newest_wins;
    bool want_frame = !outlet->current || newest_wins;
    sl_link_want_send(outlet->link, !writable);
    bool grows_old = outlet->current && newest_wins;
    int result =
        sl_link_wait(outlet->link, want_frame ? outlet->taker.ready_fd : -1, outlet->owner->stop,
                     sl_earlier_us(grows_old ? outlet->room_by_us : -1, due_us));
    if (result != SL_EAGAIN)
        return result;
    if (grows_old && sl_now_us() >= outlet->room_by_us)
        reconsider(outlet);
    return SL_OK;
}

/* Takes a frame and sends it, or waits for one. Where the newest wins, nothing is let in while the
 * link has no room: it would be coded only to make way. Where the pattern has a say, nothing but
 * what it lets in; what was let in is taken first, while there is a claim to it. */
static int take_turn(sl_outlet *outlet, bool open, int64_t due_us) {
    bool writable = sl_link_writable(outlet->link), paced = outlet->pattern->attend;
    if (!paced)
        admit(outlet, writable || !outlet->pattern->newest_wins);
    int result = take_coded(outlet);
    if (paced)
        admit(outlet, open && !outlet->current);
    if (result == SL_OK && writable)
        return send_current(outlet);
    return result == SL_OK || result == SL_EAGAIN ? wait_for_turn(outlet, writable, due_us)
                                                  : result;
}

/* One turn of the thread. SL_OK to go on. */
static int turn(sl_outlet *outlet) {
    bool open = true;
    int64_t due_us = -1;
    sl_link_state state;
    sl_link_state_get(outlet->link, &state);
    int result = state.connected ? SL_OK : SL_EAGAIN;
    if (!result && outlet->pattern->attend)
        result = outlet->pattern->attend(&outlet->turn, &open, &due_us);
    if (result == SL_EAGAIN)
        return wait_for_receiver(outlet, &state, due_us);
    if (result)
        return result;
    set_met(outlet, true);
    follow_lane(outlet);
    set_watched(outlet, !outlet->turn.live.unwatched);
    result = take_turn(outlet, open, due_us);
    return result == SL_EAGAIN
               ? sl_link_wait(outlet->link, -1, outlet->owner->stop, sl_deadline_us(RETRY_MS))
               : result;
}

/* While it is on its way up, the others and the figures can see it already. */
static int open_tunnel(sl_outlet *outlet) {
    const sl_link_settings *link = &outlet->to->link;
    const sl_tunnel_settings *settings = &outlet->to->tunnel;
    sl_tunnel_target target = {
        .host = link->address ? link->address : "localhost",
        .port = link->port,
        .at_once = true,
    };
    sl_tunnel *tunnel = NULL;
    if (!settings->destination)
        return SL_OK;
    int result = sl_tunnel_open(&tunnel, settings, &target, outlet->owner->stop);
    pthread_mutex_lock(&outlet->lock);
    outlet->tunnel = tunnel;
    pthread_mutex_unlock(&outlet->lock);
    return result || settings->persist ? result : sl_tunnel_await(tunnel, outlet->owner->stop);
}

static int open_way(sl_outlet *outlet) {
    const sl_link_settings *settings = &outlet->to->link;
    bool carries_back = settings->bidirectional_mode || settings->multiclient_mode;
    char port[SL_NETGEAR_PORT_MAX] = "";
    sl_link *link = NULL;
    int result = open_tunnel(outlet);
    const char *endpoint = outlet->tunnel ? sl_tunnel_endpoint(outlet->tunnel) : NULL;
    if (!result)
        result = sl_link_open(&link, settings, SL_ROLE_SENDER, endpoint, outlet->owner->stop);
    pthread_mutex_lock(&outlet->lock);
    outlet->link = link;
    pthread_mutex_unlock(&outlet->lock);
    outlet->turn = (sl_turn){
        .link = link,
        .pipeline = outlet->owner->pipeline,
        .tally = &outlet->tally,
        .settings = settings,
        .stop = outlet->owner->stop,
        .returned = carries_back ? outlet->owner->returned : NULL,
        .steering = outlet->owner->steering,
        .name = outlet->owner->name,
        .loss = outlet->owner->loss,
        .rein = &outlet->rein,
        .goals = &outlet->owner->goals,
    };
    sl_allowance_init(&outlet->turn.allowance);
    if (!result)
        result = sl_turn_write_port(port, settings, settings->port);
    if (settings->multiserver_mode)
        sl_text_copy(outlet->turn.port, port, sizeof outlet->turn.port);
    if (!result)
        outlet->owner->opened(outlet->owner->user);
    return result;
}

/* It fails for itself, unless all are ended. */
static void conclude(sl_outlet *outlet, int result) {
    bool own = !sl_cancel_triggered(outlet->owner->stop) && !sl_fanout_ended(outlet->owner->fanout);
    set_met(outlet, false);
    drop_current(outlet, SL_DROP_AWAY);
    sl_taker_set_presence(&outlet->taker, SL_GONE);
    if (!own)
        return;
    pthread_mutex_lock(&outlet->lock);
    outlet->failure = result;
    sl_text_copy(outlet->reason, sl_error(), sizeof outlet->reason);
    pthread_mutex_unlock(&outlet->lock);
    outlet->owner->failed(outlet->owner->user, result);
}

/* Locked. */
static void fill_figures(sl_outlet *outlet, sl_stats *stats) {
    sl_link_state state = {0};
    sl_tally_get(&outlet->tally, stats);
    if (outlet->link)
        sl_link_state_get(outlet->link, &state);
    stats->connected = state.connected;
    stats->reconnects = state.connects > 0 ? state.connects - 1 : 0;
    stats->port = outlet->to->link.port;
    sl_steering_told(outlet->owner->steering, &outlet->rein, &stats->live_stats);
    stats->live = stats->live_stats.target_rate > 0;
    stats->live_stats.watched = stats->live && !outlet->unwatched;
    sl_tunnel_stats(outlet->tunnel, stats);
}

static void close_way(sl_outlet *outlet) {
    pthread_mutex_lock(&outlet->lock);
    fill_figures(outlet, &outlet->last);
    outlet->last.connected = outlet->last.connected && !outlet->failure;
    outlet->closed = true;
    pthread_mutex_unlock(&outlet->lock);
    sl_event_set(&outlet->ended);
    sl_link_close(&outlet->link, END_LINGER_MS);
    sl_tunnel_close(&outlet->tunnel, TUNNEL_LINGER_MS);
}

static void run(void *argument) {
    sl_outlet *outlet = argument;
    sl_link_state state = {0};
    sl_log_set_about(outlet->owner->several ? outlet->to->name : "");
    int result = open_way(outlet);
    while (result == SL_OK || result == SL_EAGAIN)
        result = sl_cancel_triggered(outlet->owner->stop) ? SL_ECANCELED : turn(outlet);
    conclude(outlet, result);
    sl_tunnel_expect_end(outlet->tunnel);
    if (outlet->link)
        sl_link_state_get(outlet->link, &state);
    if (state.connected)
        outlet->pattern->send_end(&outlet->turn);
    close_way(outlet);
}

int sl_outlet_open(sl_outlet **outlet, const sl_destination_settings *to,
                   const sl_outlet_owner *owner) {
    *outlet = NULL;
    sl_outlet *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    pthread_mutex_init(&opened->lock, NULL);
    sl_tally_init(&opened->tally);
    opened->to = to;
    opened->owner = owner;
    opened->pattern = sl_pattern_find(to->link.pattern, false);
    opened->ended.fd = -1;
    int result = sl_taker_init(&opened->taker, owner->fanout, &opened->tally);
    if (!result)
        result = sl_event_init(&opened->ended);
    if (!result)
        result = sl_thread_start(&opened->thread, "sl-send", run, opened);
    if (result) {
        sl_outlet_close(&opened);
        return result;
    }
    *outlet = opened;
    return SL_OK;
}

void sl_outlet_look(sl_outlet *outlet, sl_destination *destination) {
    const sl_destination_settings *to = outlet->to;
    *destination = (sl_destination){
        .name = to->name,
        .endpoint = to->endpoint,
        .ssh = to->tunnel.destination,
        .link = &to->link,
    };
    pthread_mutex_lock(&outlet->lock);
    if (outlet->closed)
        destination->stats = outlet->last;
    else
        fill_figures(outlet, &destination->stats);
    destination->failure = outlet->failure;
    sl_text_copy(destination->reason, outlet->reason, sizeof destination->reason);
    pthread_mutex_unlock(&outlet->lock);
}

void sl_outlet_wait(sl_outlet *outlet) {
    sl_wait(outlet->ended.fd, POLLIN, NULL, -1);
}

void sl_outlet_close(sl_outlet **outlet) {
    sl_outlet *closing = *outlet;
    if (!closing)
        return;
    *outlet = NULL;
    sl_thread_join(&closing->thread);
    sl_taker_finish(&closing->taker);
    sl_event_finish(&closing->ended);
    sl_tally_finish(&closing->tally);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}
