/* sink/web: who reads what. The hub has a channel for each camera, with what came of it, and knows
 * the browsers that read there; what comes wakes those who wait for it.
 *
 * Any thread, and none waits: the lock is held to pass references on, never to copy, code or send.
 * `viewer` is asked without it. */
#ifndef SINK_WEB_HUB_H
#define SINK_WEB_HUB_H

#include "sink/web/track.h"
#include <sightline/web.h>

struct MHD_Connection;

typedef struct sl_web_hub sl_web_hub;
typedef struct sl_web_channel sl_web_channel;

typedef enum sl_web_reading {
    SL_WEB_READS_FRAMES,   /* as they come; arrays as JPEG */
    SL_WEB_READS_PICTURES, /* JPEG, whatever comes */
    SL_WEB_READS_ONE,      /* one JPEG */
    SL_WEB_READS_NEWS,     /* what sl_web_hub_publish() gives to all */
} sl_web_reading;

/* One that reads. It belongs to the thread of the server; what is said to be the hub's stands under
 * its lock. */
typedef struct sl_web_reader {
    struct sl_web_reader *next; /* the hub's */
    sl_web_hub *hub;
    sl_web_channel *channel; /* NULL: news */
    sl_web_reading reading;
    struct MHD_Connection *connection;
    struct sl_web_reader *first; /* of those that share its connection; NULL: it has its own */
    unsigned place;              /* of its camera among those that were asked for */
    bool resting;         /* the hub's: its connection is suspended; the first's tells for all */
    bool video;           /* the hub's: it stands in the track of video, else in that of pictures */
    sl_web_cursor cursor; /* the hub's */
} sl_web_reader;

/* `viewer` is borrowed. */
int sl_web_hub_open(sl_web_hub **hub, const sl_viewer *viewer);

/* Lets nobody rest any more: sl_web_hub_rest() fails from now on. */
void sl_web_hub_stop(sl_web_hub *hub);

/* Sets NULL; safe on NULL. Nobody reads any more. */
void sl_web_hub_close(sl_web_hub **hub);

/* What sl_web_take(), _show(), _wants() and _wait() say. */
void sl_web_hub_take(sl_web_hub *hub, const sl_frame *coded);
void sl_web_hub_show(sl_web_hub *hub, const sl_frame *picture);
sl_web_wish sl_web_hub_wants(sl_web_hub *hub);
int sl_web_hub_wait(sl_web_hub *hub, sl_web_wish was, sl_cancel *cancel, int timeout_ms);

/* News for all who read them. Takes the reference. */
void sl_web_hub_publish(sl_web_hub *hub, sl_buffer *news);
/* How old the newest are; whether there are any, and anybody who reads them. */
bool sl_web_hub_has_news(sl_web_hub *hub, int64_t *age_us);
bool sl_web_hub_has_news_readers(sl_web_hub *hub);

/* Each second: wakes all who rest, so that they can see what has become of their time, and asks the
 * cameras for keyframes that somebody waits for. */
void sl_web_hub_tick(sl_web_hub *hub);

typedef struct sl_web_hub_figures {
    size_t readers;   /* of pictures and frames, now */
    uint64_t coded;   /* pictures that were coded here, each once for all */
    uint64_t skipped; /* frames that readers who have left did not get, being slow */
} sl_web_hub_figures;

void sl_web_hub_count(sl_web_hub *hub, sl_web_hub_figures *figures);

/* Begins to read of the camera (NULL: news). SL_ENOMEM. */
int sl_web_hub_join(sl_web_hub *hub, sl_web_reader *reader, const sl_camera_view *camera);
void sl_web_hub_leave(sl_web_reader *reader);

/* The next piece, with a reference. */
bool sl_web_hub_next(sl_web_reader *reader, sl_web_piece *piece);

/* The newest picture of the reader's camera, however old, with a reference. */
bool sl_web_hub_newest(sl_web_reader *reader, sl_web_piece *piece);

/* Suspends the connection of these readers until there is something for one of them, or the next
 * tick. SL_EAGAIN when there is something already, SL_EEND when the hub has stopped; without
 * sentences. */
int sl_web_hub_rest(sl_web_reader *readers, size_t count);

/* For who makes pictures (press.c). The next to be coded, with a reference, and for which channel;
 * false once the hub has stopped. */
bool sl_web_hub_order(sl_web_hub *hub, sl_frame **picture, sl_web_channel **channel);
/* Gives what was coded; `piece` NULL: it could not be. Takes its reference. */
void sl_web_hub_deliver(sl_web_hub *hub, sl_web_channel *channel, sl_web_piece *piece);

#endif
