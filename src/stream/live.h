/* stream: how a live sender stands with its receiver. Part of the sender's turn (pattern.h); used
 * by live_send.c and live_heard.c alone. */
#ifndef STREAM_LIVE_H
#define STREAM_LIVE_H

#include "base/log.h"
#include "stream/governor.h"

#define SL_LIVE_RECENT 64 /* frames whose sizes are kept until they are acknowledged */

typedef struct sl_live {
    sl_governor governor;
    uint64_t connects; /* of the link, when this session was begun */
    uint64_t camera;   /* this sender, in all connections; 0: not drawn yet */
    uint32_t session;
    uint16_t epoch;
    uint16_t codecs;                 /* that the receiver can decode */
    bool welcome;                    /* the receiver has answered the hello, */
    bool refused;                    /* or said that it has no place */
    bool lost;                       /* it can use nothing but a keyframe */
    bool unwatched;                  /* nobody takes frames from it */
    bool behind;                     /* its decoder has more frames than it can take */
    sl_log_limit views;              /* log lines about that */
    uint64_t loss_told;              /* changes of the source's loss that it knows of */
    int64_t hello_us;                /* when to say hello again */
    int64_t heard_us, asked_us;      /* the last message that came, the last ping that left */
    int64_t wished_us;               /* the last wish for a keyframe */
    uint64_t number;                 /* of the last coded frame that left */
    uint32_t sequence;               /* its number in this session */
    uint32_t keyframe;               /* that of the last keyframe */
    uint32_t acked;                  /* frames that have come whole */
    uint32_t totals[SL_LIVE_RECENT]; /* their sizes, by sequence */
    int64_t clock_us, clock_trip_us; /* the receiver's clock, and the round trip it was told in */
    int64_t clock_at_us;
    uint32_t shown; /* the frame that the receiver last said it handed out */
    uint64_t coded; /* frames coded when the governor last heard of it, */
    bool copied;    /* the last of them as a camera had coded it */
} sl_live;

#endif
