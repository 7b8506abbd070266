/* stream: coded frames, from pipelines to several takers. Used by sender.c and outlet.c. */
#include "stream/fanout.h"

#include "base/clock.h"
#include "base/error.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* How long the first lane may keep a frame waiting that another has taken: about as long as it is
 * the newest. */
#define PACE_MS 30

struct coding {
    sl_passage *passage;
    int64_t since_us; /* monotonic */
};

struct lane {
    sl_pipeline *pipeline;
    struct coding coding[SL_PIPELINE_CAPACITY]; /* a ring: what is in the pipeline, in order */
    uint64_t put, taken;                        /* how many went in there and came out */
    uint64_t last;                              /* the number of the last one; 0: none yet */
    bool has;                                   /* took the frame that is being put */
};

struct sl_fanout {
    struct lane lanes[SL_LANES];
    size_t lane_count;
    sl_tally *tally;
    bool in_turns;
    int room_fd;      /* polls readable while any pipeline has room */
    sl_event settled; /* all that was put is, or it is ended */

    pthread_mutex_t lock; /* everything below; before the pipelines' and the tallies' */
    sl_taker *takers;
    sl_passage *putting; /* the frame that is being put, or may be put again; NULL: none */
    int64_t captured_us; /* by when it was captured it is known again */
    bool again;          /* it may be put again */
    uint64_t put, done;
    uint64_t coded; /* frames that came out of the pipelines */
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

static int watch(int many_fd, int fd) {
    struct epoll_event wanted = {.events = EPOLLIN};
    if (epoll_ctl(many_fd, EPOLL_CTL_ADD, fd, &wanted))
        return sl_fail(SL_ESYSTEM, "cannot watch a descriptor: %s", strerror(errno));
    return SL_OK;
}

static int open_many(int *many_fd) {
    *many_fd = epoll_create1(EPOLL_CLOEXEC);
    if (*many_fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot make a descriptor to wait on: %s", strerror(errno));
    return SL_OK;
}

/* Locked, as what follows is. */
static void release(sl_fanout *fanout, sl_passage *passage) {
    if (--passage->holders > 0)
        return;
    if (passage->taken) {
        if (!passage->delivered)
            sl_tally_drop(fanout->tally, SL_DROP_LOST); /* why, each taker has counted for itself */
        fanout->done++;
        show_settled(fanout);
    }
    free(passage);
}

static void stop_putting(sl_fanout *fanout) {
    if (fanout->putting)
        release(fanout, fanout->putting);
    fanout->putting = NULL;
    for (size_t i = 0; i < fanout->lane_count; i++)
        fanout->lanes[i].has = false;
}

/* What never came out of its pipeline. */
static void forget_coding(sl_fanout *fanout, struct lane *lane) {
    while (lane->taken < lane->put)
        release(fanout, lane->coding[lane->taken++ % SL_PIPELINE_CAPACITY].passage);
}

int sl_fanout_open(sl_fanout **fanout, sl_pipeline *const *pipelines, size_t lanes, sl_tally *tally,
                   bool in_turns) {
    *fanout = NULL;
    sl_fanout *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    opened->tally = tally;
    opened->in_turns = in_turns;
    opened->settled.fd = -1;
    pthread_mutex_init(&opened->lock, NULL);
    int result = open_many(&opened->room_fd);
    if (!result)
        result = sl_event_init(&opened->settled);
    for (size_t i = 0; i < lanes && !result; i++) {
        opened->lanes[opened->lane_count++].pipeline = pipelines[i];
        result = watch(opened->room_fd, sl_pipeline_room_fd(pipelines[i]));
    }
    if (result) {
        sl_fanout_close(&opened);
        return result;
    }
    show_settled(opened);
    *fanout = opened;
    return SL_OK;
}

void sl_fanout_close(sl_fanout **fanout) {
    sl_fanout *closing = *fanout;
    if (!closing)
        return;
    *fanout = NULL;
    stop_putting(closing);
    for (size_t i = 0; i < closing->lane_count; i++)
        forget_coding(closing, &closing->lanes[i]);
    if (closing->room_fd >= 0)
        close(closing->room_fd);
    sl_event_finish(&closing->settled);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}

/* Locked, like all that follows up to sl_fanout_put(). Goes on with the frame that was put last, if
 * that is this one, or starts with it. */
static int start_putting(sl_fanout *fanout, const sl_frame *frame) {
    int64_t captured_us = frame->captured_monotonic_us;
    bool again = fanout->again && captured_us != 0 && captured_us == fanout->captured_us;
    fanout->again = false;
    if (again)
        return SL_OK;
    stop_putting(fanout);
    fanout->putting = calloc(1, sizeof *fanout->putting);
    if (!fanout->putting)
        return sl_fail_memory();
    fanout->putting->holders = 1;
    fanout->captured_us = captured_us;
    return SL_OK;
}

static int put_into(sl_fanout *fanout, struct lane *lane, const sl_frame *frame) {
    if (!fanout->ended && !sl_pipeline_has_room(lane->pipeline, NULL))
        return SL_EAGAIN;
    sl_frame *taken = sl_frame_ref(frame);
    int result = sl_pipeline_put(lane->pipeline, taken, NULL, 0);
    if (result) {
        sl_frame_unref(&taken);
        return result;
    }
    if (!fanout->putting->taken) {
        fanout->putting->taken = true;
        fanout->put++;
        show_settled(fanout);
    }
    lane->coding[lane->put++ % SL_PIPELINE_CAPACITY] =
        (struct coding){fanout->putting, sl_now_us()};
    fanout->putting->holders++;
    lane->has = true;
    return SL_OK;
}

static bool is_used(const sl_fanout *fanout, size_t lane) {
    for (const sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker->lane == lane && taker->presence == SL_PRESENT)
            return true;
    }
    return false;
}

/* The first lane with a taker, or else the first of all. */
static struct lane *first_lane(sl_fanout *fanout) {
    for (size_t i = 0; i < fanout->lane_count; i++) {
        if (is_used(fanout, i))
            return &fanout->lanes[i];
    }
    return &fanout->lanes[0];
}

/* Into all lanes that have room and not got it yet. SL_EAGAIN unless the first lane has it; what to
 * wait for goes to `room_fd`. */
static int put_once(sl_fanout *fanout, const sl_frame *frame, int *room_fd) {
    const struct lane *first = first_lane(fanout);
    for (size_t i = 0; i < fanout->lane_count; i++) {
        struct lane *lane = &fanout->lanes[i];
        int result = lane->has ? SL_OK : put_into(fanout, lane, frame);
        if (result && result != SL_EAGAIN)
            return result;
    }
    if (first->has)
        return SL_OK;
    bool alone = fanout->putting->taken || fanout->lane_count == 1;
    *room_fd = alone ? sl_pipeline_room_fd(first->pipeline) : fanout->room_fd;
    return SL_EAGAIN;
}

/* Not locked meanwhile. */
static int wait_for_room(sl_fanout *fanout, int room_fd, const sl_cancel *cancel,
                         int64_t deadline_us) {
    pthread_mutex_unlock(&fanout->lock);
    int result = sl_wait(room_fd, POLLIN, cancel, deadline_us);
    pthread_mutex_lock(&fanout->lock);
    return result;
}

/* The earlier of two deadlines, of which -1 is never. */
static int64_t earlier(int64_t one_us, int64_t other_us) {
    return one_us < 0 || (other_us >= 0 && other_us < one_us) ? other_us : one_us;
}

/* Until the first lane has it, or the deadline; and when others have it, not for long. */
static int put_all(sl_fanout *fanout, const sl_frame *frame, const sl_cancel *cancel,
                   int64_t deadline_us) {
    int64_t pace_us = -1;
    for (;;) {
        int room_fd;
        int result = put_once(fanout, frame, &room_fd);
        if (result != SL_EAGAIN)
            return result;
        if (fanout->putting->taken && pace_us < 0)
            pace_us = sl_deadline_us(PACE_MS);
        result = wait_for_room(fanout, room_fd, cancel, earlier(deadline_us, pace_us));
        if (result == SL_EAGAIN && pace_us >= 0 && sl_now_us() >= pace_us)
            return SL_OK;
        if (result)
            return result;
    }
}

int sl_fanout_put(sl_fanout *fanout, const sl_frame *frame, const sl_cancel *cancel,
                  int64_t deadline_us) {
    pthread_mutex_lock(&fanout->lock);
    fanout->awaited = false;
    int result = start_putting(fanout, frame);
    if (!result)
        result = put_all(fanout, frame, cancel, deadline_us);
    fanout->again = result == SL_EAGAIN;
    if (!fanout->again)
        stop_putting(fanout);
    pthread_mutex_unlock(&fanout->lock);
    return result;
}

int sl_fanout_wait(sl_fanout *fanout, const sl_cancel *cancel, int64_t deadline_us) {
    pthread_mutex_lock(&fanout->lock);
    fanout->awaited = true;
    if (fanout->again)
        stop_putting(fanout);
    pthread_mutex_unlock(&fanout->lock);
    return sl_wait(fanout->settled.fd, POLLIN, cancel, deadline_us);
}

bool sl_fanout_awaited(sl_fanout *fanout) {
    pthread_mutex_lock(&fanout->lock);
    bool awaited = fanout->awaited;
    pthread_mutex_unlock(&fanout->lock);
    return awaited;
}

uint64_t sl_fanout_allowed(sl_fanout *fanout) {
    uint64_t most = 0;
    pthread_mutex_lock(&fanout->lock);
    for (const sl_taker *taker = fanout->takers; taker; taker = taker->next) {
        if (taker->presence == SL_PRESENT && taker->allowed > most)
            most = taker->allowed;
    }
    pthread_mutex_unlock(&fanout->lock);
    return most > 0 ? most : SL_ALLOWANCE_ALL;
}

void sl_fanout_end(sl_fanout *fanout, int code, const char *sentence) {
    pthread_mutex_lock(&fanout->lock);
    fanout->ended = true;
    show_settled(fanout);
    pthread_mutex_unlock(&fanout->lock);
    for (size_t i = 0; i < fanout->lane_count; i++)
        sl_pipeline_end(fanout->lanes[i].pipeline, code, sentence);
}

bool sl_fanout_ended(sl_fanout *fanout) {
    pthread_mutex_lock(&fanout->lock);
    bool ended = fanout->ended;
    pthread_mutex_unlock(&fanout->lock);
    return ended;
}

/* Locked, like all that follows up to the takers' calls. */
static void let_go(sl_fanout *fanout, sl_parcel **parcel) {
    sl_parcel *released = *parcel;
    *parcel = NULL;
    if (--released->holders > 0)
        return;
    release(fanout, released->passage);
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
    struct lane *lane = &fanout->lanes[from];
    sl_frame *frame = NULL;
    sl_parcel *taken = malloc(sizeof *taken); /* first, so that no frame is taken for nothing */
    if (!taken)
        return sl_fail_memory();
    int result = sl_pipeline_take(lane->pipeline, &frame, NULL, 0);
    if (result) {
        free(taken);
        return result;
    }
    struct coding coding = lane->coding[lane->taken++ % SL_PIPELINE_CAPACITY];
    if (!frame) {
        free(taken);
        miss(fanout, from);
        release(fanout, coding.passage);
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
    int result = open_many(&taker->ready_fd);
    if (!result)
        result = sl_event_init(&taker->filled);
    if (!result)
        result = watch(taker->ready_fd, taker->filled.fd);
    for (size_t i = 0; i < fanout->lane_count && !result; i++) {
        result = watch(taker->ready_fd, sl_pipeline_ready_fd(fanout->lanes[i].pipeline));
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
