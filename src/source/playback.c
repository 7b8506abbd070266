/* source: stored video played at its own pace. */
#include "source/playback.h"
#include "base/clock.h"
#include "base/event.h"
#include "source/stamp.h"
#include <sightline/error.h>

int sl_playback_read(sl_pace *pace, sl_reader *reader, const sl_source_shared *shared,
                     sl_frame **frame) {
    int64_t pts_us;
    int code = sl_reader_read(reader, frame, &pts_us);
    if (code < 0)
        return code;
    int64_t due_us = sl_pace_due_us(pace, pts_us, sl_reader_interval_us(reader), sl_now_us());
    if (!shared->settings.unpaced)
        code = sl_wait(-1, 0, shared->cancel, due_us);
    if (code < 0 && code != SL_EAGAIN) {
        sl_frame_unref(frame);
        return code;
    }
    sl_stamp(*frame, sl_now_us(), shared->settings.timecode);
    return SL_OK;
}
