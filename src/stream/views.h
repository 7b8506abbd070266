/* stream: the cameras that a receiver has seen, for who shows them: how each does, and since when.
 *
 * The link thread tells what comes, and any thread may ask. A camera is known by the port of its
 * frames ("" where they have none), also when it is gone; of more than SL_VIEWS_MAX the one that is
 * gone for longest makes way, or else the one that was silent for longest. Times are monotonic, in
 * microseconds. */
#ifndef STREAM_VIEWS_H
#define STREAM_VIEWS_H

#include "link/link.h"
#include "stream/audience.h"
#include <sightline/view.h>

typedef struct sl_views sl_views;

/* `audience`: who asks for frames, without whom none come; NULL: they come all the same.
 * `patience_us`: a sender that is silent for so long isn't there; 0: it may be. */
int sl_views_open(sl_views **views, const sl_audience *audience, int64_t patience_us);

/* Sets NULL. Safe on NULL. */
void sl_views_close(sl_views **views);

/* Link thread: a message came from the sender of that port (NULL: none), over that connection (0:
 * not known), with so many bytes of frames. */
void sl_views_hear(sl_views *views, const char *port, uint64_t connection, size_t bytes,
                   int64_t now_us);

/* Link thread: a frame came whole. */
void sl_views_come(sl_views *views, const sl_frame *coded, int64_t now_us);

/* Link thread: its sender says for how long its source has been gone, and why, or that it is back;
 * a frame says that it is back, too. */
void sl_views_lose(sl_views *views, const char *port, int64_t lost_us, const char *why,
                   int64_t now_us);
void sl_views_regain(sl_views *views, const char *port, int64_t now_us);

/* Link thread: that sender has ended. */
void sl_views_end(sl_views *views, const char *port, int64_t now_us);

/* Link thread: sees whose connections are gone. */
void sl_views_look(sl_views *views, const sl_link *link, int64_t now_us);

/* Somebody asks for frames again, whom nobody has sent any meanwhile. Any thread. */
void sl_views_resume(sl_views *views, int64_t now_us);

/* A frame of that camera was let go, or could not be used; or handed out, and was so old then. Any
 * thread. */
void sl_views_drop(sl_views *views, const sl_frame *frame);
void sl_views_age(sl_views *views, const sl_frame *frame, int32_t age_ms);

/* See sl_receiver_cameras(). */
size_t sl_views_get(sl_views *views, sl_camera_view *cameras, size_t room, int64_t now_us);

#endif
