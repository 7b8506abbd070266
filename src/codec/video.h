/* codec: what the files of the video kind share. */
#ifndef CODEC_VIDEO_H
#define CODEC_VIDEO_H

#include "codec/codec.h"

#include <libavcodec/avcodec.h>

/* How an encoder takes another bit rate while it runs. */
typedef enum sl_video_steering {
    SL_STEERING_NONE,     /* it must be opened anew */
    SL_STEERING_KEYFRAME, /* with a keyframe each time */
    SL_STEERING_SMOOTH,
} sl_video_steering;

/* How one of libavcodec's encoders is used. */
typedef struct sl_video_maker {
    const char *name; /* libavcodec's */
    sl_format format;
    bool hardware;              /* may be compiled in and yet not be there, so it is tried first */
    enum AVHWDeviceType device; /* where pictures must be brought before; NONE: memory will do */
    sl_video_steering steering;
    bool slices;         /* its threads each get a slice of a frame, which costs quality */
    bool presets;        /* knows video_preset */
    const char *quality; /* its option for the finest quantiser, which may change while it
                            runs; NULL: it has none */
    bool limited;        /* can't say that its range is full */
    const char *options; /* NAME=VALUE with semicolons between */
} sl_video_maker;

/* What the presets are called, ended by NULL. */
extern const char *const sl_video_presets[];

/* Encoders in the order in which they are tried; the number of them. */
size_t sl_video_makers(const sl_video_maker **makers);

/* The one of that name: listed, or any other that libavcodec has and that makes video that we
 * know, described in *other. NULL when there is none. */
const sl_video_maker *sl_video_maker_named(const char *name, sl_video_maker *other);

/* What the encoder of that name makes, SL_FORMAT_NONE where there is none. */
sl_format sl_video_format_made(const char *name);

/* libavcodec's name of a format; AV_CODEC_ID_NONE for what is no video. */
enum AVCodecID sl_video_codec_id(sl_format format);

/* How many threads share in one frame: as wanted, or one a core, at most four. */
int sl_video_threads(int wanted);

/* Opens a codec; threads that it starts have all signals blocked, as ours have. libav's code. */
int sl_video_open_context(AVCodecContext *context, AVDictionary **options);

typedef struct sl_video_encoder sl_video_encoder;

/* What an encoder is opened for. */
typedef struct sl_video_plan {
    int width, height;      /* even */
    int threads;            /* 0: as many as are of use, at most one a core and four */
    int64_t frame_bits;     /* how large a frame should be */
    sl_video_preset preset; /* not AUTO */
    int quantiser;          /* the finest that is wanted, where the maker can be told */
} sl_video_plan;

/* Opens it, and unless it is `known` to work, lets hardware encode a few gray frames.
 * SL_EUNSUPPORTED with the reason when it does not work here or holds frames back; SL_ENOMEM. */
int sl_video_encoder_open(sl_video_encoder **encoder, const sl_video_maker *maker, bool known,
                          const sl_video_plan *plan);

/* Has it make frames of this size from now on. False when it has to be opened anew for that. */
bool sl_video_encoder_steer(sl_video_encoder *encoder, const sl_video_plan *plan);

/* Encodes an I420 frame of the planned size, of the range that the maker wants. The coded frame
 * has no properties but size and keyframe. SL_EUNSUPPORTED when the encoder failed: it is of no
 * more use then. */
int sl_video_encoder_encode(sl_video_encoder *encoder, const sl_frame *picture, bool keyframe,
                            sl_frame **coded);

/* Of the last frame, or -1. */
int sl_video_encoder_quantiser(const sl_video_encoder *encoder);

void sl_video_encoder_close(sl_video_encoder **encoder);

typedef struct sl_video_decoder sl_video_decoder;

/* `hardware`: it decodes where there is any that can, until it fails once. SL_EUNSUPPORTED when
 * libavcodec has no decoder for it; SL_ENOMEM. */
int sl_video_decoder_open(sl_video_decoder **decoder, sl_format format, bool hardware);

/* Decodes a frame, with no use for its picture where `frame` is NULL, or only looks whether it may
 * be passed on. SL_EMESSAGE, see sl_codec_decode(). */
int sl_video_decoder_decode(sl_video_decoder *decoder, const sl_frame *coded, sl_output output,
                            sl_frame **frame);
int sl_video_decoder_check(sl_video_decoder *decoder, const sl_frame *coded);

/* Whether it needs a keyframe next; and makes it so. */
bool sl_video_decoder_waits(const sl_video_decoder *decoder);
void sl_video_decoder_lose(sl_video_decoder *decoder);

sl_format sl_video_decoder_format(const sl_video_decoder *decoder);
void sl_video_decoder_close(sl_video_decoder **decoder);

#endif
