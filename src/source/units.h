/* source: coded video that is handed over as it came: a packet a frame, in Annex B, with its
 * parameter sets before each keyframe, and behind those since the keyframe (sl_frame_follow()). */
#ifndef SOURCE_UNITS_H
#define SOURCE_UNITS_H

#include "source/input.h"

typedef struct sl_units sl_units;

/* For the stream of `input`, which is borrowed. SL_EUNSUPPORTED, with the reason, when it is no
 * video of the format `wanted`, or none that a viewer can decode as it comes: frame by frame, each
 * at once. SL_ENOMEM. */
int sl_units_open(sl_units **units, const sl_input *input, sl_format wanted);

/* Makes a frame of a packet, and empties it. SL_EAGAIN for one that is left out (and emptied),
 * because it builds on what is not there; SL_EUNSUPPORTED, with the reason and the packet left as
 * it is, when this one and those after it must be decoded after all; SL_ENOMEM. */
int sl_units_take(sl_units *units, AVPacket *packet, sl_frame **frame);

void sl_units_close(sl_units **units);

#endif
