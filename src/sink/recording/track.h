/* sink/recording: what a container must know of coded frames before the first: codec, size,
 * parameter sets.
 */
#ifndef SINK_RECORDING_TRACK_H
#define SINK_RECORDING_TRACK_H

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>
#include <sightline/frame.h>
#include <stdbool.h>

/* Reads it from a JPEG, or from video that starts afresh; the caller frees it. SL_EUNSUPPORTED when
 * it isn't there, SL_ENOMEM. */
int sl_track_read(AVCodecParameters **track, const sl_frame *coded);

/* Whether frames of both can stand in one file. Other parameter sets are no reason: each keyframe
 * brings its own, and an encoder that is opened anew for another rate has others. */
bool sl_track_same(const AVCodecParameters *one, const AVCodecParameters *other);

/* The coded bytes as a packet of libavcodec's, copied: its readers run into the zeros behind. */
int sl_track_packet(AVPacket *packet, const sl_frame *coded);

#endif
