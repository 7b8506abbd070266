/* codec: coded and decoded frames, side by side. One worker, one codec: not shared by threads. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <sightline/codec.h>
#include <sightline/receiver.h>

#define SL_UNPACKED_MAX ((size_t)128 * 1024 * 1024) /* bytes a peer's frame may unpack to */

/* The options of sl_codec_settings (jpeg_compression, jpeg_compression_quality, …). */
extern const sl_option sl_codec_options[];
extern const size_t sl_codec_option_count;

typedef struct sl_codec sl_codec;

/* What one way of coding is: jpeg, raw, and later video. Listed in codec.c. */
typedef struct sl_codec_kind {
    const char *name;
    /* Whether frames are coded in this way when these are the settings. */
    bool (*encodes)(const sl_codec_settings *settings);
    /* Whether it is the one that decodes what is in this format. */
    bool (*decodes)(sl_format format);
    int (*open)(void **state, const sl_codec_settings *settings);
    int (*encode)(void *state, const sl_frame *frame, sl_frame **coded);
    int (*decode)(void *state, const sl_frame *coded, sl_output output, sl_frame **frame);
    /* Whether it is whole and within bounds, without decoding it; NULL: nothing to look at. */
    int (*check)(void *state, const sl_frame *coded);
    void (*close)(void *state);
} sl_codec_kind;

extern const sl_codec_kind sl_codec_jpeg;
extern const sl_codec_kind sl_codec_raw;

/* SL_EINVAL for settings out of their range, SL_ENOMEM. */
int sl_codec_open(sl_codec **codec, const sl_codec_settings *settings);

/* Makes what travels: a JPEG, or with jpeg off a contiguous array that shares the frame's bytes.
 * A frame that is a JPEG already is passed through. Keeps times, sequence and message. SL_EINVAL
 * for frames that can't be coded as set: jpeg of an array that is no picture or has another number
 * of channels than the colour space, raw of planar YUV. */
int sl_codec_encode(sl_codec *codec, const sl_frame *frame, sl_frame **coded);

/* The other way. `coded` is a peer's: SL_EMESSAGE when it can't be decoded, is truncated, or would
 * unpack to more than SL_UNPACKED_MAX (a JPEG bomb). Arrays, and for
 * SL_OUTPUT_CODED JPEGs that are whole, are passed on as they are. Keeps times, sequence and
 * message. */
int sl_codec_decode(sl_codec *codec, const sl_frame *coded, sl_output output, sl_frame **frame);

/* Frees it and sets the pointer NULL. Frames that it made stay valid. Safe on NULL. */
void sl_codec_close(sl_codec **codec);

#endif
