/* stream: whether what a camera has coded goes on as it came, or is coded anew for the rate:
 * arithmetic over frames and numbers that it is given. No sockets, no clocks, no threads.
 *
 *   a coded frame, and those before it ──▶ ┌─────────┐
 *   the rate that is aimed at          ──▶ │ passing │ ──▶ as it came, or anew
 *   somebody needs a keyframe          ──▶ └─────────┘
 *
 * Nothing can be left out of what was coded elsewhere, and nobody can have it made smaller. So it
 * goes on as it came while it fits: its rate is below what is aimed at, its largest frames don't
 * hold up those after them, and every frame is let in, in its own size. It stops at any frame,
 * since who codes anew can decode what led to it, but begins at a keyframe only. */
#ifndef STREAM_PASSING_H
#define STREAM_PASSING_H

#include "stream/governor.h"
#include <sightline/frame.h>

#define SL_PASSING_SECONDS                                                                         \
    8 /* that are looked back on: longer than from one keyframe to the next */

/* What came in one second. */
typedef struct sl_passing_second {
    int64_t number; /* since time began, by when frames were captured */
    uint64_t bytes;
    size_t largest;
} sl_passing_second;

/* All zeros to begin with. Belongs to one thread. */
typedef struct sl_passing {
    sl_passing_second seconds[SL_PASSING_SECONDS];
    bool known;          /* a frame was seen: */
    uint64_t sequence;   /* the last one, */
    int64_t first_us;    /* and when the first one was captured */
    double interval_us;  /* from one to the next, on average; 0: not known yet */
    bool passes;         /* the last one did */
    int64_t passed_us;   /* since when they do */
    int64_t fits_us;     /* since when they would; 0: they don't */
    int64_t exceeds_us;  /* since when they are too many bits to pass on; 0: they aren't */
    int64_t patience_us; /* how long they must have fitted before they pass */
} sl_passing;

/* Whether the frame goes on as it came. It is one of a stream (sl_frame_follows()), and the next
 * one of that stream that the encoder gets; what came before it and did not get there it tells
 * itself. `keyframe`: somebody can use nothing but a keyframe. */
bool sl_passing_decide(sl_passing *passing, const sl_frame *frame, const sl_governor_aim *aim,
                       bool keyframe);

#endif
