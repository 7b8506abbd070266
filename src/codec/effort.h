/* codec: how much work an encoder may put into a frame, where the user leaves that to us: what this
 * machine has time for. Arithmetic over times that it is given. */
#ifndef CODEC_EFFORT_H
#define CODEC_EFFORT_H

#include <sightline/codec.h>
#include <stdbool.h>

typedef struct sl_effort {
    int level;      /* 0 is the most; see effort.c */
    double busy;    /* share of the time that encoding takes at this level, on average; 0: not known
                       yet */
    double wrong_s; /* for how long another level would have fitted better */
    double here_s;  /* since when this one is used */
    double rise_s;  /* for how long little must suffice before more is tried */
    bool risen;     /* this level was tried because there was time */
} sl_effort;

/* For pictures of so many pixels a second: begins with less where that is very much. */
void sl_effort_init(sl_effort *effort, double pixels_per_s);

/* What to use for the next frame: superfast, or ultrafast, which takes about half its time. */
sl_video_preset sl_effort_preset(const sl_effort *effort);

/* The finest quantiser to use, from SL_VIDEO_QUANTISER_BEST on: fewer bits take less time, too, at
 * both ends. */
int sl_effort_quantiser(const sl_effort *effort);

/* A frame took so long to encode, and the next one is due so long after it; both in seconds. The
 * effort falls once encoding has filled most of the time for a second, or more than all of it for a
 * quarter of one; it rises once it has filled little of it for twenty (an encoder that is opened
 * anew costs a keyframe), and where that was wrong, after twice as long each time. */
void sl_effort_note(sl_effort *effort, double took_s, double interval_s);

#endif
