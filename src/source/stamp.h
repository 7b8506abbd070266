/* source: a frame's time of capture. */
#ifndef SOURCE_STAMP_H
#define SOURCE_STAMP_H

#include <sightline/frame.h>

/* Notes when the frame was captured (a time of sl_now_us()), and draws the timecode if asked to,
 * where the picture has room for it. The caller alone owns the frame, and to draw its pixels. */
void sl_stamp(sl_frame *frame, int64_t captured_us, bool timecode);

#endif
