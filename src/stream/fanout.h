/* stream: coded frames, from one pipeline to several takers, without a copy.
 *
 *                            ┌─▶ slot ─▶ taker
 *   put ──▶ pipeline ──▶ ────┼─▶ slot ─▶ taker
 *                            └─▶ slot ─▶ taker
 *
 * Who has room comes for the next frame, and everybody else who is there gets it too, into a slot
 * of one: a newer frame replaces one that its taker had no time for. So the fastest sets the pace
 * and misses nothing, the others skip, and nobody waits for anybody. Only when nobody has room may
 * the others come for it, and drop it for a newer one. A lone taker has it all.
 *
 * In turns, each frame is for one taker alone: of those who are there and have settled the last one
 * they took, for the one who waits longest. A taker that is stuck misses its turns, and nobody
 * else's frames are held up.
 *
 * One thread puts. Each taker has a thread of its own. */
#ifndef STREAM_FANOUT_H
#define STREAM_FANOUT_H

#include "base/event.h"
#include "stream/pipeline.h"
#include "stream/tally.h"

typedef struct sl_fanout sl_fanout;

/* A coded frame under way to all who took it. Belongs to the fan-out; takers read `frame`. */
typedef struct sl_parcel {
    sl_frame *frame;
    uint64_t number;  /* one more than that of the frame coded before */
    unsigned holders; /* takers that have not settled it */
    bool delivered;   /* to one of them at least */
} sl_parcel;

typedef enum sl_presence {
    SL_AWAY,    /* not there now: what it misses is dropped */
    SL_PRESENT, /* takes frames */
    SL_GONE,    /* for good; it misses nothing any more */
} sl_presence;

/* In its owner's memory. */
typedef struct sl_taker {
    sl_fanout *fanout;
    sl_tally *tally; /* where what it misses is counted */
    sl_event filled; /* while `slot` is */
    int ready_fd;    /* polls readable while sl_taker_take() has something */
    struct sl_taker *next;
    sl_presence presence; /* this and the rest under the fan-out's lock */
    sl_parcel *slot;
    int limit;
    bool fetches;  /* nobody else has a better claim to the next frame */
    bool busy;     /* in turns: it has one that it has not settled */
    uint64_t took; /* in turns: how many had been taken when it took its last one */
} sl_taker;

/* `tally` counts frames that reached at least one taker, and those that reached none. The pipeline
 * is borrowed. */
int sl_fanout_open(sl_fanout **fanout, sl_pipeline *pipeline, sl_tally *tally, bool in_turns);

/* As sl_pipeline_put(), but the caller keeps its reference. */
int sl_fanout_put(sl_fanout *fanout, const sl_frame *frame, const sl_cancel *cancel,
                  int64_t deadline_us);

/* Waits until every frame that was put is settled, or it is ended. SL_OK, SL_EAGAIN past the
 * deadline, SL_ECANCELED. */
int sl_fanout_wait(sl_fanout *fanout, const sl_cancel *cancel, int64_t deadline_us);

/* Whether what was put is waited for, and nothing newer has been put since. Any thread. */
bool sl_fanout_awaited(sl_fanout *fanout);

/* Ends it, and the pipeline: puts and takes fail with `code` and `sentence`. */
void sl_fanout_end(sl_fanout *fanout, int code, const char *sentence);
bool sl_fanout_ended(sl_fanout *fanout);

/* After the last taker has finished. Sets NULL. Safe on NULL. */
void sl_fanout_close(sl_fanout **fanout);

/* Adds a taker, away at first; before the first frame is put. SL_ESYSTEM. */
int sl_taker_init(sl_taker *taker, sl_fanout *fanout, sl_tally *tally);
void sl_taker_finish(sl_taker *taker); /* it is gone, if it wasn't */

/* Comes or goes. What lies in the slot of one that goes is dropped. */
void sl_taker_set_presence(sl_taker *taker, sl_presence presence);

/* Whether no other taker is left for good. */
bool sl_taker_alone(const sl_taker *taker);

/* How many frames it would have worked on ahead, 0 while it has no room: the pipeline works on as
 * many as the most eager one wants. Wakes whoever waits for that room, as sl_pipeline_set_limit()
 * does. */
void sl_taker_want(sl_taker *taker, int limit);

/* The next frame, which must be settled; one that has no room may take what nobody else has room
 * for, and one that is away what nobody is there for.
 * SL_EAGAIN when there is none now, or what the pipeline ended with. */
int sl_taker_take(sl_taker *taker, sl_parcel **parcel);

/* Is done with a frame. Sets NULL. Safe on NULL. */
void sl_taker_settle(sl_taker *taker, sl_parcel **parcel, bool delivered);

#endif
