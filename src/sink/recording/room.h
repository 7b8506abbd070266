/* sink/recording: whether a disk has room for recordings. Some is left, so that what is open can be
 * finished, and for others. */
#ifndef SINK_RECORDING_ROOM_H
#define SINK_RECORDING_ROOM_H

#include <stdbool.h>

/* Whether what is being written must stop now, with so little left; false when that can't be told.
 */
bool sl_room_is_short(const char *directory);

/* Whether it may begin: twice that is left, so that it is not stopped at once. True when that can't
 * be told. */
bool sl_room_is_enough(const char *directory);

#endif
