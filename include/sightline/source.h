/* A source makes frames: a camera, file, stream, screen, test pattern or pipe. */
#ifndef SIGHTLINE_SOURCE_H
#define SIGHTLINE_SOURCE_H

#include <sightline/cancel.h>
#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/settings.h>

typedef struct sl_source sl_source;

/* What the source should deliver. */
typedef enum sl_deliver {
    SL_DELIVER_ANY,    /* what costs least: the camera's own JPEG or video, planar YUV, or gray */
    SL_DELIVER_PIXELS, /* planar YUV or gray, never coded */
    SL_DELIVER_BGR,    /* or gray, where the source is gray */
    SL_DELIVER_GRAY,
} sl_deliver;

typedef struct sl_source_settings {
    sl_settings settings;
    const char *source; /* "0", "/dev/video2", a file, a URL, "screen:", "pattern:WxH@FPS", "-" */
    sl_size size;       /* 0x0: the source's own */
    double fps;         /* frames a second; 0: the source's own */
    bool unpaced;       /* files and patterns: as fast as they are read */
    bool loop;          /* files: from the start again at the end */
    const char *filter; /* a libavfilter graph, or NULL */
    bool timecode;      /* draw the timecode strip into every frame */
    sl_deliver deliver;
    sl_cancel *cancel; /* borrowed for the source's whole life; may be NULL */
    sl_format video; /* SL_FORMAT_H264 or SL_FORMAT_HEVC, with SL_DELIVER_ANY: what a camera, stream
                        or file has coded so is handed over as it came, for a sender of the live
                        pattern, if nothing is to be changed and its frames can be decoded one by
                        one, in order; SL_FORMAT_NONE: all video is decoded */
    void *reserved[15];
} sl_source_settings;

typedef struct sl_source_stats {
    uint64_t frames;   /* delivered to the reader */
    uint64_t dropped;  /* captured, and replaced by a newer one before anyone took them */
    uint64_t corrupt;  /* could not be decoded */
    uint64_t reopened; /* times a camera or stream came back */
    bool away;         /* a camera or stream that was lost is being waited for */
    void *reserved[8];
} sl_source_stats;

SL_API void sl_source_settings_init(sl_source_settings *settings);

/* Opens and probes the source: SL_ESOURCE with a sentence when it is not there, can't be read, or
 * can't do the size or rate asked for; SL_EINVAL for settings that contradict each other. Capture
 * of a live source starts with the first sl_source_read(). Settings are copied. */
SL_API int sl_source_open(sl_source **source, const sl_source_settings *settings);

/* The next frame: of a live source the newest (waiting for one), of a file or pipe the next in
 * order, at its time. Gives the caller a reference. Waits up to timeout_ms (-1: for ever), then
 * SL_EAGAIN; SL_EEND at the end, SL_ESOURCE for good failure, SL_ECANCELED. A live camera or stream
 * that goes away is retried until it returns, here and in silence but for the log. One thread at a
 * time. */
SL_API int sl_source_read(sl_source *source, sl_frame **frame, int timeout_ms);

/* Whether the source is live: frames that are not read are replaced by newer ones. */
SL_API bool sl_source_live(const sl_source *source);

/* "1280x720, 30 frames/s, MJPEG" for a person. Valid until close. */
SL_API const char *sl_source_describe(const sl_source *source);

/* Frames a second that it should give, as it was opened; 0 where that is unknown. */
SL_API double sl_source_fps(const sl_source *source);

/* Any thread. */
SL_API void sl_source_stats_get(const sl_source *source, sl_source_stats *stats);

/* Stops capture, frees all, sets NULL. Safe on NULL. */
SL_API void sl_source_close(sl_source **source);

#endif
