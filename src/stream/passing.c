/* stream: whether what a camera has coded goes on as it came. See passing.h. */
#include "stream/passing.h"

#include "base/clock.h"
#include "frame/frame.h"

#include <math.h>

/* Of the rate that is aimed at, which is less than three quarters of what the way passes. */
#define START_SHARE 1.05         /* below which it starts to pass */
#define STOP_SHARE  1.25         /* above which it stops, */
#define EXCEEDS_US  SL_SECOND_US /* if it is for so long */
#define INTERVALS   2.0          /* from one frame to the next, that the largest may take */
#define USUAL_US    33333.0      /* from one frame to the next, while that is not known, */
#define WEIGHT      0.1          /* and of the last time in the average */
#define WHOLE       0.75         /* of its frames are all: the next step down is half of them */

/* How long it must have fitted after it stopped; longer each time that it soon stops again. */
#define PATIENCE_FIRST_US (3 * SL_SECOND_US)
#define PATIENCE_MOST_US  (60 * SL_SECOND_US)
#define SOON_US           (20 * SL_SECOND_US)

static void note(sl_passing *passing, const sl_frame *frame) {
    int64_t number = frame->captured_monotonic_us / SL_SECOND_US;
    sl_passing_second *second = &passing->seconds[number % SL_PASSING_SECONDS];
    if (second->number != number)
        *second = (sl_passing_second){.number = number};
    second->bytes += frame->size;
    if (frame->size > second->largest)
        second->largest = frame->size;
}

/* From the frame before it, if that is known. A pause is no interval. */
static void note_interval(sl_passing *passing, const sl_frame *frame) {
    const sl_frame *before = sl_frame_before(frame);
    if (!before)
        return;
    double took_us = (double)(frame->captured_monotonic_us - before->captured_monotonic_us);
    double average_us = passing->interval_us;
    if (took_us <= 0 || took_us >= SL_SECOND_US)
        return;
    passing->interval_us = average_us > 0 ? average_us + WEIGHT * (took_us - average_us) : took_us;
}

/* Takes in what came since the last one. True when that is one frame. */
static bool take_in(sl_passing *passing, const sl_frame *frame) {
    bool next = passing->known && frame->sequence == passing->sequence + 1;
    if (!passing->known)
        passing->first_us = frame->captured_monotonic_us;
    for (const sl_frame *each = frame;
         each && (each == frame || (passing->known && each->sequence > passing->sequence));
         each = sl_frame_before(each)) {
        note(passing, each);
        note_interval(passing, each);
    }
    passing->known = true;
    passing->sequence = frame->sequence;
    return next;
}

/* Bits a second over the last seconds, and of the largest frame. */
static double rate(const sl_passing *passing, int64_t now_us, double *largest) {
    int64_t number = now_us / SL_SECOND_US;
    uint64_t bytes = 0;
    size_t most = 0;
    for (int i = 0; i < SL_PASSING_SECONDS; i++) {
        const sl_passing_second *second = &passing->seconds[i];
        if (number - second->number >= SL_PASSING_SECONDS)
            continue;
        bytes += second->bytes;
        most = second->largest > most ? second->largest : most;
    }
    int64_t since_us = (number - SL_PASSING_SECONDS + 1) * SL_SECOND_US;
    int64_t took_us = now_us - (since_us > passing->first_us ? since_us : passing->first_us);
    *largest = (double)most * 8;
    return (double)bytes * 8 / fmax((double)took_us / SL_SECOND_US, 1);
}

/* Since when a thing is so that was not before: the time of that; 0: it is not. */
static int64_t since(int64_t before_us, bool so, int64_t now_us) {
    return !so ? 0 : before_us ? before_us : now_us;
}

static bool stop(sl_passing *passing, int64_t now_us) {
    bool soon = now_us - passing->passed_us < SOON_US;
    int64_t longer_us = passing->patience_us * 2;
    passing->patience_us = soon && longer_us > PATIENCE_FIRST_US ? longer_us : PATIENCE_FIRST_US;
    if (passing->patience_us > PATIENCE_MOST_US)
        passing->patience_us = PATIENCE_MOST_US;
    passing->fits_us = passing->exceeds_us = 0;
    return passing->passes = false;
}

bool sl_passing_decide(sl_passing *passing, const sl_frame *frame, const sl_governor_aim *aim,
                       bool keyframe) {
    int64_t now_us = frame->captured_monotonic_us;
    bool next = take_in(passing, frame);
    double aimed = (double)aim->bit_rate, largest, comes = rate(passing, now_us, &largest);
    double interval_s = (passing->interval_us > 0 ? passing->interval_us : USUAL_US) / SL_SECOND_US;
    bool whole = aim->scale >= 1 && aim->fps * interval_s >= WHOLE;
    bool fits = whole && comes <= aimed * START_SHARE && largest <= aimed * INTERVALS * interval_s;
    passing->fits_us = since(passing->fits_us, fits, now_us);
    passing->exceeds_us = since(passing->exceeds_us, comes > aimed * STOP_SHARE, now_us);
    bool exceeds = passing->exceeds_us && now_us - passing->exceeds_us >= EXCEEDS_US;
    if (passing->passes && (!whole || exceeds || !(next || frame->keyframe)))
        return stop(passing, now_us);
    if (frame->keyframe && !passing->passes && passing->fits_us &&
        now_us - passing->fits_us >= passing->patience_us) {
        passing->passes = true;
        passing->passed_us = now_us;
    }
    if (keyframe && !frame->keyframe)
        passing->passes = false; /* up to the camera's next one */
    return passing->passes;
}
