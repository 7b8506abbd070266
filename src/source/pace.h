/* source: when a file's frames are due. Pure: knows no clock but what it is told. */
#ifndef SOURCE_PACE_H
#define SOURCE_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sl_pace {
    bool started;
    int64_t anchor_pts_us, anchor_us; /* this timestamp was due then */
    int64_t last_pts_us;
} sl_pace;

/* When the frame with this timestamp (INT64_MIN: missing) is due, asked at `now_us`. `interval_us`
 * is the usual time between two. A reader that has fallen behind by more than that starts afresh
 * from now, so that what it missed doesn't come in a burst; so do timestamps that jump. */
int64_t sl_pace_due_us(sl_pace *pace, int64_t pts_us, int64_t interval_us, int64_t now_us);

#endif
