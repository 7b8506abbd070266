/* stream: whether anybody watches at a live receiver: whoever does asks for frames, again and
 * again. The link thread tells the senders, so that they code nothing for nobody.
 *
 *   user's thread    enter ── asks ── leave      enter ── asks ── leave
 *   watched        ──────────────────────────┐   ┌──────────────────────
 *   not                            0.5 s later└───┘ at once
 *
 * Somebody who went away without a frame is expected back for longer, for twice as long as they
 * were away before, two to ten seconds: who looks in every few seconds, and doesn't wait, must
 * find one then. Times are monotonic, in microseconds. */
#ifndef STREAM_AUDIENCE_H
#define STREAM_AUDIENCE_H

#include "base/event.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_audience {
    sl_event returned; /* somebody asks again, after nobody had, or has called */

    pthread_mutex_t lock; /* everything below */
    bool inside;          /* somebody asks right now */
    bool away;            /* nobody watched when the link thread looked last */
    bool shown;           /* what `returned` says */
    int64_t asked_us;     /* when somebody asked last */
    int64_t expected_us;  /* until when they are expected to ask again */
} sl_audience;

/* As if somebody had just asked for the first frame. SL_ESYSTEM. The event's `fd` is -1 before. */
int sl_audience_init(sl_audience *audience, int64_t now_us);
void sl_audience_finish(sl_audience *audience);

/* Nobody is expected, whoever was. Before anybody asks. */
void sl_audience_expect_nobody(sl_audience *audience, int64_t now_us);

/* The user's thread begins to ask. True when nobody watched before, so that what is there is old,
 * and something newer will come. */
bool sl_audience_enter(sl_audience *audience);

/* It asks no more, because it got a frame, or gave up. */
void sl_audience_leave(sl_audience *audience, int64_t now_us, bool served);

/* Wakes the link thread, for whom somebody has left a wish. Any thread. */
void sl_audience_call(sl_audience *audience);

/* For the link thread: whether anybody watches. `*due_us`: when to ask again, unless `returned` is
 * set before; -1: only then. Clears `returned`. */
bool sl_audience_watches(sl_audience *audience, int64_t now_us, int64_t *due_us);

/* For anybody: whether nobody watches, and since when. */
bool sl_audience_is_away(const sl_audience *audience, int64_t now_us, int64_t *since_us);

#endif
