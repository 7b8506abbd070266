/* stream: where an open gate of this user's is, for those who invite cameras to it meanwhile. */
#ifndef STREAM_WHEREABOUTS_H
#define STREAM_WHEREABOUTS_H

#include <sightline/receiver.h>

typedef struct sl_whereabouts {
    int fd; /* of the file, locked as long as the gate is open; -1: nothing was told */
} sl_whereabouts;

/* Tells where the gate is, and which file has its keys. What can't be told is logged: then who
 * invites has to say it. */
void sl_whereabouts_tell(sl_whereabouts *told, const sl_gate_place *place,
                         const sl_gate_settings *gate, sl_pattern pattern);
void sl_whereabouts_finish(sl_whereabouts *told);

/* Fills in the gate's and the link's settings of the gate that was opened last. False when it is
 * closed, or there was none. `settings` are initialised, and the caller's to finish. */
bool sl_whereabouts_find(sl_receiver_settings *settings);

#endif
