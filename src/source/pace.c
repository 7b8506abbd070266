/* source: when a file's frames are due. */
#include "source/pace.h"

/* A longer step between timestamps is a seam, not a still picture. */
static bool is_seam(int64_t step_us, int64_t interval_us) {
    return step_us < 0 || (step_us > INT64_C(5000000) && step_us > 3 * interval_us);
}

/* Timestamps go on from here, as if this one were due at `due_us`. */
static int64_t anchor(sl_pace *pace, int64_t pts_us, int64_t due_us) {
    pace->anchor_pts_us = pts_us;
    pace->anchor_us = due_us;
    pace->last_pts_us = pts_us;
    return due_us;
}

int64_t sl_pace_due_us(sl_pace *pace, int64_t pts_us, int64_t interval_us, int64_t now_us) {
    if (pts_us == INT64_MIN)
        pts_us = pace->started ? pace->last_pts_us + interval_us : 0;
    if (!pace->started) {
        pace->started = true;
        return anchor(pace, pts_us, now_us);
    }
    int64_t step_us = pts_us - pace->last_pts_us;
    if (is_seam(step_us, interval_us)) {
        int64_t due_us = pace->anchor_us + (pace->last_pts_us - pace->anchor_pts_us) + interval_us;
        return anchor(pace, pts_us, due_us > now_us - interval_us ? due_us : now_us);
    }
    int64_t due_us = pace->anchor_us + (pts_us - pace->anchor_pts_us);
    if (due_us < now_us - interval_us)
        return anchor(pace, pts_us, now_us);
    pace->last_pts_us = pts_us;
    return due_us;
}
