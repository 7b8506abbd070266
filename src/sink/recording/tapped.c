/* sink/recording: has a sink's frames come from a tap. Used by sink.c. */
#include "sink/recording/tapped.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "sink/recording/backlog.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKLOG_BYTES ((size_t)64 << 20)

struct sl_tapped {
    const sl_sink_kind *kind;
    void *state;
    sl_backlog *backlog;
    sl_thread thread;

    pthread_mutex_t lock;
    /* All under the lock. */
    bool closing;
    int result;
    uint64_t dropped;
    char sentence[512];
};

static bool is_closing(sl_tapped *tapped) {
    pthread_mutex_lock(&tapped->lock);
    bool closing = tapped->closing;
    pthread_mutex_unlock(&tapped->lock);
    return closing;
}

static void write_entry(sl_tapped *tapped, sl_backlog_entry *entry) {
    if (entry->gap)
        tapped->kind->miss(tapped->state);
    int code = tapped->kind->write(tapped->state, entry->frame);
    sl_frame_unref(&entry->frame);
    pthread_mutex_lock(&tapped->lock);
    tapped->dropped = tapped->kind->dropped(tapped->state);
    if (code < 0 && tapped->result == SL_OK) {
        tapped->result = code;
        snprintf(tapped->sentence, sizeof(tapped->sentence), "%s", sl_error());
    }
    pthread_mutex_unlock(&tapped->lock);
}

static void run(void *argument) {
    sl_tapped *tapped = argument;
    sl_backlog_entry entry;
    for (bool closing = false; !closing;) {
        closing = is_closing(tapped);
        while (sl_backlog_take(tapped->backlog, &entry, closing ? sl_now_us() : -1))
            write_entry(tapped, &entry);
    }
}

int sl_tapped_open(sl_tapped **tapped, const sl_sink_kind *kind, void *state) {
    sl_tapped *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->kind = kind;
    opened->state = state;
    pthread_mutex_init(&opened->lock, NULL);
    int code = sl_backlog_open(&opened->backlog, BACKLOG_BYTES);
    if (code == SL_OK)
        code = sl_thread_start(&opened->thread, "sl-record", run, opened);
    *tapped = opened;
    if (code < 0)
        sl_tapped_close(tapped);
    return code;
}

void sl_tapped_take(void *tapped, const sl_frame *coded) {
    sl_backlog_put(((sl_tapped *)tapped)->backlog, coded, 0);
}

int sl_tapped_result(sl_tapped *tapped) {
    pthread_mutex_lock(&tapped->lock);
    int result = tapped->result < 0 ? sl_fail(tapped->result, "%s", tapped->sentence) : SL_OK;
    pthread_mutex_unlock(&tapped->lock);
    return result;
}

uint64_t sl_tapped_dropped(sl_tapped *tapped) {
    pthread_mutex_lock(&tapped->lock);
    uint64_t dropped = tapped->dropped;
    pthread_mutex_unlock(&tapped->lock);
    return dropped + sl_backlog_lost(tapped->backlog, 0);
}

void sl_tapped_close(sl_tapped **tapped) {
    sl_tapped *closed = *tapped;
    if (!closed)
        return;
    pthread_mutex_lock(&closed->lock);
    closed->closing = true;
    pthread_mutex_unlock(&closed->lock);
    if (closed->backlog)
        sl_backlog_wake(closed->backlog);
    sl_thread_join(&closed->thread);
    sl_backlog_close(&closed->backlog);
    pthread_mutex_destroy(&closed->lock);
    free(closed);
    *tapped = NULL;
}
