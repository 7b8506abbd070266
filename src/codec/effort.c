/* codec: how much work an encoder may put into a frame. */
#include "codec/effort.h"

#define MOST   0.8 /* of the time: the rest of the machine's work has to fit in, too */
#define LITTLE 0.3 /* twice as much would still leave room */
#define FALL_S 1.0
#define RISE_S 20.0
#define WEIGHT 0.1 /* of the newest frame in the average */

sl_video_preset sl_effort_preset(const sl_effort *effort) {
    return effort->least ? SL_PRESET_ULTRAFAST : SL_PRESET_SUPERFAST;
}

void sl_effort_note(sl_effort *effort, double took_s, double interval_s) {
    double share = took_s / interval_s;
    effort->busy = effort->busy > 0 ? effort->busy + WEIGHT * (share - effort->busy) : share;
    bool wrong = effort->least ? effort->busy < LITTLE : effort->busy > MOST;
    effort->wrong_s = wrong ? effort->wrong_s + interval_s : 0;
    if (effort->wrong_s > (effort->least ? RISE_S : FALL_S))
        *effort = (sl_effort){.least = !effort->least};
}
