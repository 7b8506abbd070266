/* stream: how much a live sender may send, and when. See governor.h; every figure here was tuned in
 * the link laboratory. */
#include "stream/governor.h"

#include "base/clock.h"

#include <math.h>

#define SECOND ((double)SL_SECOND_US)

#define FIRST_RATE   125000.0 /* bytes a second, until the first frame's chunks have shown it */
#define LEAST_RATE   2000.0
#define MOST_RATE    1e9
#define AHEAD_MOST_S 5.0  /* of the rate, in the window, whatever a receiver claims */
#define FADE_S       0.15 /* of busy time, in which what was measured loses its weight */
#define ROW_BYTES    4096 /* the least to measure by: TCP's segments arrive in steps of 1.4 KB */
#define LATELY_US    (10 * SL_SECOND_US)
#define OVERDUE_US   25000 /* and so many chunks late is an ack when nothing passes */
#define OVERDUE      4
#define OUTAGE_S     0.2 /* what took so long, and so many times what it should have, */
#define OUTAGE_TIMES 4   /* met an outage; */
#define AFTER_OUTAGE 0.5 /* then the rate is taken for so much of what it was */
#define WINDOW_LEAST ((uint64_t)16 * 1024)

#define CHUNK_S     0.008 /* of the rate, in one chunk */
#define CHUNK_LEAST 2048
#define CHUNK_MOST  (32 * 1024)

/* Frames fill a part of the rate; what varies in size and rate needs the rest. A frame is as old as
 * it takes to pass: at 4 Mbit/s and 30 frames/s the 95th percentile of ages was 45 ms with 0.85,
 * and 39 with 0.72. */
#define USE_LEAST 0.6
#define USE_MOST  0.72
#define USE_DOWN  0.02 /* for each frame that had to wait long */
#define USE_UP    0.004

#define BURST_S      0.25 /* of the highest rate, at once: a keyframe among frames */
#define DAY_S        86400.0
#define SAVED        0.05   /* of a day's bytes may be spent ahead of time or saved, */
#define SPEND_S      60.0   /* and are spent in so long */
#define STEP_MOST_US 100000 /* a one-way delay beyond the round trip's own: a clock was set */

#define COARSE  40 /* a quantiser that shows: fewer or smaller frames would look better */
#define RUINED  42 /* one with which nearly nothing is left, not even what moves */
#define FINE    30 /* one that leaves room for more or larger ones, which cost 6 where they double */
#define SPARE   0.5 /* of what a frame may have: fewer ones would not get what an encoder leaves */
#define BLUR    0.1 /* of the newest frame in the averages */
#define DOWN_US (SL_SECOND_US / 2)
#define UP_US   (5 * SL_SECOND_US)
#define ALONE_S 1.0 /* what the goals allow in this time is far too little for one frame */

struct step {
    double frames, scale;
};

#define STEPS 5
static const struct step ladders[2][STEPS] = {
    {{1, 1}, {1 / 2.0, 1}, {1 / 3.0, 1}, {1 / 3.0, 0.75}, {1 / 3.0, 0.5}},
    {{1, 1}, {1, 0.75}, {1, 0.5}, {1 / 2.0, 0.5}, {1 / 3.0, 0.5}},
};

static void note_lately(sl_lately *lately, int64_t value, int64_t now_us) {
    if (!lately->known) {
        *lately = (sl_lately){{value, value}, now_us, true};
        return;
    }
    if (now_us - lately->since_us > LATELY_US) {
        lately->least[0] = lately->least[1];
        lately->least[1] = value;
        lately->since_us = now_us;
    }
    if (value < lately->least[1])
        lately->least[1] = value;
}

static int64_t least_of(const sl_lately *lately) {
    return lately->least[0] < lately->least[1] ? lately->least[0] : lately->least[1];
}

static void set_rate(sl_governor *governor, double rate) {
    governor->rate = fmax(fmin(rate, MOST_RATE), LEAST_RATE);
}

static double source_fps(const sl_governor *governor) {
    return governor->goals.fps > 0 ? governor->goals.fps : 30;
}

static double aimed_fps(const sl_governor *governor) {
    const struct step *step = &ladders[governor->goals.smooth][governor->step];
    double least = fmin(governor->goals.min_fps, source_fps(governor));
    return fmax(source_fps(governor) * step->frames, least);
}

void sl_governor_init(sl_governor *governor, const sl_governor_goals *goals, int64_t now_us) {
    double most = (double)goals->max_rate / 8, daily = (double)goals->daily_bytes;
    *governor = (sl_governor){.goals = *goals, .use = USE_MOST};
    sl_bucket_init(&governor->rated, most, most * BURST_S, now_us);
    sl_bucket_init(&governor->capped, daily * (1 - SAVED) / DAY_S, daily * SAVED, now_us);
    set_rate(governor, FIRST_RATE);
    sl_governor_restart(governor, now_us);
}

void sl_governor_restart(sl_governor *governor, int64_t now_us) {
    *governor = (sl_governor){
        .goals = governor->goals,
        .rated = governor->rated,
        .capped = governor->capped,
        .rate = governor->rate,
        .use = governor->use,
        .step = governor->step,
        .free_us = now_us,
    };
}

void sl_governor_sent(sl_governor *governor, int64_t now_us, uint64_t bytes) {
    governor->sent += bytes;
    sl_bucket_spend(&governor->rated, (double)bytes, now_us);
    sl_bucket_spend(&governor->capped, (double)bytes, now_us);
    if (governor->free_us < now_us)
        governor->free_us = now_us;
    governor->free_us += (int64_t)((double)bytes / governor->rate * SECOND);
}

/* What it took the narrow place to pass them: from when they could have begun to, which is when
 * they met it or those before had passed, to when they came. */
static void measure(sl_governor *governor, double bytes, int64_t took_us) {
    double took_s = (double)took_us / SECOND;
    double most_s =
        OUTAGE_S + OUTAGE_TIMES * (double)(governor->sent - governor->acked) / governor->rate;
    if (took_s > most_s) { /* nothing passed for a while, which says little of what will now */
        governor->bytes *= AFTER_OUTAGE;
        set_rate(governor, governor->rate * AFTER_OUTAGE);
        return;
    }
    double weight = exp(-took_s / FADE_S);
    governor->bytes = governor->bytes * weight + bytes;
    governor->seconds = governor->seconds * weight + took_s;
    if (governor->seconds > 0 && governor->bytes >= ROW_BYTES)
        set_rate(governor, governor->bytes / governor->seconds);
}

void sl_governor_heard(sl_governor *governor, int64_t now_us, int64_t sent_us, int64_t came_us) {
    if (sent_us > now_us)
        return;
    int64_t delay_us = came_us - sent_us, trip_us = now_us - sent_us;
    if (governor->delay.known && delay_us - least_of(&governor->delay) >
                                     trip_us - least_of(&governor->round_trip) + STEP_MOST_US)
        governor->delay.known = false; /* the receiver's clock was set forward */
    note_lately(&governor->delay, delay_us, now_us);
    note_lately(&governor->round_trip, trip_us, now_us);
}

bool sl_governor_arrived(sl_governor *governor, uint64_t bytes) {
    if (bytes > governor->sent || bytes < governor->acked)
        return false;
    governor->acked = bytes;
    return true;
}

bool sl_governor_acked(sl_governor *governor, int64_t now_us, uint64_t bytes, int64_t sent_us,
                       int64_t came_us) {
    if (bytes > governor->sent || bytes < governor->acked || sent_us > now_us)
        return false;
    sl_governor_heard(governor, now_us, sent_us, came_us);
    int64_t delay_us = least_of(&governor->delay), began_us = sent_us + delay_us;
    if (governor->came_us > began_us)
        began_us = governor->came_us;
    if (came_us >= began_us)
        measure(governor, (double)(bytes - governor->acked), came_us - began_us);
    governor->queue_us = came_us - sent_us - delay_us;
    governor->came_us = came_us;
    governor->acked = bytes;
    /* This chunk was through the narrow place when one that met no queue would have left here. */
    double left = (double)(governor->sent - bytes);
    governor->free_us = came_us - delay_us + (int64_t)(left / governor->rate * SECOND);
    return true;
}

/* How long a frame may find the narrow place busy. */
static int64_t patience_us(const sl_governor *governor) {
    double most = fmin(SECOND / aimed_fps(governor) / 2, (double)governor->goals.max_age_us / 3);
    return (int64_t)most;
}

/* When the next frame is due at the rate of frames that is aimed at, with a quarter's tolerance for
 * a source's own. */
static int64_t spaced_us(const sl_governor *governor) {
    return governor->admitted_us + (int64_t)(0.75 * SECOND / aimed_fps(governor));
}

/* When what has left is within the goals. */
static int64_t paid_us(const sl_governor *governor, int64_t now_us) {
    return sl_later_us(sl_bucket_paid_us(&governor->rated, now_us),
                       sl_bucket_paid_us(&governor->capped, now_us));
}

/* When it is certain that nothing passes: of all that is under way a chunk, at most, should have
 * been acknowledged for long. */
static int64_t overdue_us(const sl_governor *governor) {
    double under_way = (double)(governor->sent - governor->acked);
    double chunk = fmin(under_way, sl_governor_chunk(governor));
    double late_s = ((OVERDUE + 1) * chunk - under_way) / governor->rate;
    return governor->free_us + (int64_t)(late_s * SECOND) + sl_governor_round_trip(governor) +
           OVERDUE_US;
}

bool sl_governor_admits(const sl_governor *governor, int64_t now_us, int64_t *due_us) {
    int64_t ready_us = sl_later_us(spaced_us(governor), paid_us(governor, now_us));
    *due_us = -1;
    if (governor->sent > governor->acked) {
        if (now_us > overdue_us(governor) || sl_governor_window(governor) == 0)
            return false;
        ready_us = sl_later_us(ready_us, governor->free_us - patience_us(governor));
    }
    if (now_us >= ready_us)
        return true;
    *due_us = ready_us;
    return false;
}

bool sl_governor_idles(const sl_governor *governor, int64_t now_us) {
    return governor->free_us <= now_us;
}

void sl_governor_admitted(sl_governor *governor, int64_t let_in_us, int64_t now_us) {
    int64_t backlog_us = governor->free_us - now_us;
    if (backlog_us > patience_us(governor) / 2)
        governor->use = fmax(governor->use - USE_DOWN, USE_LEAST);
    else if (backlog_us < patience_us(governor) / 8)
        governor->use = fmin(governor->use + USE_UP, USE_MOST);
    governor->admitted_us = let_in_us;
}

uint64_t sl_governor_window(const sl_governor *governor) {
    double ahead_s =
        (double)(sl_governor_round_trip(governor) + governor->goals.max_age_us) / SECOND;
    uint64_t most = (uint64_t)(governor->rate * fmin(ahead_s, AHEAD_MOST_S));
    uint64_t out = governor->sent - governor->acked;
    if (most < WINDOW_LEAST)
        most = WINDOW_LEAST;
    return out < most ? most - out : 0;
}

uint32_t sl_governor_chunk(const sl_governor *governor) {
    return (uint32_t)fmax(fmin(governor->rate * CHUNK_S, CHUNK_MOST), CHUNK_LEAST);
}

/* Bytes a second that the goals allow. A day's cap is spent evenly, and what has been saved soon.
 */
static double allowed(const sl_governor *governor, int64_t now_us) {
    const sl_bucket *rated = &governor->rated, *capped = &governor->capped;
    double most = rated->rate > 0 ? rated->rate : MOST_RATE;
    if (capped->rate <= 0)
        return most;
    return fmin(most, capped->rate + fmax(sl_bucket_left(capped, now_us), 0) / SPEND_S);
}

void sl_governor_aim_get(const sl_governor *governor, int64_t now_us, sl_governor_aim *aim) {
    double rate = fmin(governor->rate * governor->use, allowed(governor, now_us));
    aim->bit_rate = (int64_t)(rate * 8);
    aim->fps = aimed_fps(governor);
    aim->scale = ladders[governor->goals.smooth][governor->step].scale;
}

static void blur(double *average, double newest, bool known) {
    *average = known ? *average + BLUR * (newest - *average) : newest;
}

static void take_step(sl_governor *governor, unsigned step) {
    governor->step = step;
    governor->step_us = 0;
    governor->coded = false;
}

void sl_governor_coded(sl_governor *governor, int64_t now_us, int quantiser, size_t bytes,
                       bool best) {
    blur(&governor->quantiser, quantiser, governor->coded);
    blur(&governor->frame_bytes, (double)bytes, governor->coded);
    governor->coded = true;
    sl_governor_aim aim;
    sl_governor_aim_get(governor, now_us, &aim);
    bool spare = best || governor->frame_bytes * 8 < SPARE * (double)aim.bit_rate / aim.fps;
    bool down = governor->quantiser > (spare ? RUINED : COARSE) && governor->step < STEPS - 1;
    bool up = governor->quantiser < (spare ? COARSE : FINE) && governor->step > 0;
    if (down && (double)bytes > allowed(governor, now_us) * ALONE_S)
        take_step(governor, STEPS - 1);
    else if (!down && !up)
        governor->step_us = 0;
    else if (governor->step_us == 0)
        governor->step_us = now_us;
    else if (now_us - governor->step_us > (down ? DOWN_US : UP_US))
        take_step(governor, down ? governor->step + 1 : governor->step - 1);
}

int64_t sl_governor_round_trip(const sl_governor *governor) {
    return governor->round_trip.known ? least_of(&governor->round_trip) : 0;
}
