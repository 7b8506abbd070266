/* stream: how large a frame may be where the receiver answers each. See allowance.h. */
#include "stream/allowance.h"

#include "base/clock.h"

#include <math.h>

#define MEASURE_US     (SL_SECOND_US / 2)
#define MEASURE_FRAMES 3
#define UNDER_WAY      2    /* frames of the old size when it changes: one is out, one is coded */
#define UP             1.15 /* at a time: twice the bytes within three seconds */
#define DOWN           0.5  /* at a time: enough to see whether it helps */
#define UNANSWERED     0.25 /* of a frame that had no reply in time */

/* A way that is not filled does not show what it passes, and TCP's congestion control does not
 * learn it: BBR, for one, paces by what it has seen. So now and then larger frames are tried. */
#define TRY    1.3
#define TRY_US (5 * SL_SECOND_US)
#define FILLS  0.8 /* of what is allowed: frames would be larger if they might */

#define LEVER       0.1 /* of size, between frames from whose times it is known what a byte takes */
#define SURE_LEVER  0.5 /* then nothing that was thought before counts, */
#define CLEAR_LEVER 0.4 /* and from here on frames may get larger at once */

void sl_allowance_init(sl_allowance *allowance) {
    *allowance = (sl_allowance){.most = SL_ALLOWANCE_ALL};
}

/* What takes the time: the bytes, or the rest. Gives the lever by which it was seen. */
static double learn(sl_allowance *allowance, double bytes, double us) {
    double change = allowance->bytes > 0 ? bytes - allowance->bytes : 0;
    double lever = fabs(change) / fmax(bytes, allowance->bytes);
    if (lever > LEVER) {
        double seen = fmax((us - allowance->us) / change, 0);
        allowance->byte_us += (seen - allowance->byte_us) * fmin(lever / SURE_LEVER, 1);
        allowance->byte_us = fmin(allowance->byte_us, us / bytes);
        allowance->held_us = us - allowance->byte_us * bytes;
    } else {
        allowance->held_us = fmin(allowance->held_us, us);
        allowance->byte_us = (us - allowance->held_us) / bytes;
    }
    allowance->bytes = bytes;
    allowance->us = us;
    return lever;
}

/* How long a frame's bytes may take. A frame is captured when the one before it leaves, so that its
 * own time counts twice in its age. What a reply takes beside may use up half of the time from one
 * frame to the next, and no more, as smaller frames don't help against it. */
static double room_us(const sl_allowance *allowance, const sl_governor_goals *goals, double fps) {
    double wanted = goals->smooth && fps > 0 ? fps : goals->min_fps;
    double interval_us = SL_SECOND_US / (fps > 0 ? fmin(wanted, fps) : wanted);
    double left_us = fmax(interval_us - allowance->held_us, interval_us / 2);
    return fmin(left_us, (double)goals->max_age_us / 2);
}

static void decide(sl_allowance *allowance, int64_t now_us, double room_us, double lever) {
    double all = (double)SL_ALLOWANCE_ALL, most = (double)allowance->most;
    double fits = allowance->byte_us > 0 ? fmin(room_us / allowance->byte_us, all) : all;
    double next = fits;
    if (fits < most)
        next = fmin(fmax(fits, allowance->bytes * DOWN), most);
    else if (lever < CLEAR_LEVER)
        next = fmin(fits, most * UP);
    bool larger = next >= most * UP || allowance->bytes < most * FILLS;
    if (larger || now_us - allowance->tried_us > TRY_US) {
        allowance->tried_us = now_us;
        next = larger ? next : most * TRY;
    }
    bool jumps = next < most / UP || next > most * UP;
    allowance->skipped = jumps ? UNDER_WAY : 0;
    allowance->most = (uint64_t)fmax(next, 1);
}

static void start_measuring(sl_allowance *allowance) {
    allowance->frames = 0;
    allowance->all_bytes = allowance->longest_bytes = 0;
    allowance->all_us = allowance->longest_us = 0;
}

void sl_allowance_answered(sl_allowance *allowance, const sl_governor_goals *goals, double fps,
                           int64_t now_us, uint64_t bytes, int64_t took_us) {
    if (allowance->skipped > 0) {
        allowance->skipped--;
        return;
    }
    if (allowance->frames++ == 0)
        allowance->since_us = now_us - took_us;
    allowance->all_bytes += bytes;
    allowance->all_us += took_us;
    if (took_us >= allowance->longest_us) {
        allowance->longest_us = took_us;
        allowance->longest_bytes = bytes;
    }
    if (allowance->frames < MEASURE_FRAMES || now_us - allowance->since_us < MEASURE_US)
        return;
    double count = allowance->frames - 1; /* without the longest */
    double mean_bytes = (double)(allowance->all_bytes - allowance->longest_bytes) / count;
    double mean_us = (double)(allowance->all_us - allowance->longest_us) / count;
    start_measuring(allowance);
    double lever = learn(allowance, fmax(mean_bytes, 1), mean_us);
    decide(allowance, now_us, room_us(allowance, goals, fps), lever);
}

void sl_allowance_unanswered(sl_allowance *allowance, uint64_t bytes) {
    uint64_t less = (uint64_t)((double)bytes * UNANSWERED) + 1;
    if (less < allowance->most)
        allowance->most = less;
    allowance->skipped = UNDER_WAY;
    start_measuring(allowance);
}
