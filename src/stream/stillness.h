/* stream: whether a picture has come to rest, so that a live sender need not code it again. Belongs
 * to the thread that offers frames; used by sender.c.
 *
 * Frames are told apart by digests, not kept: an array that is sent is only lent. While pictures
 * differ a part of their rows is enough to see it. Times are microseconds. */
#ifndef STREAM_STILLNESS_H
#define STREAM_STILLNESS_H

#include <sightline/frame.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_stillness {
    uint64_t sample;   /* of the last frame that was taken: a digest of some of its rows, */
    uint64_t whole;    /* and of all; 0: not made */
    int64_t since_us;  /* when the first frame that looks like it was taken */
    int64_t passed_us; /* the last one; 0: none was */

    uint64_t offered_sample, offered_whole; /* the same of the one that is offered */
    bool same;
} sl_stillness;

/* Looks at a frame that is offered, maybe not for the first time. True when it need not be sent: it
 * is the last one's picture, that one is as good as it gets (`best`) or has been sent for two
 * seconds, nobody waits for a frame (`awaited`), and one was sent within a second, which is the
 * sign of life. Never true of video that is coded already, where each frame builds on the last. */
bool sl_stillness_skips(sl_stillness *stillness, const sl_frame *frame, bool best, bool awaited,
                        int64_t now_us);

/* The frame that was looked at last is taken, and will be sent. */
void sl_stillness_passed(sl_stillness *stillness, int64_t now_us);

#endif
