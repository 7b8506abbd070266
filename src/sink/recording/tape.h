/* sink/recording: the recording of one camera: what is kept of before, and the segment in work.
 * Belongs to the recorder's thread. */
#ifndef SINK_RECORDING_TAPE_H
#define SINK_RECORDING_TAPE_H

#include "sink/image.h"
#include "sink/recording/intake.h"
#include "sink/recording/preroll.h"
#include "sink/recording/segment.h"

#define SL_TAPE_PORT_MAX 128

/* The same for all cameras. */
typedef struct sl_tape_rules {
    const char *directory;
    int64_t before_us;   /* 0: nothing is kept of before */
    size_t preroll_most; /* bytes, of one camera */
    sl_extent segment;
    sl_viewer viewer;
    sl_refused *refused; /* of all cameras: however many there are, the log gets no more lines */
} sl_tape_rules;

typedef struct sl_tape {
    const sl_tape_rules *rules;
    char port[SL_TAPE_PORT_MAX]; /* as frames have it; "": they have none */
    sl_intake intake;
    sl_preroll preroll; /* empty while a segment is open */
    sl_segment segment;

    int64_t now_us; /* as of the last call */
    bool on;
    sl_recording_state state;
    bool paused; /* somebody was told that it has stopped, and not yet that it goes on */
    char reason[256];
    uint64_t frames, bytes, lost;  /* since it was switched on */
    int64_t retry_us;              /* FULL, FAILED: when it is tried again */
    int64_t looked_us;             /* when the disk's room was looked at */
    int64_t came_us;               /* when the last frame came, */
    int64_t keyframe_us, asked_us; /* the last keyframe, and when one was asked for */

    /* Of the last frame that was stored. */
    int64_t utc_us, arrived_us;
    uint64_t sequence;
    unsigned segments; /* begun so far */
    int64_t begun_us;  /* when the first of its segment arrived */
    int64_t due_us; /* since when the segment should end, with the next keyframe; 0: it needn't */
    bool broken;    /* a frame since then tells another time, or counts from 0 again */
} sl_tape;

void sl_tape_init(sl_tape *tape, const sl_tape_rules *rules, const char *port);

/* Ends the segment and forgets all. SL_ESINK when it could not be finished. */
int sl_tape_finish(sl_tape *tape);

/* A frame of this camera; `gap`: one before it was let go. */
void sl_tape_take(sl_tape *tape, const sl_frame *frame, bool gap, int64_t arrived_us);

/* Begins to store, from what is kept since `from_us` on. */
void sl_tape_start(sl_tape *tape, int64_t from_us, int64_t now_us);

void sl_tape_stop(sl_tape *tape);

/* What is due though no frame comes; several times a second. */
void sl_tape_tend(sl_tape *tape, int64_t now_us);

#endif
