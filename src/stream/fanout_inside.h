/* stream: what the two sides of a fan-out share: fanout.c, where frames go in, and taker.c, where
 * they come out. Nobody else's. */
#ifndef STREAM_FANOUT_INSIDE_H
#define STREAM_FANOUT_INSIDE_H

#include "stream/fanout.h"

/* A frame that is in a lane's pipeline. */
typedef struct sl_fanout_coding {
    sl_passage *passage;
    int64_t since_us; /* monotonic */
} sl_fanout_coding;

typedef struct sl_fanout_lane {
    sl_pipeline *pipeline;
    sl_fanout_coding coding[SL_PIPELINE_CAPACITY]; /* a ring: what is in the pipeline, in order */
    uint64_t put, taken;                           /* how many went in there and came out */
    uint64_t last;                                 /* the number of the last one; 0: none yet */
    bool has;                                      /* took the frame that is being put */
} sl_fanout_lane;

struct sl_fanout {
    sl_fanout_lane lanes[SL_LANES];
    size_t lane_count;
    sl_tally *tally;
    bool in_turns;
    int room_fd;      /* polls readable while any pipeline has room */
    sl_event settled; /* all that was put is, or it is ended */

    pthread_mutex_t lock; /* everything below; before the pipelines' and the tallies' */
    sl_taker *takers;
    sl_passage *putting; /* the frame that is being put, or may be put again; NULL: none */
    int64_t captured_us; /* by when it was captured it is known again */
    bool again;          /* it may be put again */
    uint64_t put, done;
    uint64_t coded; /* frames that came out of the pipelines */
    uint64_t taken; /* in turns */
    bool awaited;   /* somebody has waited for all to be settled, and put nothing since */
    bool ended;
    bool shown; /* what `settled` says */
};

/* Gives back a hold on a frame that was put; the last one settles it. Locked. */
void sl_passage_release(sl_fanout *fanout, sl_passage *passage);

/* A descriptor that polls readable while any does that is watched by it. SL_ESYSTEM. */
int sl_fanout_open_many(int *many_fd);
int sl_fanout_watch(int many_fd, int fd);

#endif
