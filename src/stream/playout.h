/* stream: live frames that wait to be shown evenly (--smooth). Each is due a constant time after it
 * was captured: the least that one took to come, of those seen lately, and what was asked for
 * besides. One that comes later than that is due at once; when all do, by a second and for three,
 * as after a camera's clock was set back, the least delay is learnt afresh. They wait as they came,
 * not decoded yet, because they are small then.
 *
 *   frame ──▶ [ waiting, a queue for each camera ] ──▶ when it is due, in order
 *
 * Arithmetic over times that it is given, in microseconds: those of capture by the camera's clock,
 * all others by this end's monotonic one. The two need not agree, because only differences count.
 * Belongs to one thread. */
#ifndef STREAM_PLAYOUT_H
#define STREAM_PLAYOUT_H

#include <sightline/frame.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_PLAYOUT_LANES 64  /* of one camera each */
#define SL_PLAYOUT_MOST  128 /* frames in one lane: two seconds of 60 a second */

typedef struct sl_playout sl_playout;

/* `smooth_us` is what is asked for. SL_ENOMEM. */
int sl_playout_open(sl_playout **playout, int64_t smooth_us);

/* Lets go of what waits. Sets NULL. Safe on NULL. */
void sl_playout_close(sl_playout **playout);

/* Another camera, or another connection: what was learnt about its times holds no more. Frames that
 * wait still come out first. */
void sl_playout_begin(sl_playout *playout, size_t lane);

/* Whether another frame of so many bytes may wait there. */
bool sl_playout_has_room(const sl_playout *playout, size_t lane, size_t bytes);

/* A frame has come, and there is room for it; its reference becomes the playout's. `captured_us`
 * 0: nobody knows, and it is due as soon as those before it are. */
void sl_playout_put(sl_playout *playout, size_t lane, sl_frame *frame, int64_t captured_us,
                    int64_t now_us);

/* The lane's next frame, the caller's, if it is due by then; else NULL. */
sl_frame *sl_playout_take(sl_playout *playout, size_t lane, int64_t now_us);

/* When the next frame of any lane is due; -1: none waits. */
int64_t sl_playout_due(const sl_playout *playout);

#endif
