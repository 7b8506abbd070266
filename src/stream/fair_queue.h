/* stream: whose work comes next, so that lanes share a worker's time by what their work has taken,
 * not by how much of it they bring: start-time fair queueing (Goyal, Vin and Cheng, "Start-time
 * fair queueing", 1996), all with the same weight. A lane whose work is short waits for the
 * work that is going on, and one whose work was long until the others that have some have had as
 * much time. A plain table in the caller's
 * memory, all zeros at first, under the caller's lock. */
#ifndef STREAM_FAIR_QUEUE_H
#define STREAM_FAIR_QUEUE_H

#include "stream/shelf.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_fair_queue {
    int64_t start_us[SL_SHELF_LANES]; /* of each lane's next work, in time that work has taken; */
    int64_t now_us;                   /* of the last that was begun */
} sl_fair_queue;

/* A lane that had no work has some: what it didn't use before is no credit. */
void sl_fair_queue_join(sl_fair_queue *queue, size_t lane);

/* Whether a lane's turn comes before another's. */
bool sl_fair_queue_before(const sl_fair_queue *queue, size_t lane, size_t other);

/* A lane's work is begun; and it took so long. */
void sl_fair_queue_begin(sl_fair_queue *queue, size_t lane);
void sl_fair_queue_took(sl_fair_queue *queue, size_t lane, int64_t took_us);

#endif
