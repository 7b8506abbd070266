/* stream: coded frames, from pipelines to several takers: how they come out. */
#include "stream/fanout_inside.h"

#include "base/error.h"
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Locked, like all that follows up to the public calls. */
static void let_go(sl_fanout *fanout, sl_parcel **parcel) {
    sl_parcel *released = *parcel;
    *parcel = NULL;
    if (--released->holders > 0)
        return;
    sl_passage_release(fanout, released->passage);
    sl_frame_unref(&released->frame);
    free(released);
}

/* Empties its slot; false when nothing is in there. */
static bool drop_slot(sl_taker *taker, sl_drop reason) {
    if (!taker->slot)
        return false;
    sl_tally_drop(taker->tally, reason);
    let_go(taker->fanout, &taker->slot);
    sl_event_clear(&taker->filled);
    return true;
}

/* Who has room goes before who is there, and that one before who is away or elsewhere. */
static int claim(const sl_taker *taker, size_t lane) {
    if (taker->presence != SL_PRESENT || taker->busy || taker->lane != lane)
        return 0;
    return taker->limit > 0 ? 2 : 1;
}

static void let_fetch(sl_taker *taker, size_t lane, bool fetches) {
    struct epoll_event wanted = {.events = fetches ? EPOLLIN : 0};
    if (taker->fetches[lane] == fetches)
        return;
    taker->fetches[lane] = fetches;
    epoll_ctl(taker->ready_fd, EPOLL_CTL_MOD,
              sl_pipeline_ready_fd(taker->fanout->lanes[lane].pipeline), &wanted);
}

/* The one whose turn it is: of those with the best claim it waits longest. (The first that was
 * added comes last in the list.) */
static const sl_taker *whose_turn(const sl_fanout *fanout) {
    const sl_taker *next = fanout->takers;
    for (const sl_taker *taker = next; taker; taker = taker->next) {
        int more = claim(taker, 0) - claim(next, 0);
        if (more > 0 || (more == 0 && taker->took <= next->took))
            next = taker;
    }
    return next;
}

/* The pipeline works for all who have their turn soon, or else has one frame ready. */
static void show_turns(sl_fanout *fanout) {
    const sl_taker *next = whose_turn(fanout);
    int wanted = 0;
    bool busy = false;
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        bool present = taker->presence == SL_PRESENT;
        wanted += present && !taker->busy ? taker->limit : 0;
        busy = busy || (present && taker->busy);
        let_fetch(taker, 0, taker == next);
    }
    sl_pipeline_set_limit(fanout->lanes[0].pipeline, wanted == 0 && busy ? 1 : wanted);
}

/* The pipeline works for the most eager one of the lane, and those with the best claim come for
 * what is done: in a lane where nobody is, all, to drop it. */
static void show_lane(sl_fanout *fanout, size_t lane) {
    int most = 0, best = 0;
    for (const sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker->presence == SL_PRESENT && taker->lane == lane && taker->limit > most)
            most = taker->limit;
        if (claim(taker, lane) > best)
            best = claim(taker, lane);
    }
    sl_pipeline_set_limit(fanout->lanes[lane].pipeline, most);
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next)
        let_fetch(taker, lane, claim(taker, lane) == best);
}

static void show_takers(sl_fanout *fanout) {
    if (fanout->in_turns) {
        show_turns(fanout);
        return;
    }
    for (size_t i = 0; i < fanout->lane_count; i++)
        show_lane(fanout, i);
}

/* Gives everybody of the lane but the one who came for it a frame, and whom it misses a drop. */
static void spread(sl_fanout *fanout, const sl_taker *fetcher, size_t lane, sl_parcel *parcel) {
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker == fetcher || taker->presence == SL_GONE || taker->lane != lane)
            continue;
        if (taker->presence == SL_AWAY) {
            sl_tally_drop(taker->tally, SL_DROP_AWAY);
            continue;
        }
        drop_slot(taker, SL_DROP_NEWER);
        taker->slot = parcel;
        parcel->holders++;
        sl_event_set(&taker->filled);
    }
}

static void take_turn(sl_fanout *fanout, sl_taker *taker) {
    taker->busy = true;
    taker->took = ++fanout->taken;
    show_takers(fanout);
}

/* Nothing came of a frame of the lane. */
static void miss(sl_fanout *fanout, size_t lane) {
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker->presence != SL_GONE && taker->lane == lane)
            sl_tally_drop(taker->tally, SL_DROP_UNUSABLE);
    }
}

/* What the lane's pipeline has done. SL_EAGAIN, too, when nothing came of it. */
static int unload(sl_fanout *fanout, size_t from, sl_parcel **parcel) {
    sl_fanout_lane *lane = &fanout->lanes[from];
    sl_frame *frame = NULL;
    sl_parcel *taken = malloc(sizeof *taken); /* first, so that no frame is taken for nothing */
    if (!taken)
        return sl_fail_memory();
    int result = sl_pipeline_take(lane->pipeline, &frame, NULL, 0);
    if (result) {
        free(taken);
        return result;
    }
    sl_fanout_coding coding = lane->coding[lane->taken++ % SL_PIPELINE_CAPACITY];
    if (!frame) {
        free(taken);
        miss(fanout, from);
        sl_passage_release(fanout, coding.passage);
        return SL_EAGAIN;
    }
    *taken = (sl_parcel){
        .frame = frame,
        .number = ++fanout->coded,
        .previous = lane->last,
        .holders = 1,
        .let_in_us = coding.since_us,
        .passage = coding.passage,
    };
    lane->last = taken->number;
    *parcel = taken;
    return SL_OK;
}

static int fetch(sl_taker *taker, sl_parcel **parcel) {
    sl_fanout *fanout = taker->fanout;
    int result = taker->fetches[taker->lane] ? unload(fanout, taker->lane, parcel) : SL_EAGAIN;
    if (!result && fanout->in_turns)
        take_turn(fanout, taker);
    else if (!result)
        spread(fanout, taker, taker->lane, *parcel);
    return result;
}

/* Drops what others have left behind in lanes where nobody is any more. */
static void clear_up(const sl_taker *taker) {
    sl_fanout *fanout = taker->fanout;
    for (size_t i = 0; i < fanout->lane_count; i++) {
        sl_parcel *left = NULL;
        if (i == taker->lane || !taker->fetches[i])
            continue;
        while (unload(fanout, i, &left) == SL_OK)
            let_go(fanout, &left);
    }
}

int sl_taker_init(sl_taker *taker, sl_fanout *fanout, sl_tally *tally) {
    *taker =
        (sl_taker){.fanout = fanout, .tally = tally, .filled.fd = -1, .allowed = SL_ALLOWANCE_ALL};
    int result = sl_fanout_open_many(&taker->ready_fd);
    if (!result)
        result = sl_event_init(&taker->filled);
    if (!result)
        result = sl_fanout_watch(taker->ready_fd, taker->filled.fd);
    for (size_t i = 0; i < fanout->lane_count && !result; i++) {
        result = sl_fanout_watch(taker->ready_fd, sl_pipeline_ready_fd(fanout->lanes[i].pipeline));
        taker->fetches[i] = true;
    }
    if (result)
        return result;
    pthread_mutex_lock(&fanout->lock);
    taker->next = fanout->takers;
    fanout->takers = taker;
    show_takers(fanout);
    pthread_mutex_unlock(&fanout->lock);
    return SL_OK;
}

void sl_taker_set_presence(sl_taker *taker, sl_presence presence) {
    sl_fanout *fanout = taker->fanout;
    pthread_mutex_lock(&fanout->lock);
    if (taker->presence != presence) {
        taker->presence = presence;
        if (presence != SL_PRESENT)
            drop_slot(taker, SL_DROP_AWAY);
        show_takers(fanout);
    }
    pthread_mutex_unlock(&fanout->lock);
}

void sl_taker_set_lane(sl_taker *taker, size_t lane) {
    pthread_mutex_lock(&taker->fanout->lock);
    taker->lane = lane;
    show_takers(taker->fanout);
    pthread_mutex_unlock(&taker->fanout->lock);
}

void sl_taker_finish(sl_taker *taker) {
    sl_taker_set_presence(taker, SL_GONE);
    sl_taker **at = &taker->fanout->takers;
    pthread_mutex_lock(&taker->fanout->lock);
    while (*at && *at != taker)
        at = &(*at)->next;
    if (*at)
        *at = taker->next;
    pthread_mutex_unlock(&taker->fanout->lock);
    if (taker->ready_fd >= 0)
        close(taker->ready_fd);
    sl_event_finish(&taker->filled);
}

void sl_taker_allow(sl_taker *taker, uint64_t bytes) {
    pthread_mutex_lock(&taker->fanout->lock);
    taker->allowed = bytes;
    pthread_mutex_unlock(&taker->fanout->lock);
}

bool sl_taker_alone(const sl_taker *taker) {
    sl_fanout *fanout = taker->fanout;
    bool alone = true;
    pthread_mutex_lock(&fanout->lock);
    for (const sl_taker *other = fanout->takers; other && alone; other = other->next)
        alone = other == taker || other->presence == SL_GONE;
    pthread_mutex_unlock(&fanout->lock);
    return alone;
}

void sl_taker_want(sl_taker *taker, int limit) {
    pthread_mutex_lock(&taker->fanout->lock);
    taker->limit = limit;
    show_takers(taker->fanout);
    pthread_mutex_unlock(&taker->fanout->lock);
}

int sl_taker_take(sl_taker *taker, sl_parcel **parcel) {
    int result = SL_OK;
    pthread_mutex_lock(&taker->fanout->lock);
    *parcel = taker->slot;
    taker->slot = NULL;
    if (*parcel)
        sl_event_clear(&taker->filled);
    else
        result = fetch(taker, parcel);
    clear_up(taker);
    pthread_mutex_unlock(&taker->fanout->lock);
    return result;
}

void sl_taker_settle(sl_taker *taker, sl_parcel **parcel, bool delivered) {
    if (!*parcel)
        return;
    sl_fanout *fanout = taker->fanout;
    pthread_mutex_lock(&fanout->lock);
    if (delivered && !(*parcel)->passage->delivered) {
        (*parcel)->passage->delivered = true;
        sl_tally_frame(fanout->tally);
    }
    let_go(fanout, parcel);
    if (taker->busy) {
        taker->busy = false;
        show_takers(fanout);
    }
    pthread_mutex_unlock(&fanout->lock);
}
