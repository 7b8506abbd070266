/* sink/recording: deletes the oldest of a recorder's segments, over all cameras. What is not one by
 * its place and name is never touched, and no link is followed. */
#ifndef SINK_RECORDING_RETENTION_H
#define SINK_RECORDING_RETENTION_H

#include "base/log.h"
#include <sightline/recorder.h>

typedef struct sl_retention {
    const char *directory;
    sl_extent keep;
    /* Whether that segment is being written now: it counts, but stays. */
    bool (*in_work)(void *user, const char *id, const char *name);
    void *user;
    sl_log_limit limit; /* of what can't be deleted */
} sl_retention;

/* Deletes what is older than `keep.us` (by when it was written last), or beyond `keep.bytes` of the
 * disk together, the oldest first, and the folders that are empty then; how many segments. Blocks
 * as long as the disk does. */
size_t sl_retention_run(sl_retention *retention, int64_t now_utc_us);

#endif
