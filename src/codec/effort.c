/* codec: how much work an encoder may put into a frame. */
#include "codec/effort.h"

#include "base/settings.h"
#include "codec/codec.h"

#include <math.h>

#define MOST        0.8 /* of the time: the rest of the machine's work has to fit in, too */
#define LITTLE      0.3 /* twice as much would still leave room */
#define FALL_S      1.0
#define HASTE       4 /* times as fast where no time is left at all */
#define RISE_S      20.0
#define RISE_MOST_S 1280.0
#define WEIGHT      0.1   /* of the newest frame in the average */
#define MANY_PIXELS 100e6 /* a second: between 1080p30 and 1080p60 */

/* Of a test pattern of 1080p60 on two cores: superfast took 35 ms a frame, ultrafast 15, and with
 * quantisers of 23 and more 7: that many bits are mostly noise. */
static const struct {
    sl_video_preset preset;
    int quantiser;
} levels[] = {
    {SL_PRESET_SUPERFAST, SL_VIDEO_QUANTISER_BEST},
    {SL_PRESET_ULTRAFAST, SL_VIDEO_QUANTISER_BEST},
    {SL_PRESET_ULTRAFAST, SL_VIDEO_QUANTISER_BEST + 3},
    {SL_PRESET_ULTRAFAST, SL_VIDEO_QUANTISER_BEST + 6},
};

void sl_effort_init(sl_effort *effort, double pixels_per_s) {
    *effort = (sl_effort){.level = pixels_per_s > MANY_PIXELS, .rise_s = RISE_S};
}

sl_video_preset sl_effort_preset(const sl_effort *effort) {
    return levels[effort->level].preset;
}

int sl_effort_quantiser(const sl_effort *effort) {
    return levels[effort->level].quantiser;
}

static void move(sl_effort *effort, int by) {
    bool too_soon = by > 0 && effort->risen && effort->here_s < RISE_S;
    if (too_soon)
        effort->rise_s = fmin(effort->rise_s * 2, RISE_MOST_S);
    *effort = (sl_effort){.level = effort->level + by, .rise_s = effort->rise_s, .risen = by < 0};
}

void sl_effort_note(sl_effort *effort, double took_s, double interval_s) {
    double share = took_s / interval_s;
    effort->busy = effort->busy > 0 ? effort->busy + WEIGHT * (share - effort->busy) : share;
    effort->here_s += interval_s;
    bool falls = effort->busy > MOST && effort->level < (int)SL_COUNT(levels) - 1;
    bool rises = effort->busy < LITTLE && effort->level > 0;
    double passed_s = interval_s * (falls && effort->busy > 1 ? HASTE : 1);
    effort->wrong_s = falls || rises ? effort->wrong_s + passed_s : 0;
    if (effort->wrong_s > (falls ? FALL_S : effort->rise_s))
        move(effort, falls ? 1 : -1);
}
