/* sink/recording: frames on their way to a thread that writes. Used by recorder.c and record.c. */
#include "sink/recording/backlog.h"
#include "base/clock.h"
#include "base/error.h"
#include "frame/frame.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define FRAME_BYTES 512 /* what a frame takes beside its pixels, about */

struct entry {
    struct entry *next;
    sl_backlog_entry content;
    size_t bytes;
};

struct sl_backlog {
    size_t bytes_most;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* All under the lock. */
    struct entry *first, **end;
    size_t bytes;
    bool woken;
    struct lane {
        size_t bytes;
        bool gap;
        uint64_t lost;
    } lanes[SL_VIEWS_MAX];
};

int sl_backlog_open(sl_backlog **backlog, size_t bytes_most) {
    sl_backlog *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->bytes_most = bytes_most;
    opened->end = &opened->first;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&opened->lock, NULL);
    pthread_cond_init(&opened->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *backlog = opened;
    return SL_OK;
}

static struct entry *make_entry(const sl_frame *frame, size_t lane) {
    struct entry *entry = malloc(sizeof(*entry));
    if (!entry)
        return NULL;
    *entry = (struct entry){
        .content = {.frame = sl_frame_ref(frame), .lane = lane, .arrived_us = sl_now_us()},
        .bytes = frame->size + FRAME_BYTES,
    };
    return entry;
}

/* A lane has no more than is free then: so there is some for each, however much one has to bring.
 * Under the lock. */
static bool has_room(const sl_backlog *backlog, const struct entry *entry,
                     const struct lane *lane) {
    return lane->bytes + entry->bytes + backlog->bytes <= backlog->bytes_most;
}

/* Under the lock. */
static bool append(sl_backlog *backlog, struct entry *entry, struct lane *lane) {
    const sl_frame *frame = entry->content.frame;
    bool needs_those_before = sl_format_is_video(frame->format) && !frame->keyframe;
    if (!has_room(backlog, entry, lane) || (lane->gap && needs_those_before))
        return false;
    entry->content.gap = lane->gap;
    lane->gap = false;
    *backlog->end = entry;
    backlog->end = &entry->next;
    backlog->bytes += entry->bytes;
    lane->bytes += entry->bytes;
    pthread_cond_signal(&backlog->changed);
    return true;
}

static void free_entry(struct entry *entry) {
    if (entry)
        sl_frame_unref(&entry->content.frame);
    free(entry);
}

void sl_backlog_put(sl_backlog *backlog, const sl_frame *frame, size_t lane) {
    struct lane *own = &backlog->lanes[lane];
    struct entry *entry = make_entry(frame, lane);
    pthread_mutex_lock(&backlog->lock);
    bool put = entry && append(backlog, entry, own);
    if (!put) {
        own->gap = true;
        own->lost++;
    }
    pthread_mutex_unlock(&backlog->lock);
    if (!put)
        free_entry(entry);
}

uint64_t sl_backlog_lost(sl_backlog *backlog, size_t lane) {
    pthread_mutex_lock(&backlog->lock);
    uint64_t lost = backlog->lanes[lane].lost;
    pthread_mutex_unlock(&backlog->lock);
    return lost;
}

/* Under the lock, which is given up meanwhile. False past the deadline. */
static bool wait_for_change(sl_backlog *backlog, int64_t deadline_us) {
    struct timespec deadline = {.tv_sec = deadline_us / SL_SECOND_US,
                                .tv_nsec = deadline_us % SL_SECOND_US * 1000};
    if (deadline_us < 0)
        return pthread_cond_wait(&backlog->changed, &backlog->lock) == 0;
    return pthread_cond_timedwait(&backlog->changed, &backlog->lock, &deadline) == 0;
}

bool sl_backlog_take(sl_backlog *backlog, sl_backlog_entry *entry, int64_t deadline_us) {
    pthread_mutex_lock(&backlog->lock);
    while (!backlog->first && !backlog->woken && wait_for_change(backlog, deadline_us))
        continue;
    struct entry *taken = backlog->first;
    if (!taken)
        backlog->woken = false;
    if (taken) {
        backlog->first = taken->next;
        backlog->bytes -= taken->bytes;
        backlog->lanes[taken->content.lane].bytes -= taken->bytes;
        if (!backlog->first)
            backlog->end = &backlog->first;
    }
    pthread_mutex_unlock(&backlog->lock);
    if (taken)
        *entry = taken->content;
    free(taken);
    return taken != NULL;
}

void sl_backlog_wake(sl_backlog *backlog) {
    pthread_mutex_lock(&backlog->lock);
    backlog->woken = true;
    pthread_cond_signal(&backlog->changed);
    pthread_mutex_unlock(&backlog->lock);
}

void sl_backlog_close(sl_backlog **backlog) {
    sl_backlog *closed = *backlog;
    if (!closed)
        return;
    for (struct entry *next; closed->first; closed->first = next) {
        next = closed->first->next;
        free_entry(closed->first);
    }
    pthread_mutex_destroy(&closed->lock);
    pthread_cond_destroy(&closed->changed);
    free(closed);
    *backlog = NULL;
}
