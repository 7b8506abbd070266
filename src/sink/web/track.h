/* sink/web: the newest pieces of something that goes to many, and where each reader stands in it.
 *
 * A track holds what somebody who comes now needs: of video the frames since the last keyframe, of
 * pictures that stand for themselves the newest. So there is one copy for all, however many read
 * and however slow they are. Nothing here waits or locks: who calls holds the lock. */
#ifndef SINK_WEB_TRACK_H
#define SINK_WEB_TRACK_H

#include "frame/buffer.h"

#define SL_WEB_TRACK_PIECES 300
#define SL_WEB_TRACK_BYTES  ((size_t)8 << 20)

/* What a piece is, as the stream of frames says it: docs/WEB.md. */
typedef enum sl_web_kind {
    SL_WEB_NO_FRAME,
    SL_WEB_H264,
    SL_WEB_JPEG,
    SL_WEB_HEVC,
    SL_WEB_AV1,
} sl_web_kind;

typedef struct sl_web_piece {
    sl_buffer *bytes; /* shared */
    sl_web_kind kind;
    bool keyframe; /* needs none before it */
    int width, height;
    int64_t captured_us; /* UTC; 0: unknown */
    int64_t came_us;     /* sl_now_us() */
    uint64_t sequence;
} sl_web_piece;

/* Zeroed: empty. */
typedef struct sl_web_track {
    sl_web_piece *pieces; /* a ring */
    uint64_t first, next; /* the pieces that are there have these numbers, from 1 on */
    size_t bytes;
    bool whole; /* the first is a keyframe */
} sl_web_track;

/* Zeroed: has read nothing, and takes what is there. */
typedef struct sl_web_cursor {
    bool going;       /* has what `next` builds on */
    uint64_t next;    /* going: what it takes next; else it begins at no earlier keyframe */
    int64_t level_us; /* when there was last nothing more to take, or it began */
    uint64_t skipped; /* pieces that it did not get */
} sl_web_cursor;

/* Adds a piece, whose reference it takes. A keyframe lets go of all before it; others are let go,
 * oldest first, beyond the bounds. */
void sl_web_track_put(sl_web_track *track, sl_web_piece *piece);

/* Lets go of the oldest, if there is any. */
void sl_web_track_shed(sl_web_track *track);

/* The newest, or NULL. */
const sl_web_piece *sl_web_track_newest(const sl_web_track *track);

/* Lets a cursor that has not begun wait for a keyframe that is not there yet. */
void sl_web_cursor_wait(sl_web_cursor *cursor, const sl_web_track *track);

/* Whether sl_web_track_take() would give something. */
bool sl_web_track_ready(const sl_web_track *track, const sl_web_cursor *cursor);

/* Gives the cursor its next piece, with a reference. A reader for whom pieces have waited all the
 * time for two seconds goes on with a keyframe that is not there yet. */
bool sl_web_track_take(const sl_web_track *track, sl_web_cursor *cursor, int64_t now_us,
                       sl_web_piece *piece);

void sl_web_track_finish(sl_web_track *track);

#endif
