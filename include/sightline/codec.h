/* How frames are coded on their way. */
#ifndef SIGHTLINE_CODEC_H
#define SIGHTLINE_CODEC_H

#include <sightline/frame.h>
#include <sightline/settings.h>

/* What frames become in the live pattern. */
typedef enum sl_video_codec {
    SL_VIDEO_AUTO, /* H.264, and JPEG where nothing here makes that */
    SL_VIDEO_H264,
    SL_VIDEO_HEVC,
    SL_VIDEO_AV1,
    SL_VIDEO_JPEG,
} sl_video_codec;

/* How much work libx264 and libx265 put into a frame: their presets. */
typedef enum sl_video_preset {
    SL_PRESET_AUTO, /* superfast, or ultrafast where this machine has no time for that, and where
                       it has none for that either, fewer bits than the way passes */
    SL_PRESET_ULTRAFAST,
    SL_PRESET_SUPERFAST,
    SL_PRESET_VERYFAST,
    SL_PRESET_FASTER,
    SL_PRESET_FAST,
    SL_PRESET_MEDIUM,
    SL_PRESET_SLOW,
    SL_PRESET_SLOWER,
    SL_PRESET_VERYSLOW,
} sl_video_preset;

/* The part of a sender's or receiver's settings that concerns coding. */
typedef struct sl_codec_settings {
    bool jpeg;                /* NetGear's patterns: false sends raw arrays */
    sl_colorspace colorspace; /* how packed pixels are ordered; BGR */
    int quality;              /* of JPEG, 10 to 100 */
    bool fast_dct;
    bool fast_upsample;
    sl_video_codec video_codec; /* the live pattern alone, as is what follows */
    const char *video_encoder;  /* libavcodec's name of one; NULL: the first that works */
    sl_video_preset video_preset;
    bool hardware_decoding; /* of live video, where there is hardware that can */
    bool video_copy; /* what a source hands over as coded video goes on as it came while the rate
                        allows it; false: it is coded anew */
    int min_quality; /* of JPEG, 10 to 100: where a viewer acknowledges frames and the way to it is
                        slow, `quality` gives way down to this. As high as that, it stays */
    void *reserved[4];
} sl_codec_settings;

#endif
