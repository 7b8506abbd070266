/* stream: coded frames, from pipelines to several takers: how they go in. */
#include "stream/fanout_inside.h"

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

int sl_fanout_watch(int many_fd, int fd) {
    struct epoll_event wanted = {.events = EPOLLIN};
    if (epoll_ctl(many_fd, EPOLL_CTL_ADD, fd, &wanted))
        return sl_fail(SL_ESYSTEM, "cannot watch a descriptor: %s", strerror(errno));
    return SL_OK;
}

int sl_fanout_open_many(int *many_fd) {
    *many_fd = epoll_create1(EPOLL_CLOEXEC);
    if (*many_fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot make a descriptor to wait on: %s", strerror(errno));
    return SL_OK;
}

void sl_passage_release(sl_fanout *fanout, sl_passage *passage) {
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

/* Locked, as what follows is. */
static void stop_putting(sl_fanout *fanout) {
    if (fanout->putting)
        sl_passage_release(fanout, fanout->putting);
    fanout->putting = NULL;
    for (size_t i = 0; i < fanout->lane_count; i++)
        fanout->lanes[i].has = false;
}

/* What never came out of its pipeline. */
static void forget_coding(sl_fanout *fanout, sl_fanout_lane *lane) {
    while (lane->taken < lane->put)
        sl_passage_release(fanout, lane->coding[lane->taken++ % SL_PIPELINE_CAPACITY].passage);
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
    int result = sl_fanout_open_many(&opened->room_fd);
    if (!result)
        result = sl_event_init(&opened->settled);
    for (size_t i = 0; i < lanes && !result; i++) {
        opened->lanes[opened->lane_count++].pipeline = pipelines[i];
        result = sl_fanout_watch(opened->room_fd, sl_pipeline_room_fd(pipelines[i]));
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

static int put_into(sl_fanout *fanout, sl_fanout_lane *lane, const sl_frame *frame) {
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
        (sl_fanout_coding){fanout->putting, sl_now_us()};
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
static sl_fanout_lane *first_lane(sl_fanout *fanout) {
    for (size_t i = 0; i < fanout->lane_count; i++) {
        if (is_used(fanout, i))
            return &fanout->lanes[i];
    }
    return &fanout->lanes[0];
}

/* Into all lanes that have room and not got it yet. SL_EAGAIN unless the first lane has it; what to
 * wait for goes to `room_fd`. */
static int put_once(sl_fanout *fanout, const sl_frame *frame, int *room_fd) {
    const sl_fanout_lane *first = first_lane(fanout);
    for (size_t i = 0; i < fanout->lane_count; i++) {
        sl_fanout_lane *lane = &fanout->lanes[i];
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
        result = wait_for_room(fanout, room_fd, cancel, sl_earlier_us(deadline_us, pace_us));
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
