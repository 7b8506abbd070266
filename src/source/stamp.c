/* source: a frame's time of capture. */
#include "source/stamp.h"
#include "base/clock.h"

void sl_stamp(sl_frame *frame, int64_t captured_us, bool timecode) {
    frame->captured_monotonic_us = captured_us;
    frame->captured_utc_us = sl_utc_us() - (sl_now_us() - captured_us);
    if (timecode)
        sl_timecode_draw(frame, frame->captured_utc_us);
}
