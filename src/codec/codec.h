/* codec: coded and decoded frames, side by side. One worker, one codec: not shared by threads. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <sightline/codec.h>
#include <sightline/receiver.h>

/* The options of sl_codec_settings (jpeg_compression, jpeg_compression_quality, …). */
extern const sl_option sl_codec_options[];
extern const size_t sl_codec_option_count;

typedef struct sl_codec sl_codec;

/* What one way of coding is: jpeg, raw, and later video. Listed in codec.c. */
typedef struct sl_codec_kind {
    const char *name;
    int (*open)(void **state, const sl_codec_settings *settings);
    int (*encode)(void *state, const sl_frame *frame, sl_frame **coded);
    int (*decode)(void *state, const sl_frame *coded, sl_output output, sl_frame **frame);
    void (*close)(void *state);
} sl_codec_kind;

int sl_codec_open(sl_codec **codec, const sl_codec_settings *settings);

/* Makes what travels: a JPEG, or with jpeg off a contiguous array that shares the frame's bytes.
 * A frame that is a JPEG already is passed through. Keeps times, sequence and message. SL_EINVAL
 * for frames that can't be coded as set: jpeg of an array that is no picture, raw of planar YUV. */
int sl_codec_encode(sl_codec *codec, const sl_frame *frame, sl_frame **coded);

/* The other way. `coded` is a peer's: SL_EMESSAGE when it can't be decoded, is truncated, or would
 * unpack to more than 256 MiB (a JPEG bomb). Arrays and SL_OUTPUT_CODED are passed on as they
 * are. Keeps times, sequence and message. */
int sl_codec_decode(sl_codec *codec, const sl_frame *coded, sl_output output, sl_frame **frame);

/* Width and height of a JPEG's header without decoding it; SL_EMESSAGE. */
int sl_codec_probe(sl_codec *codec, const sl_frame *coded, int *width, int *height);

void sl_codec_close(sl_codec **codec);

#endif
