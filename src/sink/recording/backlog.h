/* sink/recording: frames on their way from who must not wait to a thread that writes them to a
 * disk. */
#ifndef SINK_RECORDING_BACKLOG_H
#define SINK_RECORDING_BACKLOG_H

#include <sightline/frame.h>
#include <sightline/view.h>

typedef struct sl_backlog sl_backlog;

typedef struct sl_backlog_entry {
    sl_frame *frame; /* a reference that the taker gives back */
    size_t lane;
    bool gap; /* one before it, of the same lane, found no room */
    int64_t arrived_us;
} sl_backlog_entry;

/* Room for so many bytes of frames, half of them of one lane, or less as others have more.
 * SL_ENOMEM, SL_ESYSTEM. */
int sl_backlog_open(sl_backlog **backlog, size_t bytes_most);

/* Puts a reference of its own in. Without room the frame is let go, and of video those after it, in
 * the same lane (0 to SL_VIEWS_MAX - 1), up to a keyframe. Never waits. One thread at a time. */
void sl_backlog_put(sl_backlog *backlog, const sl_frame *frame, size_t lane);

/* How many of that lane were let go so far. Any thread. */
uint64_t sl_backlog_lost(sl_backlog *backlog, size_t lane);

/* The oldest; false when there is none at the deadline, or after a wake. One thread at a time. */
bool sl_backlog_take(sl_backlog *backlog, sl_backlog_entry *entry, int64_t deadline_us);

/* Ends the wait of who takes, now or the next. Any thread. */
void sl_backlog_wake(sl_backlog *backlog);

/* Frames left in it are gone. Safe on NULL. */
void sl_backlog_close(sl_backlog **backlog);

#endif
