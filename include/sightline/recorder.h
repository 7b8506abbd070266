/* Records cameras as they came, without coding anything anew, into segments in a directory:
 *
 *   DIRECTORY/ID/ID_20261130T153000.123Z.mkv
 *
 * JPEG, H.264, HEVC and AV1 are copied; arrays are coded as Motion JPEG. A segment begins with a
 * keyframe, its name is the time of capture of its first frame, UTC, and every frame has its own
 * time of capture in it. Each can be played whenever writing stops, after a power cut, too. A
 * thread of its own writes: who hands frames over never waits for a disk. */
#ifndef SIGHTLINE_RECORDER_H
#define SIGHTLINE_RECORDER_H

#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/settings.h>
#include <sightline/view.h>

typedef struct sl_recorder sl_recorder;

/* A length of time or a size; one of them is 0, or both: no limit. */
typedef struct sl_extent {
    int64_t us;
    int64_t bytes;
} sl_extent;

typedef struct sl_recorder_settings {
    sl_settings settings;
    const char *directory;   /* made when it is needed; NULL: "sightline-recordings" */
    int before_s;            /* seconds of each camera that are kept in memory, so that a recording
                                begins with what led to it; 0: none. 0 to 600 */
    sl_extent segment;       /* "10m", "500MB": a new segment after that much; 10 minutes */
    sl_extent keep;          /* "7d", "20GB": the oldest of its own segments are deleted that are
                                beyond that; no limit */
    bool idle;               /* records nothing before sl_recorder_start() or an event */
    const sl_viewer *viewer; /* asked for keyframes, and for the names of cameras; its struct is
                                copied, what it refers to borrowed for the recorder's life */
    void *reserved[16];
} sl_recorder_settings;

typedef enum sl_recording_state {
    SL_RECORDING_OFF,
    SL_RECORDING_ON,
    SL_RECORDING_WAITING, /* asked for; no frame has come that it can begin with */
    SL_RECORDING_FULL,    /* the disk is full: goes on by itself once there is room */
    SL_RECORDING_FAILED,  /* it can't be written for another reason, and is tried again */
} sl_recording_state;

/* "off", "on", "waiting", "full", "failed"; never NULL, static. */
SL_API const char *sl_recording_state_name(sl_recording_state state);

typedef struct sl_recording {
    sl_recording_state state;
    char path[1024];  /* of the segment in work, or the last; "": there was none */
    char reason[256]; /* why it waits, is full or has failed */
    int64_t since_us; /* UTC: when this recording began; 0: off */
    int64_t until_us; /* UTC: when an event's recording will end; 0: it is not limited */
    uint64_t frames;  /* stored since then, */
    uint64_t bytes;   /* and their bytes */
    uint64_t lost;    /* frames that could not be stored */
    void *reserved[8];
} sl_recording;

SL_API void sl_recorder_settings_init(sl_recorder_settings *settings);

/* SL_EINVAL; SL_ESINK when the directory can't be made or written to (unless `idle`: then it is
 * looked at when it is needed). Settings are copied. */
SL_API int sl_recorder_open(sl_recorder **recorder, const sl_recorder_settings *settings);

/* Takes a frame, coded or an array, of whichever camera its `port` says. Never waits: what a slow
 * disk leaves beyond 64 MiB is let go, up to the next keyframe, and counted. One thread at a time:
 * an sl_tap's. */
SL_API void sl_recorder_take(sl_recorder *recorder, const sl_frame *coded);

/* Begins to record the camera with that port (NULL or "": whose frames have none), from what is
 * kept of before on, if it isn't recorded already. `seconds` more than 0: an event, which ends so
 * long after the last that was asked for, a day at most; else until stopped. SL_EINVAL for another
 * number, and for a camera that there is no place for. Any thread. */
SL_API int sl_recorder_start(sl_recorder *recorder, const char *port, double seconds);

/* Ends the recording of that camera, and its segment. SL_EINVAL for one that it does not know. Any
 * thread. */
SL_API int sl_recorder_stop(sl_recorder *recorder, const char *port);

/* Whether frames are wanted though nobody looks: something is recorded, or kept of before. Any
 * thread. */
SL_API bool sl_recorder_wants(sl_recorder *recorder);

/* How it goes with that camera; of one that it does not know it is off. Any thread. */
SL_API void sl_recorder_status(sl_recorder *recorder, const char *port, sl_recording *recording);

/* Finishes what was handed over, closes all, sets NULL; its tap has to be taken away before. Waits
 * for the disk. SL_ESINK when it could not be finished. Safe on NULL. */
SL_API int sl_recorder_close(sl_recorder **recorder);

#endif
