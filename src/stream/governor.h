/* stream: how much a live sender may send, and when: arithmetic over numbers and times that it is
 * given. No sockets, no clocks, no memory of its own.
 *
 *   a chunk left ──▶ ┌──────────┐ ──▶ may the next frame be coded now, and when else
 *   an ack came  ──▶ │ governor │ ──▶ for how many bits a second, how many frames, how large
 *   a frame is coded │          │
 *                ──▶ └──────────┘
 *
 * The way to the receiver is taken for a narrow place that passes `rate` bytes a second, and a
 * delay before and behind it. Whatever hides frames on that way (ZeroMQ, the tunnel, TCP, the
 * bottleneck's queue) stands before the narrow place, so that one number, the backlog, counts it
 * all: how long the narrow place is busy with what has left already.
 *
 * Rate: bytes by the time for which they kept the narrow place busy: from when the first of them
 * can have met it, or those before had passed, till they came. (Packet dispersion: Jacobson,
 * "Congestion avoidance and control", 1988; Keshav, "A control-theoretic approach to flow control",
 * 1991.) It holds for chunks that an SSH packet keeps together, too: the first of them has taken
 * all the time, and the others none.
 *
 * Delay: the least difference of arrival and departure in the last 10 to 20 seconds, best known
 * from messages that are too small to keep anything busy; the two clocks need not agree, because
 * only differences count.
 *
 * A governor belongs to one thread. Times are microseconds. */
#ifndef STREAM_GOVERNOR_H
#define STREAM_GOVERNOR_H

#include "stream/bucket.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sl_governor_goals {
    int64_t max_age_us; /* of a frame when it has come, beyond the path's own delay */
    double min_fps;     /* fewer frames a second than this only when even the smallest are too many
                         */
    double fps;         /* that the source makes; 0: not known */
    int64_t max_rate; /* bits a second, but for a quarter of a second's burst; 0: as many as pass */
    int64_t daily_bytes; /* in any 24 hours; 0: no cap */
    bool smooth;         /* rather a smaller picture than fewer; else the other way round */
} sl_governor_goals;

/* What the encoder should do from now on. */
typedef struct sl_governor_aim {
    int64_t bit_rate; /* bits a second */
    double fps;       /* how many frames that is shared by */
    double scale;     /* of width and height, at most 1 */
} sl_governor_aim;

/* The least of a value that was seen lately, in two halves of a time. */
typedef struct sl_lately {
    int64_t least[2];
    int64_t since_us;
    bool known;
} sl_lately;

typedef struct sl_governor {
    sl_governor_goals goals;
    uint64_t sent, acked;    /* bytes since it was started */
    sl_bucket rated, capped; /* what max_rate and daily_bytes leave */
    double bytes, seconds;   /* that arrived, and for how long they kept the way busy; fading */
    double rate;             /* bytes a second */
    double use;              /* of the rate that frames may fill */
    sl_lately delay;         /* arrival minus departure, by two clocks */
    sl_lately round_trip;
    int64_t came_us;     /* when the last chunk came, by the receiver's clock; 0: none has */
    int64_t free_us;     /* when the narrow place will be done with all that has left */
    int64_t admitted_us; /* when the last frame was let in to be coded */
    int64_t queue_us;    /* how long the last chunk had waited on its way */
    double quantiser;    /* on average, */
    double frame_bytes;  /* and bytes, */
    bool coded;          /* of frames that were coded at this step of the ladder */
    unsigned step;       /* down the ladder of frame rates and sizes */
    int64_t step_us;     /* since when another one would fit better; 0: this one does */
} sl_governor;

void sl_governor_init(sl_governor *governor, const sl_governor_goals *goals, int64_t now_us);

/* A new connection: nothing is under way, and the way may be another. What was learnt about the
 * rate is kept as a guess. */
void sl_governor_restart(sl_governor *governor, int64_t now_us);

/* A chunk of so many bytes has left. */
void sl_governor_sent(sl_governor *governor, int64_t now_us, uint64_t bytes);

/* So many bytes in all have come, as is known by other means than an ack, which may be lost. False
 * as below. */
bool sl_governor_arrived(sl_governor *governor, uint64_t bytes);

/* An ack: of a chunk that left at `sent_us` and came at `came_us` by the receiver's clock, with
 * which `bytes` in all have come. False for one that can't be: more than was sent, fewer than
 * before, from the future. It changes nothing then. */
bool sl_governor_acked(sl_governor *governor, int64_t now_us, uint64_t bytes, int64_t sent_us,
                       int64_t came_us);

/* A small message that left at `sent_us` came at `came_us` by the receiver's clock, and was
 * answered at once. */
void sl_governor_heard(sl_governor *governor, int64_t now_us, int64_t sent_us, int64_t came_us);

/* A frame was coded with a quantiser from 0 (best) to 51, or a little more; `best`: it can't be
 * made any better. */
void sl_governor_coded(sl_governor *governor, int64_t now_us, int quantiser, size_t bytes,
                       bool best);

/* Whether the next frame may be coded now, so that it comes in time; and when to ask again, if only
 * time passes (-1: only an ack can change it). */
bool sl_governor_admits(const sl_governor *governor, int64_t now_us, int64_t *due_us);

/* Whether all that left has passed the narrow place, as far as is known: a small message would find
 * it free now. */
bool sl_governor_idles(const sl_governor *governor, int64_t now_us);

/* A frame, which was let in to be coded at that time, leaves now. */
void sl_governor_admitted(sl_governor *governor, int64_t let_in_us, int64_t now_us);

/* How many more bytes may leave now. */
uint64_t sl_governor_window(const sl_governor *governor);

/* A good size for chunks: small enough for the rate to be measured, and for acks to be current. */
uint32_t sl_governor_chunk(const sl_governor *governor);

void sl_governor_aim_get(const sl_governor *governor, int64_t now_us, sl_governor_aim *aim);

/* The least round trip that was seen lately; 0: none yet. */
int64_t sl_governor_round_trip(const sl_governor *governor);

#endif
