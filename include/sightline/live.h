/* What is aimed for by giving way in quality: by the live pattern, and as far as it is said below
 * by JPEG in pair and reqrep. */
#ifndef SIGHTLINE_LIVE_H
#define SIGHTLINE_LIVE_H

#include <sightline/settings.h>

/* What gives way first when bits are few. */
typedef enum sl_preference {
    SL_PREFER_SHARP,  /* frames: fewer of them, and only then a smaller picture */
    SL_PREFER_SMOOTH, /* the picture: a smaller one, and only then fewer of them; in pair and reqrep
                         quality, for as many frames as the source makes */
} sl_preference;

/* The part of a sender's settings that concerns the live pattern; in pair and reqrep JPEG's quality
 * gives way for the first two of these, and by the last. */
typedef struct sl_live_settings {
    int max_age_ms;    /* how old a frame may be when it comes, beyond the way's own delay; 150 */
    double min_fps;    /* frames a second that are not gone below for a finer picture; 10 */
    int max_rate_kbit; /* kbit/s that it never sends more than; 0: as many as pass */
    int data_cap_mb;   /* MB a day (of 10^6 bytes); 0: no cap */
    sl_preference prefer;
    const char *name; /* what viewers call this camera, 1 to 64 bytes of UTF-8 without quotes,
                         backslashes and control characters; NULL: this machine's name */
    void *reserved[7];
} sl_live_settings;

#endif
