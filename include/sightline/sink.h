/* A sink takes frames: a window, a recording, a pipe, or nothing. */
#ifndef SIGHTLINE_SINK_H
#define SIGHTLINE_SINK_H

#include <sightline/cancel.h>
#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/receiver.h>
#include <sightline/settings.h>
#include <sightline/view.h>

typedef struct sl_sink sl_sink;

typedef struct sl_sink_settings {
    sl_settings settings;
    const char *sink;      /* "window", "null", "file:PATH", "-" */
    const char *title;     /* of a window; NULL: "Sightline" */
    const char *directory; /* where a window's `s` key saves; NULL: the working directory */
    double fps;            /* rate written into streams that need one; 0: measured */
    sl_cancel *cancel;     /* borrowed; may be NULL */
    void *reserved[16];
} sl_sink_settings;

SL_API void sl_sink_settings_init(sl_sink_settings *settings);

/* SL_EINVAL for an unknown sink, SL_ESINK when it can't be opened. A window belongs to the thread
 * that opened it: all calls must come from there. */
SL_API int sl_sink_open(sl_sink **sink, const sl_sink_settings *settings);

/* What the receiver should hand out for this sink. */
SL_API sl_output sl_sink_output(const sl_sink *sink);

/* Has a recording take its frames from a tap, for sl_receiver_tap(), which shows it each one as it
 * came: for the live pattern, of whose video sl_receiver_recv() hands out pictures, or not every
 * frame. A thread of the sink's own writes them. sl_sink_write() then stores nothing and says how
 * that goes. `viewer` is asked for keyframes; what it refers to is borrowed until the sink is
 * closed, and the tap has to be taken away before. Once. SL_EUNSUPPORTED for other sinks,
 * SL_ENOMEM, SL_ESYSTEM. */
SL_API int sl_sink_tap(sl_sink *sink, sl_tap *tap, const sl_viewer *viewer);

/* Takes a frame; may wait for a slow reader. Keeps no reference unless it needs one. SL_EEND when
 * the user closed the window or the reader of a pipe went away, SL_ESINK with the reason
 * otherwise (a full disk, …), SL_ECANCELED. */
SL_API int sl_sink_write(sl_sink *sink, const sl_frame *frame);

/* Handles a window's events and redraws; call it at least every 50 ms between frames.
 * SL_OK or SL_EEND. Other sinks have nothing to do. */
SL_API int sl_sink_idle(sl_sink *sink);

/* Whether sl_sink_idle() is needed at all. */
SL_API bool sl_sink_interactive(const sl_sink *sink);

/* A line for a person, which a window shows in its title: "1280x720 · 30.0 frames/s · 12 ms". With
 * several cameras the title tells of those instead. */
SL_API void sl_sink_status(sl_sink *sink, const char *line);

/* What is known of all cameras now, as sl_receiver_cameras() tells it: with that a window marks
 * pictures that are stale, and its `i` key shows figures. To be called four times a second or more
 * often, and also when there are no frames. Nothing of it is kept by the caller's address. */
SL_API void sl_sink_tell(sl_sink *sink, const sl_camera_view *cameras, size_t count);

/* Frames the sink let go itself because it could not keep up or could not store them. */
SL_API uint64_t sl_sink_dropped(const sl_sink *sink);

/* Finishes what was written, frees all, sets NULL. SL_ESINK if it could not be finished. Safe on
 * NULL. */
SL_API int sl_sink_close(sl_sink **sink);

#endif
