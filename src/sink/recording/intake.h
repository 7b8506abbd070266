/* sink/recording: what recordings store of the frames that come: coded, and of video only what can
 * be decoded after what was stored before it. */
#ifndef SINK_RECORDING_INTAKE_H
#define SINK_RECORDING_INTAKE_H

#include "frame/bitstream.h"
#include "sink/encoder.h"

/* Zeroed to begin with. */
typedef struct sl_intake {
    sl_encoder encoder; /* for frames that are not coded */
    AVFrame *image;
    sl_format format;    /* of the last one; SL_FORMAT_NONE: none came */
    sl_bitstream stream; /* video: to see what is missing, */
    bool whole;          /* and that nothing is so far */
} sl_intake;

/* Gives what can be stored, with a reference: the frame itself, or a JPEG in best quality of a
 * picture that is not coded. `*afresh`: it needs no frame before it. SL_EAGAIN for video that needs
 * one which is missing: only a keyframe helps. SL_EUNSUPPORTED for what can't be stored, with the
 * reason; SL_ENOMEM. */
int sl_intake_take(sl_intake *intake, const sl_frame *frame, sl_frame **coded, bool *afresh);

/* What was given last has not been stored, or a frame was let go before it came here. */
void sl_intake_break(sl_intake *intake);

void sl_intake_finish(sl_intake *intake);

#endif
