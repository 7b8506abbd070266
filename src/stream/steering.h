/* stream: how the live pattern's destinations steer the one encoder that they share.
 *
 *   outlet: governor ─▶ aim ─┐
 *   outlet: governor ─▶ aim ─┼─▶ steering ─▶ encoder, before each frame
 *   outlet: governor ─▶ aim ─┘      └────────◀ how the last frame was coded
 *
 * The encoder follows the destination that can take most; the others skip. Any thread. */
#ifndef STREAM_STEERING_H
#define STREAM_STEERING_H

#include "stream/governor.h"
#include <pthread.h>
#include <sightline/stats.h>

/* What comes in, and how the last frame was coded. */
typedef struct sl_coding {
    double fps;      /* frames a second that are offered; 0: not known yet */
    uint64_t frames; /* coded so far; 0: none yet, and the rest is unknown */
    int quantiser;   /* 0 (best) to 63; -1: not known */
    bool best;       /* more bits would not make it better */
    int width, height;
    const char *encoder; /* static */
} sl_coding;

/* One destination's hand on it, in its owner's memory. */
typedef struct sl_rein {
    sl_governor_aim aim;
    sl_live_stats told; /* for whoever wants to know */
    struct sl_rein *next;
} sl_rein;

typedef struct sl_steering {
    pthread_mutex_t lock; /* everything below */
    sl_rein *reins;
    bool keyframe;
    sl_coding coding;
    int64_t captured_us; /* the last frame that was offered; 0: none yet */
    double interval_us;  /* from one to the next, on average; 0: not known yet */
} sl_steering;

void sl_steering_init(sl_steering *steering);
void sl_steering_finish(sl_steering *steering);

/* A destination that takes frames now aims so, and stands so. `rein` stays its owner's, and must be
 * let go of. */
void sl_steering_aim(sl_steering *steering, sl_rein *rein, const sl_governor_aim *aim,
                     const sl_live_stats *told);

/* It takes none any more. */
void sl_steering_let_go(sl_steering *steering, sl_rein *rein);

/* How a destination stood when it aimed last. */
void sl_steering_told(sl_steering *steering, const sl_rein *rein, sl_live_stats *told);

/* Somebody can use nothing but a keyframe. */
void sl_steering_want_keyframe(sl_steering *steering);

/* For the encoder: where to aim with the next frame. False when nobody says. The wish for a
 * keyframe is handed over, and forgotten. */
bool sl_steering_take(sl_steering *steering, sl_governor_aim *aim, bool *keyframe);

/* A frame that was captured then, monotonic, is offered, maybe not for the first time. */
void sl_steering_offer(sl_steering *steering, int64_t captured_us);

/* A frame was coded; `coding` says how, but for what is counted here. */
void sl_steering_report(sl_steering *steering, const sl_coding *coding);
void sl_steering_coding(sl_steering *steering, sl_coding *coding);

#endif
