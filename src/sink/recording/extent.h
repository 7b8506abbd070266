/* sink/recording: how long or how large something may be, as people write it. */
#ifndef SINK_RECORDING_EXTENT_H
#define SINK_RECORDING_EXTENT_H

#include <sightline/recorder.h>

/* Reads "90s", "10m", "1h", "7d", "2w", "500MB", "20GB", "4GiB", or "0" for no limit, into an
 * sl_extent: an option's `parse`. SL_EINVAL with what is wrong. */
int sl_extent_parse(void *field, const char *value);

#endif
