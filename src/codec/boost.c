/* codec: what libx264 is asked for. See boost.h. */
#include "codec/boost.h"

#include <math.h>

#define MOST   3
#define UP     1.05 /* for each frame, */
#define DOWN   0.9
#define ENOUGH 0.9 /* while frames take less than this share on average, */
#define BLUR   0.1 /* in which the newest weighs so much */

void sl_boost_init(sl_boost *boost) {
    *boost = (sl_boost){.times = 1, .share = 1};
}

void sl_boost_note(sl_boost *boost, double share, bool best) {
    boost->share += BLUR * (fmin(share, 1) - boost->share);
    if (share > 1)
        boost->times /= share;
    else
        boost->times *= !best && boost->share < ENOUGH ? UP : DOWN;
    boost->times = fmin(fmax(boost->times, 1), MOST);
}
