/* sink/recording: what a recorder's files are called. */
#ifndef SINK_RECORDING_NAMING_H
#define SINK_RECORDING_NAMING_H

#include <sightline/view.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_SEGMENT_NAME_MAX (SL_VIEW_ID_MAX + 48) /* bytes, with the final NUL */

/* Whether a folder may be called so: letters, digits, '-', '_' and '.', no dot first. */
bool sl_naming_is_id(const char *id);

/* An ID for a camera that has none, of the port that its frames have (NULL or "": none). */
void sl_naming_make_id(char id[SL_VIEW_ID_MAX], const char *port);

/* Whether a name can be made of this time: after 1970, and before the year 10000. */
bool sl_naming_has_time(int64_t utc_us);

/* "ID_20261130T153000.123Z.mkv"; the second of the same name (copy 2) has "Z-2.mkv". */
void sl_naming_segment(char name[SL_SEGMENT_NAME_MAX], const char *id, int64_t utc_us, int copy);

/* Whether that is the name of one of this camera's segments, and no other file's. */
bool sl_naming_is_segment(const char *name, const char *id);

#endif
