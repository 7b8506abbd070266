/* stream: how large a frame may be where the receiver answers each (pair, reqrep), so that frames
 * come as often and as fresh as they should. Arithmetic over numbers that it is given: no clocks,
 * no sockets.
 *
 *   a frame of so many bytes ──▶ ┌───────────┐
 *   its reply took so long   ──▶ │ allowance │ ──▶ the most bytes of the next ones
 *                                └───────────┘
 *
 * A reply takes what the receiver holds it back, with the path's own delay, and a time for each
 * byte. Only the latter is the way's, and can be helped by smaller frames; replies to frames of one
 * size don't tell the two apart. So all is taken to be the way's at first. Where smaller frames
 * then make it no quicker, it was the receiver, and they may be as large as before. Larger ones are
 * tried each five seconds.
 *
 * An allowance belongs to one thread. Times are microseconds. */
#ifndef STREAM_ALLOWANCE_H
#define STREAM_ALLOWANCE_H

#include "stream/governor.h"

#define SL_ALLOWANCE_ALL ((uint64_t)1 << 30) /* bytes: as large as they are */

typedef struct sl_allowance {
    uint64_t most;    /* bytes of a frame */
    double byte_us;   /* what each byte takes, */
    double held_us;   /* and what a reply takes beside */
    double bytes, us; /* of a frame and its reply, when it was last measured; 0: never */
    unsigned skipped; /* replies that are to frames of another allowance */
    int64_t tried_us; /* when larger frames were last tried */

    unsigned frames; /* being measured, */
    int64_t since_us;
    uint64_t all_bytes, longest_bytes; /* together, and of the one that took longest */
    int64_t all_us, longest_us;
} sl_allowance;

/* Everything is allowed. */
void sl_allowance_init(sl_allowance *allowance);

/* The reply to a frame of so many bytes took so long. Of the goals `max_age_us`, `min_fps` and
 * `smooth` count, and of these frames a second `fps` that the source makes (0: not known). Looks
 * each half second, at three frames or more, so that no single delay changes anything. */
void sl_allowance_answered(sl_allowance *allowance, const sl_governor_goals *goals, double fps,
                           int64_t now_us, uint64_t bytes, int64_t took_us);

/* There was none in time. */
void sl_allowance_unanswered(sl_allowance *allowance, uint64_t bytes);

#endif
