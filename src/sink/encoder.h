/* sink: one picture at a time into JPEG or PNG, by libavcodec. */
#ifndef SINK_ENCODER_H
#define SINK_ENCODER_H

#include "sink/image.h"
#include <libavcodec/avcodec.h>

/* Zeroed to begin with. */
typedef struct sl_encoder {
    AVCodecContext *context; /* for the size and format of the last picture */
    AVPacket *packet;
    sl_scaler scaler;
    int quantiser; /* of JPEG: 2 (also 0), the best, to 31 */
} sl_encoder;

/* Codes `image` as AV_CODEC_ID_PNG, or as AV_CODEC_ID_MJPEG; pixels that the
 * codec doesn't take are converted. The bytes are in encoder->packet until the next call.
 * SL_EUNSUPPORTED when this picture can't be coded, SL_ENOMEM. */
int sl_encoder_encode(sl_encoder *encoder, enum AVCodecID codec, AVFrame *image);

void sl_encoder_finish(sl_encoder *encoder);

#endif
