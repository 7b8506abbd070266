/* sink/recording: the last seconds of a camera's coded frames, in memory, so that a recording can
 * begin with what led to it. They begin with one that needs none before it. */
#ifndef SINK_RECORDING_PREROLL_H
#define SINK_RECORDING_PREROLL_H

#include <sightline/frame.h>

typedef struct sl_preroll_frame {
    sl_frame *frame;
    bool afresh; /* needs none before it */
    int64_t arrived_us;
} sl_preroll_frame;

/* Zeroed to begin with. */
typedef struct sl_preroll {
    sl_preroll_frame *each; /* a ring */
    size_t first, count, room;
    size_t bytes;
} sl_preroll;

/* Adds a reference of its own, behind the others. False, and nothing is kept, when there is nothing
 * that it could follow, or no memory. */
bool sl_preroll_add(sl_preroll *preroll, const sl_preroll_frame *added);

/* Lets those go that neither a recording from `from_us` on needs (which begins with the last that
 * needs none before it, then or earlier), nor `bytes_most` has room for. */
void sl_preroll_trim(sl_preroll *preroll, int64_t from_us, size_t bytes_most);

/* The oldest, or NULL; and away with it. */
const sl_preroll_frame *sl_preroll_oldest(const sl_preroll *preroll);
void sl_preroll_drop(sl_preroll *preroll);

/* Lets all go, and the memory. */
void sl_preroll_finish(sl_preroll *preroll);

#endif
