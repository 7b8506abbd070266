/* stream: coded frames, from one pipeline to several takers. Used by sender.c and outlet.c. */
#include "stream/fanout.h"

#include "base/clock.h"
#include "base/error.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct sl_fanout {
    sl_pipeline *pipeline;
    sl_tally *tally;
    bool in_turns;
    sl_event settled; /* all that was put is, or it is ended */

    pthread_mutex_t lock; /* everything below; before the pipeline's and the tallies' */
    sl_taker *takers;
    uint64_t put, done;
    uint64_t coded; /* frames that came out of the pipeline */
    uint64_t taken; /* in turns */
    bool awaited;   /* somebody has waited for all to be settled, and put nothing since */
    bool ended;
    bool shown; /* what `settled` says */
};

/* Locked. */
static void show_settled(sl_fanout *fanout) {
    bool settled = fanout->ended || fanout->put == fanout->done;
    if (settled == fanout->shown)
        return;
    fanout->shown = settled;
    if (settled)
        sl_event_set(&fanout->settled);
    else
        sl_event_clear(&fanout->settled);
}

int sl_fanout_open(sl_fanout **fanout, sl_pipeline *pipeline, sl_tally *tally, bool in_turns) {
    *fanout = NULL;
    sl_fanout *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    opened->settled.fd = -1;
    int result = sl_event_init(&opened->settled);
    if (result) {
        free(opened);
        return result;
    }
    opened->pipeline = pipeline;
    opened->tally = tally;
    opened->in_turns = in_turns;
    pthread_mutex_init(&opened->lock, NULL);
    show_settled(opened);
    *fanout = opened;
    return SL_OK;
}

int sl_fanout_put(sl_fanout *fanout, const sl_frame *frame, const sl_cancel *cancel,
                  int64_t deadline_us) {
    /* Counted first: it may be settled before this thread is back. */
    pthread_mutex_lock(&fanout->lock);
    fanout->put++;
    fanout->awaited = false;
    show_settled(fanout);
    pthread_mutex_unlock(&fanout->lock);
    sl_frame *taken = sl_frame_ref(frame);
    int result = sl_pipeline_put(fanout->pipeline, taken, cancel, deadline_us);
    if (!result)
        return SL_OK;
    sl_frame_unref(&taken);
    pthread_mutex_lock(&fanout->lock);
    fanout->put--;
    show_settled(fanout);
    pthread_mutex_unlock(&fanout->lock);
    return result;
}

int sl_fanout_wait(sl_fanout *fanout, const sl_cancel *cancel, int64_t deadline_us) {
    pthread_mutex_lock(&fanout->lock);
    fanout->awaited = true;
    pthread_mutex_unlock(&fanout->lock);
    return sl_wait(fanout->settled.fd, POLLIN, cancel, deadline_us);
}

bool sl_fanout_awaited(sl_fanout *fanout) {
    pthread_mutex_lock(&fanout->lock);
    bool awaited = fanout->awaited;
    pthread_mutex_unlock(&fanout->lock);
    return awaited;
}

void sl_fanout_end(sl_fanout *fanout, int code, const char *sentence) {
    pthread_mutex_lock(&fanout->lock);
    fanout->ended = true;
    show_settled(fanout);
    pthread_mutex_unlock(&fanout->lock);
    sl_pipeline_end(fanout->pipeline, code, sentence);
}

bool sl_fanout_ended(sl_fanout *fanout) {
    pthread_mutex_lock(&fanout->lock);
    bool ended = fanout->ended;
    pthread_mutex_unlock(&fanout->lock);
    return ended;
}

void sl_fanout_close(sl_fanout **fanout) {
    sl_fanout *closing = *fanout;
    if (!closing)
        return;
    *fanout = NULL;
    sl_event_finish(&closing->settled);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}

/* Locked, like all that follows up to the takers' calls. */
static void let_go(sl_fanout *fanout, sl_parcel **parcel) {
    sl_parcel *released = *parcel;
    *parcel = NULL;
    if (--released->holders > 0)
        return;
    if (!released->delivered)
        sl_tally_drop(fanout->tally);
    sl_frame_unref(&released->frame);
    free(released);
    fanout->done++;
    show_settled(fanout);
}

/* Empties its slot; false when nothing is in there. */
static bool drop_slot(sl_taker *taker) {
    if (!taker->slot)
        return false;
    sl_tally_drop(taker->tally);
    let_go(taker->fanout, &taker->slot);
    sl_event_clear(&taker->filled);
    return true;
}

/* Who has room goes before who is there, and that one before who is away. */
static int claim(const sl_taker *taker) {
    if (taker->presence != SL_PRESENT || taker->busy)
        return 0;
    return taker->limit > 0 ? 2 : 1;
}

static void let_fetch(sl_taker *taker, bool fetches) {
    struct epoll_event wanted = {.events = fetches ? EPOLLIN : 0};
    if (taker->fetches == fetches)
        return;
    taker->fetches = fetches;
    epoll_ctl(taker->ready_fd, EPOLL_CTL_MOD, sl_pipeline_ready_fd(taker->fanout->pipeline),
              &wanted);
}

/* The one whose turn it is: of those with the best claim it waits longest. (The first that was
 * added comes last in the list.) */
static const sl_taker *whose_turn(const sl_fanout *fanout) {
    const sl_taker *next = fanout->takers;
    for (const sl_taker *taker = next; taker; taker = taker->next) {
        int more = claim(taker) - claim(next);
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
        let_fetch(taker, taker == next);
    }
    sl_pipeline_set_limit(fanout->pipeline, wanted == 0 && busy ? 1 : wanted);
}

/* The pipeline works for the most eager one, and those with the best claim come for what is done.
 */
static void show_takers(sl_fanout *fanout) {
    if (fanout->in_turns) {
        show_turns(fanout);
        return;
    }
    int most = 0, best = 0;
    for (const sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker->presence == SL_PRESENT && taker->limit > most)
            most = taker->limit;
        if (claim(taker) > best)
            best = claim(taker);
    }
    sl_pipeline_set_limit(fanout->pipeline, most);
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next)
        let_fetch(taker, claim(taker) == best);
}

/* Gives everybody but the one who came for it a frame, and whom it misses a drop. */
static void spread(sl_fanout *fanout, const sl_taker *fetcher, sl_parcel *parcel) {
    for (sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker == fetcher || taker->presence == SL_GONE)
            continue;
        if (taker->presence == SL_AWAY) {
            sl_tally_drop(taker->tally);
            continue;
        }
        drop_slot(taker);
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

static int fetch(sl_taker *taker, sl_parcel **parcel) {
    sl_fanout *fanout = taker->fanout;
    sl_frame *frame = NULL;
    if (!taker->fetches)
        return SL_EAGAIN;
    sl_parcel *taken = malloc(sizeof *taken); /* first, so that no frame is taken for nothing */
    if (!taken)
        return sl_fail_memory();
    int result = sl_pipeline_take(fanout->pipeline, &frame, NULL, 0);
    if (result) {
        free(taken);
        return result;
    }
    *taken = (sl_parcel){.frame = frame, .number = ++fanout->coded, .holders = 1};
    *parcel = taken;
    if (fanout->in_turns)
        take_turn(fanout, taker);
    else
        spread(fanout, taker, taken);
    return SL_OK;
}

static int watch(int ready_fd, int fd) {
    struct epoll_event wanted = {.events = EPOLLIN};
    if (epoll_ctl(ready_fd, EPOLL_CTL_ADD, fd, &wanted))
        return sl_fail(SL_ESYSTEM, "cannot watch a descriptor: %s", strerror(errno));
    return SL_OK;
}

int sl_taker_init(sl_taker *taker, sl_fanout *fanout, sl_tally *tally) {
    *taker = (sl_taker){.fanout = fanout, .tally = tally, .filled.fd = -1, .fetches = true};
    taker->ready_fd = epoll_create1(EPOLL_CLOEXEC);
    if (taker->ready_fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot make a descriptor to wait on: %s", strerror(errno));
    int result = sl_event_init(&taker->filled);
    if (!result)
        result = watch(taker->ready_fd, taker->filled.fd);
    if (!result)
        result = watch(taker->ready_fd, sl_pipeline_ready_fd(fanout->pipeline));
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
            drop_slot(taker);
        show_takers(fanout);
    }
    pthread_mutex_unlock(&fanout->lock);
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
    pthread_mutex_unlock(&taker->fanout->lock);
    return result;
}

void sl_taker_settle(sl_taker *taker, sl_parcel **parcel, bool delivered) {
    if (!*parcel)
        return;
    sl_fanout *fanout = taker->fanout;
    pthread_mutex_lock(&fanout->lock);
    if (delivered && !(*parcel)->delivered) {
        (*parcel)->delivered = true;
        sl_tally_frame(fanout->tally);
    }
    let_go(fanout, parcel);
    if (taker->busy) {
        taker->busy = false;
        show_takers(fanout);
    }
    pthread_mutex_unlock(&fanout->lock);
}
