/* stream: frames go in, are worked on by several threads at once, and come out in order.
 *
 * Both ends use it: the sender to encode, the receiver to decode. One thread puts, one takes. Two
 * ways to put: sl_pipeline_put() waits for room, so that nothing is lost; sl_pipeline_offer() never
 * waits, and what nobody has come for makes way for newer frames (counted).
 *
 *          put / offer          threads that work            take
 *   frame ─────────────▶ [ waiting | working | done ] ─────────────▶ frame
 *                          ◀──── limit ────▶ ◀ rest of capacity: waits without being worked on
 */
#ifndef STREAM_PIPELINE_H
#define STREAM_PIPELINE_H

#include "stream/shelf.h"
#include <sightline/cancel.h>
#include <sightline/frame.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_PIPELINE_CAPACITY 16
#define SL_PIPELINE_LANES    SL_SHELF_LANES /* of frames that are offered, or follow others */

typedef struct sl_pipeline sl_pipeline;

typedef struct sl_pipeline_worker {
    int (*open)(void *user, void **state); /* on the opening thread */
    /* On a worker. SL_OK with `*out` left NULL: nothing came of it. */
    int (*work)(void *user, void *state, const sl_frame *in, sl_frame **out);
    void (*close)(void *user, void *state);
    /* Hears of each frame that is let go and counted; NULL: nobody does. Must not call back. */
    void (*dropped)(void *user, const sl_frame *frame);
} sl_pipeline_worker;

/* Starts `threads` workers named `name`. At most `limit` frames are worked on ahead of the taker.
 */
int sl_pipeline_open(sl_pipeline **pipeline, const char *name, int threads, int limit,
                     const sl_pipeline_worker *worker, void *user);

/* Puts a frame, of which the pipeline takes the caller's reference, once fewer than `limit` are in
 * it. SL_EAGAIN past the deadline and SL_ECANCELED: the frame stays the caller's. Or the code that
 * it ended with. */
int sl_pipeline_put(sl_pipeline *pipeline, sl_frame *frame, const sl_cancel *cancel,
                    int64_t deadline_us);

/* Puts a frame now, even beyond the limit, taking the caller's reference. For the one thread that
 * puts, after it has seen that the pipeline is not full: then none is lost, though what is worked
 * on may have grown meanwhile. A frame beyond the capacity is let go, and counted. */
void sl_pipeline_push(sl_pipeline *pipeline, sl_frame *frame);

/* Offers a frame, taking the caller's reference: worked on at once if a taker waits or nothing is
 * there for one, else kept as the newest of its lane. Lanes are let in by turns, and a frame makes
 * way for a newer one of its own, and the largest when all together are too large. Never waits. */
void sl_pipeline_offer(sl_pipeline *pipeline, sl_frame *frame, size_t lane);

/* Puts a frame that others build on, taking the caller's reference: it is worked on, whether
 * anybody takes it or not, and one of its lane that was finished before makes way for it, as does
 * the largest of any when all finished ones together are too large. Lanes share the work's time
 * evenly, and takers get theirs by turns. One whose work fails is let go: the work tells whom that
 * concerns. Such a pipeline has one worker, and nothing is put there in another way. SL_EAGAIN when
 * SL_PIPELINE_CAPACITY of that lane wait, or all are too large together and this lane's not small:
 * the frame stays the caller's. */
int sl_pipeline_follow(sl_pipeline *pipeline, sl_frame *frame, size_t lane);

/* How many of such frames of a lane are not done yet. */
int sl_pipeline_following(sl_pipeline *pipeline, size_t lane);

/* Takes the next finished frame. Of frames that were offered, finished ones are let go first when
 * a newer one is there. SL_EAGAIN past the deadline, SL_ECANCELED, what the work returned when it
 * failed, with its sentence, or, when all is taken, the code that it ended with. `*frame` is NULL
 * on failure, and where nothing came of the work. */
int sl_pipeline_take(sl_pipeline *pipeline, sl_frame **frame, const sl_cancel *cancel,
                     int64_t deadline_us);

/* Lets finished frames go that follow others, because they are old and newer ones will come; unless
 * it was ended. */
void sl_pipeline_expire(sl_pipeline *pipeline);

/* Wakes whoever waits for the room that taking has left: the taker calls it, once it has done what
 * is more urgent. */
void sl_pipeline_show_room(sl_pipeline *pipeline);

/* Changes how many frames may be in it before a put waits; 0 makes every put wait. */
void sl_pipeline_set_limit(sl_pipeline *pipeline, int limit);

/* Whether fewer than `limit` are in it, counting `coming`, if any, as well; and whether nothing
 * more should be pushed. Frames so large that a few fill the memory meant for them take the room
 * of many. */
bool sl_pipeline_has_room(sl_pipeline *pipeline, const sl_frame *coming);
bool sl_pipeline_full(sl_pipeline *pipeline);

/* Poll readable while a frame can be taken (or the end is reached), and while there is room. */
int sl_pipeline_ready_fd(const sl_pipeline *pipeline);
int sl_pipeline_room_fd(const sl_pipeline *pipeline);

/* Ends it: puts fail at once, takes once it is empty, both with `code` and `sentence`. The first
 * end counts. */
void sl_pipeline_end(sl_pipeline *pipeline, int code, const char *sentence);

/* The code that it ended with, with its sentence; SL_OK: it has not. */
int sl_pipeline_ended(sl_pipeline *pipeline);

/* Frames let go for newer ones, or beyond the capacity. */
uint64_t sl_pipeline_dropped(sl_pipeline *pipeline);

/* Average time that one frame's work takes, in microseconds; 0: none was finished yet. */
int64_t sl_pipeline_work_us(sl_pipeline *pipeline);

/* Stops the workers and frees all. Safe on NULL. */
void sl_pipeline_close(sl_pipeline **pipeline);

#endif
