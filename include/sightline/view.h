/* What a receiver knows of its cameras, and lets pass before it is decoded: for who shows, serves
 * and records them. */
#ifndef SIGHTLINE_VIEW_H
#define SIGHTLINE_VIEW_H

#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/stats.h>
#include <stddef.h>
#include <stdint.h>

#define SL_VIEWS_MAX   64 /* cameras that a receiver knows at a time */
#define SL_VIEW_ID_MAX 96 /* bytes, with the final NUL */

/* How a camera does: code, name, what is behind it. */
#define SL_VIEW_STATE_MAP(XX)                                                                      \
    XX(LIVE, "live", "frames come; of a picture at rest one a second")                             \
    XX(UNWATCHED, "unwatched", "nobody asks for frames, so it sends none")                         \
    XX(SILENT, "silent", "its sender is there, and no frame has come for two seconds")             \
    XX(LOST, "lost", "its sender says that the device is gone, and waits for it")                  \
    XX(GONE, "gone", "its sender is not there")

#define SL_VIEW_STATE_ENUM(name, word, meaning) SL_VIEW_##name,
typedef enum sl_view_state { SL_VIEW_STATE_MAP(SL_VIEW_STATE_ENUM) SL_VIEW_STATES } sl_view_state;
#undef SL_VIEW_STATE_ENUM

/* "live"; never NULL, static. */
SL_API const char *sl_view_state_name(sl_view_state state);

/* As what a camera's frames come, in figures: "jpeg", "h264", "hevc", "av1", or "raw" for what is
 * not coded; NULL for SL_FORMAT_NONE. Static. */
SL_API const char *sl_view_codec_name(sl_format format);

/* How many frames were no older than each of these, in milliseconds; the last bound is infinite. */
#define SL_AGE_BOUNDS_MS                                                                           \
    { 10, 25, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, -1 }
#define SL_AGE_BOUNDS 13

/* One camera, at a moment. */
typedef struct sl_camera_view {
    char id[SL_VIEW_ID_MAX]; /* for URLs and file names: letters, digits, '-', '_' and '.', no dot
                                first; no other camera of this receiver has it */
    char name[128];          /* as its sender says it; "camera" where it says nothing */
    char port[128];          /* as its frames have it; "": they have none */
    sl_view_state state;
    int64_t since_us;   /* UTC: since when it is in that state */
    int64_t last_us;    /* UTC: when its last frame came; 0: none did */
    char reason[256];   /* LOST: what its sender says; else "" */
    sl_format format;   /* of its last coded frame; SL_FORMAT_NONE: none came */
    int width, height;  /* of its last picture, as the camera took it; 0: not known */
    uint64_t frames;    /* that came whole */
    uint64_t dropped;   /* that were let go here for newer ones, or could not be decoded */
    uint64_t bytes;     /* of all that came */
    int64_t bit_rate;   /* bits a second, over the last second */
    double fps;         /* frames a second that came, over the last second */
    sl_latency latency; /* of frames that were handed out */
    uint64_t ages[SL_AGE_BOUNDS]; /* of those, how many in each step of SL_AGE_BOUNDS_MS */
    double ages_s;                /* sum of their ages, in seconds */
    void *reserved[8];
} sl_camera_view;

/* Who sees each frame as it came, coded, whole and in order, before it is decoded. `take` is called
 * by the receiver's own thread: it must not wait, and may take references. */
typedef struct sl_tap {
    void (*take)(void *user, const sl_frame *coded);
    void *user;
} sl_tap;

/* What a page or a recorder asks of the receiver whose frames it has. Any thread. */
typedef struct sl_viewer {
    void *user;
    void (*stats)(void *user, sl_stats *stats);
    /* Fills in up to `room` cameras, in the order in which they came first; how many. */
    size_t (*cameras)(void *user, sl_camera_view *cameras, size_t room);
    /* Asks the camera whose frames have that port (NULL or "": none) for a keyframe. */
    void (*refresh)(void *user, const char *port);
} sl_viewer;

#endif
