/* codec: coded and decoded frames, side by side. One worker, one codec: not shared by threads. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include <sightline/codec.h>
#include <sightline/receiver.h>

#define SL_UNPACKED_MAX ((size_t)128 * 1024 * 1024) /* bytes a peer's frame may unpack to */

/* The quantiser of H.264 and HEVC below which nobody sees a difference, so that a finer one is a
 * waste: FFmpeg's guide to H.264 calls 17 or 18 "visually lossless or nearly so". */
#define SL_VIDEO_QUANTISER_BEST 18

/* The options of sl_codec_settings (jpeg_compression, video_codec, …). */
extern const sl_option sl_codec_options[];
extern const size_t sl_codec_option_count;

typedef struct sl_codec sl_codec;

/* What the live pattern wants of the frames that are encoded next. */
typedef struct sl_codec_aim {
    sl_format format; /* what to make: video or JPEG, see sl_codec_live_format() */
    int64_t bit_rate; /* bits a second */
    double fps;       /* frames a second that will be encoded */
    double scale;     /* of a picture's sides: more than 0, at most 1 */
    int quality;   /* of JPEG, 10 to 100: the best that it goes to; the least is in the settings */
    bool keyframe; /* video: the next frame starts afresh */
    bool recode;   /* video that comes coded is decoded and coded anew, even if it is in this
                      format; else it goes out as it came */
    int threads;   /* that may share in one frame of video; 0: as many as are of use */
} sl_codec_aim;

/* How the last frame was encoded. */
typedef struct sl_codec_report {
    const char *encoder; /* libavcodec's name, "jpeg", or "copy" for video that was passed through;
                            static. NULL: nothing was aimed at yet */
    int width, height;
    int quantiser; /* libx264's is from 0 to 51, and beyond where nothing fits any more; of JPEG the
                      one that is as fine. -1: the encoder doesn't tell */
    int quality;   /* of JPEG that was made here; else 0 */
    bool best;     /* more bits would not be seen, or are not wanted: the rate is no longer what
                      limits quality */
    bool copied;   /* it was passed through */
} sl_codec_report;

/* What one way of coding is: jpeg, raw, video. Listed in codec.c. What comes
 * after `close` may be NULL. */
typedef struct sl_codec_kind {
    const char *name;
    /* Whether frames are coded in this way when these are the settings and nothing is aimed at. */
    bool (*encodes)(const sl_codec_settings *settings);
    /* Whether it is the one that decodes what is in this format. */
    bool (*decodes)(sl_format format);
    int (*open)(void **state, const sl_codec_settings *settings);
    int (*encode)(void *state, const sl_frame *frame, sl_frame **coded);
    int (*decode)(void *state, const sl_frame *coded, sl_output output, sl_frame **frame);
    void (*close)(void *state);
    /* Whether it is whole and within bounds, without decoding it. */
    int (*check)(void *state, const sl_frame *coded);
    /* What the next frames are encoded for, and how the last one was. */
    void (*aim)(void *state, const sl_codec_aim *aim);
    sl_codec_report (*report)(const void *state);
} sl_codec_kind;

extern const sl_codec_kind sl_codec_jpeg;
extern const sl_codec_kind sl_codec_raw;
extern const sl_codec_kind sl_codec_video;

/* SL_EINVAL for settings out of their range, such as an encoder that there is not; SL_ENOMEM. */
int sl_codec_open(sl_codec **codec, const sl_codec_settings *settings);

/* Makes what travels: a JPEG, or with jpeg off a contiguous array that shares the frame's bytes.
 * A frame that is coded already is passed through. Keeps times, sequence and message. SL_EINVAL
 * for frames that can't be coded as set: jpeg of an array that is no picture or has another number
 * of channels than the colour space, raw of planar YUV.
 *
 * Once aimed it makes what was aimed at: JPEGs by as good a quality as the size of a frame allows,
 * from the settings' `min_quality` up. Frames that are that already are passed through, but for
 * JPEGs that are to be smaller and video that is to be coded anew; other coded frames are decoded
 * first, and with them those before that were not yet, as far as a frame of a stream holds them
 * (sl_frame_follow()). SL_EMESSAGE for one that can't be decoded: that one is lost, and what builds
 * on it. After video that went out as it came, what is coded here starts afresh. Video has even
 * sides: the last column or row of odd ones is left out. Frame by frame, nothing is held back.
 * SL_EUNSUPPORTED when no encoder works; if the user left the choice to us (SL_VIDEO_AUTO) it makes
 * JPEGs then. */
int sl_codec_encode(sl_codec *codec, const sl_frame *frame, sl_frame **coded);

/* What frames become in the live pattern if these are the settings: never SL_FORMAT_NONE. */
sl_format sl_codec_live_format(const sl_codec_settings *settings);

/* Whether it is ours to choose what frames become there: JPEG where not all can decode video. */
bool sl_codec_chooses(const sl_codec_settings *settings);

/* Whether this build of libavcodec has an encoder or decoder for it (JPEG: always). Any thread. */
bool sl_codec_can_encode(sl_format format);
bool sl_codec_can_decode(sl_format format);

/* Aims what is encoded from now on. Rate, frames a second, and quality change at once and, where
 * the encoder can (libx264, NVENC), without a keyframe; another size or format begins with one.
 * `keyframe` holds for one frame, and until one was encoded. SL_EINVAL for what is out of range. */
int sl_codec_aim_at(sl_codec *codec, const sl_codec_aim *aim);

/* How the frame was encoded that sl_codec_encode() gave last. */
sl_codec_report sl_codec_last(const sl_codec *codec);

/* The other way. `coded` is a peer's: SL_EMESSAGE when it can't be decoded, is truncated, would
 * unpack to more than SL_UNPACKED_MAX (a JPEG bomb) or is video of more than SL_VIDEO_PIXELS_MAX.
 * Arrays, and for SL_OUTPUT_CODED JPEGs and video that are whole, are passed on as they are. Keeps
 * times, sequence and message.
 *
 * Video must come frame by frame, in order, to one codec. Each gives its picture at once. Before
 * the first keyframe, and after a frame that was refused, or in H.264 is missing, up to the next
 * one, all are refused. SL_EAGAIN for those up to the next keyframe, nothing being wrong with them,
 * when the ones before were only passed on. */
int sl_codec_decode(sl_codec *codec, const sl_frame *coded, sl_output output, sl_frame **frame);

/* The size of a frame's picture, as its headers say; of video those of keyframes do. False where it
 * can't be told. Decodes nothing. Any thread. */
bool sl_codec_picture_size(const sl_frame *coded, int *width, int *height);

/* Frees it and sets the pointer NULL. Frames that it made stay valid. Safe on NULL. */
void sl_codec_close(sl_codec **codec);

#endif
