/* codec: how much work an encoder may put into a frame, where the user leaves that to us: what this
 * machine has time for. Arithmetic over times that it is given. */
#ifndef CODEC_EFFORT_H
#define CODEC_EFFORT_H

#include <sightline/codec.h>
#include <stdbool.h>

typedef struct sl_effort {
    bool least;     /* there was no time for more */
    double busy;    /* share of the time that encoding takes, on average; 0: not known yet */
    double wrong_s; /* for how long another effort would have fitted better */
} sl_effort;

/* What to use for the next frame: superfast, or ultrafast, which takes about half its time. */
sl_video_preset sl_effort_preset(const sl_effort *effort);

/* A frame took so long to encode, and the next one is due so long after it; both in seconds. The
 * effort falls once encoding has filled most of the time for a second, and rises once it has filled
 * little of it for twenty: an encoder that is opened anew costs a keyframe. */
void sl_effort_note(sl_effort *effort, double took_s, double interval_s);

#endif
