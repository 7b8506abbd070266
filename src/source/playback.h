/* source: stored video played at its own pace: files, and files on a web server. */
#ifndef SOURCE_PLAYBACK_H
#define SOURCE_PLAYBACK_H

#include "source/pace.h"
#include "source/reader.h"

/* The reader's next frame, at its time unless the settings say unpaced, stamped as captured now. */
int sl_playback_read(sl_pace *pace, sl_reader *reader, const sl_source_shared *shared,
                     sl_frame **frame);

#endif
