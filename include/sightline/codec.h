/* How frames are coded on their way. */
#ifndef SIGHTLINE_CODEC_H
#define SIGHTLINE_CODEC_H

#include <sightline/frame.h>
#include <sightline/settings.h>

/* The part of a sender's or receiver's settings that concerns JPEG. */
typedef struct sl_codec_settings {
    bool jpeg;                /* false: raw arrays */
    sl_colorspace colorspace; /* how packed pixels are ordered; BGR */
    int quality;              /* 10 to 100 */
    bool fast_dct;
    bool fast_upsample;
    void *reserved[8];
} sl_codec_settings;

#endif
