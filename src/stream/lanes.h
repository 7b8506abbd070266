/* stream: which of the live pattern's destinations share an encoding: arithmetic over rates and
 * times that it is given. No sockets, no clocks, no memory of its own.
 *
 *   rate, now ──▶ ┌───────┐ ──▶ 0: the fastest, where everybody begins
 *   a wish    ──▶ │ lanes │ ──▶ 1: those that can take much less, coded for them apart
 *                 └───────┘ ──▶ 2: and much less again
 *
 * Who can take about the same is in one lane, and an encoding that suits the slowest of them is
 * coded once for all. Who falls far behind moves down soon, because it misses frames; it moves up
 * again only after it could have kept up for long, because that costs those in the lane above a
 * keyframe, and after each fall that comes soon after it only later.
 *
 * Not for several threads at once. Times are microseconds. */
#ifndef STREAM_LANES_H
#define STREAM_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_LANES 3 /* encodings of one picture at most */

/* One destination, in its owner's memory; all zero at first. What it has learnt outlasts that it
 * leaves and joins again. */
typedef struct sl_member {
    size_t lane;
    int64_t rate;        /* bits a second that it can take; 0: not known yet */
    int64_t least[2];    /* of that, in two halves of the last moments, */
    int64_t since_us;    /* the second of which began then */
    int64_t below_us;    /* since when it can't keep up with its lane; 0: it can */
    int64_t above_us;    /* since when it could keep up with the one above; 0: it could not */
    int64_t patience_us; /* how long it must before it moves up; 0: as long as everybody */
    int64_t rose_us;     /* when it last moved up; 0: never */
    int64_t wished_us;   /* the last keyframe that it wished for, and how many */
    unsigned wishes;     /* there were with short times between */
    int64_t granted_us;  /* the last one that it got */
    struct sl_member *next;
} sl_member;

typedef struct sl_lanes {
    size_t count; /* from 1 to SL_LANES */
    sl_member *members;
    int64_t enough[SL_LANES]; /* bits a second, with which a lane's encoding is at its best, so that
                                 more make no difference; 0: there is no such rate now */
} sl_lanes;

/* It takes frames now, of the lane where it was last. False, and nothing, if it did already. */
bool sl_lanes_join(sl_lanes *lanes, sl_member *member);
void sl_lanes_leave(sl_lanes *lanes, sl_member *member);

/* Whether nobody is in this lane. */
bool sl_lanes_empty(const sl_lanes *lanes, size_t lane);

/* It can take `rate` bits a second now, 0 while that is not known. Its lane from now on. */
size_t sl_lanes_judge(sl_lanes *lanes, sl_member *member, int64_t rate, int64_t now_us);

/* Whether its lane's encoding is to suit it: not one that is about to leave the lane, because it
 * is far slower than another there, nor one of which nothing is known while of others it is. */
bool sl_lanes_suits(const sl_lanes *lanes, const sl_member *member);

/* It can use nothing but a keyframe. Whether its lane is to make one, at the cost of those who
 * share it: who wishes often has to move down, or has to wait where there is nothing below. */
bool sl_lanes_wish(const sl_lanes *lanes, sl_member *member, int64_t now_us);

#endif
