/* sink/recording: one of a recorder's files. */
#ifndef SINK_RECORDING_SEGMENT_H
#define SINK_RECORDING_SEGMENT_H

#include "sink/recording/muxer.h"
#include "sink/recording/naming.h"
#include <sightline/recorder.h>

#define SL_SEGMENT_PATH_MAX 1024

/* Zeroed to begin with. */
typedef struct sl_segment {
    sl_muxer *muxer; /* NULL: none is open */
    AVCodecParameters *track;
    char folder[SL_SEGMENT_PATH_MAX - SL_SEGMENT_NAME_MAX - 2];
    char id[SL_VIEW_ID_MAX], name[SL_SEGMENT_NAME_MAX];
    bool shown;                     /* has its own name; before, a dot is before it */
    char path[SL_SEGMENT_PATH_MAX]; /* of the one that is open, or the last */
    int64_t first_us;               /* UTC of its first frame */
    int64_t written_us, synced_us;  /* this machine's clock */
} sl_segment;

/* Makes a file in DIRECTORY/ID/ for a first frame captured at `utc_us`, and takes the track over.
 * It has its name once that frame is on the disk, so that there is none that can't be played.
 * SL_ESINK.
 */
int sl_segment_begin(sl_segment *segment, const char *directory, const char *id,
                     AVCodecParameters *track, int64_t utc_us, int64_t now_us);

/* As sl_muxer_write(). */
int sl_segment_write(sl_segment *segment, const sl_frame *coded, bool afresh, int64_t utc_us,
                     int64_t now_us);

/* Puts into the file, and has the disk keep, what has waited long enough. SL_ESINK. */
int sl_segment_tend(sl_segment *segment, int64_t now_us);

/* Whether another should begin, now that it is that long. */
bool sl_segment_is_long(const sl_segment *segment, const sl_extent *most, int64_t length_us);

/* Finishes the file and closes it; nothing when none is open. SL_ESINK. */
int sl_segment_end(sl_segment *segment);

#endif
