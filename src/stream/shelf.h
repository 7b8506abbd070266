/* stream: the newest frame of each lane, kept until somebody comes for it. A frame takes the place
 * of its own lane's last one only, so that whoever sends few loses none to who sends many; and
 * lanes have their turns. A plain table in the caller's memory, all zeros when empty, under the
 * caller's lock. */
#ifndef STREAM_SHELF_H
#define STREAM_SHELF_H

#include <sightline/frame.h>
#include <stdbool.h>

#define SL_SHELF_LANES 64

typedef struct sl_shelf_place {
    sl_frame *frame; /* NULL: none */
    size_t bytes;
} sl_shelf_place;

typedef struct sl_shelf {
    sl_shelf_place places[SL_SHELF_LANES];
    size_t lanes;                                    /* that ever had any */
    size_t count;                                    /* frames there, */
    size_t bytes;                                    /* and what they occupy */
    size_t last;                                     /* the lane that had its turn */
    void (*gone)(void *user, const sl_frame *frame); /* hears of each that is let go; NULL: nobody
                                                        does */
    void *user;
} sl_shelf;

/* Puts a frame that occupies so many bytes, taking the caller's reference. True when one of its
 * lane made way. */
bool sl_shelf_put(sl_shelf *shelf, size_t lane, sl_frame *frame, size_t bytes);

/* Lets the largest go, whosever they are, while more than one is there and all together occupy so
 * many bytes or more. How many went. */
size_t sl_shelf_bound(sl_shelf *shelf, size_t bytes);

/* Takes the frame of the lane whose turn it is, which becomes the caller's; NULL: none is there. */
sl_frame *sl_shelf_take(sl_shelf *shelf, size_t *lane);

/* Lets all go. How many there were. */
size_t sl_shelf_clear(sl_shelf *shelf);

#endif
