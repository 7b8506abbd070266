/* stream: coded frames, from pipelines to takers, without a copy.
 *
 *                              ┌─▶ slot ─▶ taker
 *   put ─┬▶ pipeline ──▶ ──────┼─▶ slot ─▶ taker
 *        │                     └─▶ slot ─▶ taker
 *        └▶ pipeline ──▶ ──────┬─▶ slot ─▶ taker       another lane: the same frames, or some of
 *                              └─▶ slot ─▶ taker       them, coded in another way
 *
 * Who has room comes for the next frame of its lane, and everybody else who is there in that lane
 * gets it too, into a slot of one: a newer frame replaces one that its taker had no time for. So
 * the fastest sets the pace and misses nothing, the others skip, and nobody waits for anybody. Only
 * when nobody has room may the others come for it, and drop it for a newer one. A lone taker has it
 * all.
 *
 * A lane gets a frame if it has room for it while that is put: the first lane with a taker sets the
 * pace there, too, and the lanes behind it take what they can.
 *
 * In turns, each frame is for one taker alone: of those who are there and have settled the last one
 * they took, for the one who waits longest. A taker that is stuck misses its turns, and nobody
 * else's frames are held up. There is one lane then.
 *
 * One thread puts. Each taker has a thread of its own. */
#ifndef STREAM_FANOUT_H
#define STREAM_FANOUT_H

#include "base/event.h"
#include "stream/allowance.h"
#include "stream/lanes.h"
#include "stream/pipeline.h"
#include "stream/tally.h"

typedef struct sl_fanout sl_fanout;

/* A frame that was put, in whichever lanes it is: it counts once. */
typedef struct sl_passage {
    unsigned holders; /* lanes where it is not settled, and who puts it */
    bool taken;       /* by one of them at least */
    bool delivered;   /* to one taker at least */
} sl_passage;

/* A coded frame under way to all who took it. Belongs to the fan-out; takers read the first four.
 */
typedef struct sl_parcel {
    sl_frame *frame;
    uint64_t number;   /* more than that of any frame coded before; from 1 on */
    uint64_t previous; /* that of the one coded for this lane before; 0: none */
    int64_t let_in_us; /* when it was, to be coded; monotonic */
    unsigned holders;  /* takers that have not settled it */
    sl_passage *passage;
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
    size_t lane;          /* changed by its own thread */
    sl_presence presence; /* this and the rest under the fan-out's lock */
    sl_parcel *slot;
    int limit;
    uint64_t allowed;       /* bytes of a frame */
    bool fetches[SL_LANES]; /* nobody else has a better claim to the lane's next frame */
    bool busy;              /* in turns: it has one that it has not settled */
    uint64_t took;          /* in turns: how many had been taken when it took its last one */
} sl_taker;

/* `tally` counts frames that reached at least one taker, and those that reached none. The `lanes`
 * pipelines, at most SL_LANES, are borrowed; nobody else puts into them, takes from them or limits
 * them. */
int sl_fanout_open(sl_fanout **fanout, sl_pipeline *const *pipelines, size_t lanes, sl_tally *tally,
                   bool in_turns);

/* As sl_pipeline_put(), but the caller keeps its reference. SL_EAGAIN also when slower lanes have
 * taken it and the first one has not: the same frame may be put again, for that one. */
int sl_fanout_put(sl_fanout *fanout, const sl_frame *frame, const sl_cancel *cancel,
                  int64_t deadline_us);

/* Waits until every frame that was put is settled, or it is ended. SL_OK, SL_EAGAIN past the
 * deadline, SL_ECANCELED. */
int sl_fanout_wait(sl_fanout *fanout, const sl_cancel *cancel, int64_t deadline_us);

/* Whether what was put is waited for, and nothing newer has been put since. Any thread. */
bool sl_fanout_awaited(sl_fanout *fanout);

/* How large frames should be, for the taker that can take most of those that are there. Any thread.
 */
uint64_t sl_fanout_allowed(sl_fanout *fanout);

/* Ends it, and the pipelines: puts and takes fail with `code` and `sentence`. */
void sl_fanout_end(sl_fanout *fanout, int code, const char *sentence);
bool sl_fanout_ended(sl_fanout *fanout);

/* After the last taker has finished. Sets NULL. Safe on NULL. */
void sl_fanout_close(sl_fanout **fanout);

/* Adds a taker to the first lane, away at first; before the first frame is put. SL_ESYSTEM. */
int sl_taker_init(sl_taker *taker, sl_fanout *fanout, sl_tally *tally);
void sl_taker_finish(sl_taker *taker); /* it is gone, if it wasn't */

/* Comes or goes. What lies in the slot of one that goes is dropped. */
void sl_taker_set_presence(sl_taker *taker, sl_presence presence);

/* Takes frames of another lane from now on. What lies in the slot is taken all the same. */
void sl_taker_set_lane(sl_taker *taker, size_t lane);

/* How large frames should be for it, at most: to begin with SL_ALLOWANCE_ALL. */
void sl_taker_allow(sl_taker *taker, uint64_t bytes);

/* Whether no other taker is left for good. */
bool sl_taker_alone(const sl_taker *taker);

/* How many frames it would have worked on ahead, 0 while it has no room: its lane's pipeline works
 * on as many as the most eager one wants. Wakes whoever waits for that room, as
 * sl_pipeline_set_limit() does. */
void sl_taker_want(sl_taker *taker, int limit);

/* The next frame, which must be settled; one that has no room may take what nobody else has room
 * for, and one that is away what nobody is there for.
 * SL_EAGAIN when there is none now, or what the pipeline ended with. */
int sl_taker_take(sl_taker *taker, sl_parcel **parcel);

/* Is done with a frame. Sets NULL. Safe on NULL. */
void sl_taker_settle(sl_taker *taker, sl_parcel **parcel, bool delivered);

#endif
