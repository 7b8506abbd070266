/* stream: how the live pattern's destinations steer the encoders that they share, one a lane
 * (lanes.h).
 *
 *   outlet: governor ─▶ aim ─┐             ┌─▶ encoder, before each frame
 *   outlet: governor ─▶ aim ─┼─▶ steering ─┤      └─▶ how the last frame was coded ─▶ outlets
 *   outlet: governor ─▶ aim ─┘             └─▶ encoder of a slower lane
 *
 * An encoder aims at what the slowest of its lane can take. Any thread. */
#ifndef STREAM_STEERING_H
#define STREAM_STEERING_H

#include "stream/governor.h"
#include "stream/lanes.h"
#include <pthread.h>
#include <sightline/frame.h>
#include <sightline/stats.h>

/* What comes in, and how the last frame was coded. */
typedef struct sl_coding {
    double fps;      /* frames a second that are offered; 0: not known yet */
    uint64_t frames; /* coded so far; 0: none yet, and the rest is unknown */
    int quantiser;   /* 0 (best) to 63; -1: not known */
    int quality;     /* of JPEG; 0: it is none */
    bool best;       /* more bits would not make it better */
    bool copied;     /* it went on as the camera had coded it */
    int width, height;
    size_t bytes;        /* that it has */
    const char *encoder; /* static */
} sl_coding;

/* One destination's hand on its lane's encoder, in its owner's memory, all zero at first. */
typedef struct sl_rein {
    sl_member member; /* first: of the list of members each is a rein's */
    sl_governor_aim aim;
    sl_live_stats told; /* for whoever wants to know */
    unsigned formats;   /* that its receiver can decode: 1 << sl_format; 0: not known */
} sl_rein;

/* What is steered: one lane's encoder. */
typedef struct sl_steered {
    bool keyframe;
    bool newcomer; /* a destination came to the lane, and no frame was coded since */
    sl_coding coding;
    double frame_bits; /* that frames have on average, or had at a busier time not long ago */
} sl_steered;

typedef struct sl_steering {
    bool chooses;         /* the encoders may make JPEG in place of what was set; set before use */
    pthread_mutex_t lock; /* everything below */
    sl_lanes lanes;
    sl_steered steered[SL_LANES];
    int64_t captured_us; /* the last frame that was offered; 0: none yet */
    double interval_us;  /* from one to the next, on average; 0: not known yet */
    bool long_interval;  /* the last one was a second or more */
} sl_steering;

/* `lanes`: how many encoders there are, from 1 to SL_LANES. */
void sl_steering_init(sl_steering *steering, size_t lanes);
void sl_steering_finish(sl_steering *steering);

/* A destination that takes frames now aims so, and stands so; `known`: acks have come, so that the
 * aim is more than a guess. Returns the lane whose frames it takes from now on. `rein` stays its
 * owner's, and must be let go of. */
size_t sl_steering_aim(sl_steering *steering, sl_rein *rein, const sl_governor_aim *aim, bool known,
                       const sl_live_stats *told, int64_t now_us);

/* It takes none any more. */
void sl_steering_let_go(sl_steering *steering, sl_rein *rein);

/* How a destination stood when it aimed last. */
void sl_steering_told(sl_steering *steering, const sl_rein *rein, sl_live_stats *told);

/* It can use nothing but a keyframe. Its lane makes one, unless it wishes too often. */
void sl_steering_want_keyframe(sl_steering *steering, sl_rein *rein, int64_t now_us);

/* Its receiver can decode these, 1 << sl_format. */
void sl_steering_set_formats(sl_steering *steering, sl_rein *rein, unsigned formats);

/* For a lane's encoder: what frames become, if `set` is what the settings say. JPEG in its place if
 * that may be, and somebody can't decode it. */
sl_format sl_steering_format(sl_steering *steering, size_t lane, sl_format set);

/* Whether no destination takes this lane's frames. */
bool sl_steering_idle(sl_steering *steering, size_t lane);

/* For a lane's encoder: where to aim with the next frame. False when nobody says. Else the wish for
 * a keyframe is handed over, and forgotten. */
bool sl_steering_take(sl_steering *steering, size_t lane, sl_governor_aim *aim, bool *keyframe);

/* Whether the next frame must be coded, even if its picture was: somebody came, or can use nothing
 * but a keyframe; or nobody is there, and it waits for them. */
bool sl_steering_awaits(sl_steering *steering);

/* Whether frames could be coded no better for anybody. */
bool sl_steering_best(sl_steering *steering);

/* A frame that was captured then, monotonic, is offered, maybe not for the first time. */
void sl_steering_offer(sl_steering *steering, int64_t captured_us);

/* A frame was coded for a lane; `coding` says how, but for what is counted here. */
void sl_steering_report(sl_steering *steering, size_t lane, const sl_coding *coding);

/* The quality of the JPEG that was last coded in the first lane; 0: it was none. */
int sl_steering_quality(sl_steering *steering);

/* How frames are coded for a destination. */
void sl_steering_coding(sl_steering *steering, const sl_rein *rein, sl_coding *coding);

#endif
