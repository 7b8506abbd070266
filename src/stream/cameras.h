/* stream: the senders that a live receiver hears, and the frames that it puts together of their
 * chunks. No sockets: what goes in are messages that were read, and what comes out are frames, and
 * acks to be sent.
 *
 * A sender's frames must come whole and in order, since each is coded on top of those before. The
 * way between keeps them so; whatever doesn't is a faulty peer's: then nothing of that sender is
 * passed on until its next keyframe.
 *
 * The table belongs to the link thread, but for sl_cameras_distrust(), sl_cameras_show() and
 * sl_cameras_want_keyframe(). */
#ifndef STREAM_CAMERAS_H
#define STREAM_CAMERAS_H

#include "wire/live.h"
#include <pthread.h>
#include <sightline/frame.h>
#include <stdbool.h>

#define SL_CAMERAS_MAX       64                         /* at a time */
#define SL_CAMERAS_FRAME_MAX ((size_t)16 * 1024 * 1024) /* bytes; far beyond any real one */

typedef struct sl_camera {
    sl_buffer *from;                  /* the link's name for it; NULL: the place is free */
    uint64_t number;                  /* its own, in every connection */
    char port[SL_LIVE_NAME_MAX + 16]; /* its name as JSON text, by which frames are told apart */
    uint32_t session;
    uint16_t epoch;
    uint32_t sequence;    /* of the frame that is, or was last, put together */
    sl_buffer *bytes;     /* of that frame; NULL: none was begun */
    size_t have;          /* of them */
    sl_live_message head; /* of its first chunk */
    bool lost;            /* what comes is no use until a keyframe does */
    bool displaced;       /* that frame made way for others', and its sender isn't blamed yet */
    uint64_t received;    /* bytes of chunks in this session, of use or not */
    int64_t heard_us;     /* monotonic */
    uint64_t connection;  /* over which it said hello; 0: not known */
    bool gone;            /* that one has ended, as the link says */
    bool behind;          /* its frames wait for the decoder */
    int64_t wished_us;    /* when it was last asked for a keyframe that somebody wished for */
} sl_camera;

/* The last frame of a camera that was handed out. */
typedef struct sl_shown {
    uint32_t sequence; /* 0: none was */
    uint32_t age_us;   /* then; SL_LIVE_NO_AGE */
} sl_shown;

typedef struct sl_cameras {
    sl_camera all[SL_CAMERAS_MAX];
    uint64_t frame_max;   /* bytes of a frame */
    uint16_t codecs;      /* that senders may use: 1 << sl_live_codec */
    bool unwatched;       /* nobody takes frames, as acks are to say */
    pthread_mutex_t lock; /* writing `port`, and what follows */
    bool distrusted[SL_CAMERAS_MAX];
    bool wanted[SL_CAMERAS_MAX]; /* a keyframe of it, by somebody who came late */
    sl_shown shown[SL_CAMERAS_MAX];
} sl_cameras;

/* What frames of a codec are. */
sl_format sl_cameras_format(sl_live_codec codec);

/* A frame of more bytes than `frame_max` is refused, or than SL_CAMERAS_FRAME_MAX. SL_ENOMEM. */
int sl_cameras_open(sl_cameras **cameras, uint64_t frame_max);

/* Sets NULL. Safe on NULL. */
void sl_cameras_close(sl_cameras **cameras);

/* The one that the link names so; NULL: there is none. */
sl_camera *sl_cameras_find(sl_cameras *cameras, const sl_buffer *from);

/* Welcomes a sender by its hello: a new one, or a known one with a new session, maybe by a new
 * connection. A new one has the name of its hello, and the place of one that had that name and is
 * gone, or was silent for 5 seconds: it is the same that was started again, or as good as that. If
 * such a one is there, a number is put behind the name. NULL when all places are taken by others
 * that were heard in the last 5 seconds. */
sl_camera *sl_cameras_welcome(sl_cameras *cameras, const sl_buffer *from,
                              const sl_live_message *hello, int64_t now_us);

/* Forgets one. */
void sl_cameras_leave(sl_cameras *cameras, sl_camera *camera);

/* How many there are, however long they were silent: those may be on their way back. */
size_t sl_cameras_count(const sl_cameras *cameras);

/* Takes a chunk. `*frame` is the coded frame that it made whole, the caller's, or NULL. SL_EMESSAGE
 * for one that does not follow from those before, by a codec that was not offered, or for which
 * there is no memory: it costs its sender's frames up to the next keyframe, and nobody else. All
 * frames that aren't whole yet may have 128 MiB together: when one more would be too much, the
 * largest of them makes way, so that nobody's large ones keep out the small ones of others. */
int sl_cameras_take(sl_cameras *cameras, sl_camera *camera, const sl_live_message *chunk,
                    sl_frame **frame);

/* The decoder has so many of a camera's frames still. True when whether it is behind with them has
 * changed: it is when two wait behind the one in work, and until at most one does. */
bool sl_cameras_note_undecoded(sl_camera *camera, int undecoded);

/* The flags that tell a camera whether anybody watches, and whether the decoder is behind. */
uint8_t sl_cameras_view(const sl_cameras *cameras, const sl_camera *camera);

/* Somebody wants a keyframe of the camera with that port, though its frames go on. Any thread. */
void sl_cameras_want_keyframe(sl_cameras *cameras, const char *port);

/* Whether the camera is to be asked for that now: once a second, until it has sent one. `*due_us`
 * is made no later than when to look again. */
bool sl_cameras_wishes(sl_cameras *cameras, sl_camera *camera, int64_t now_us, int64_t *due_us);

/* Fills in the ack for a chunk that came at that time, UTC. */
void sl_cameras_ack(sl_cameras *cameras, const sl_camera *camera, const sl_live_message *chunk,
                    int64_t came_us, sl_live_message *ack);

/* A frame of a camera was handed out, and was so old then; negative: nobody knows. Any thread. */
void sl_cameras_show(sl_cameras *cameras, const sl_frame *frame, int64_t age_us);

/* A frame of that camera could not be decoded, nor can those that build on it. Any thread. */
void sl_cameras_distrust(sl_cameras *cameras, const sl_frame *frame);

#endif
