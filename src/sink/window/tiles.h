/* sink: the cameras that a window shows, in the order in which they came. Each has a tile, also
 * when it is gone: until the receiver forgets it for another's sake, or five minutes have passed
 * and another camera is there. */
#ifndef SINK_TILES_H
#define SINK_TILES_H

#include "sink/window/texture.h"
#include <sightline/view.h>

typedef struct sl_tile {
    sl_camera_view view; /* as it was told last; before that only what its frames say */
    sl_frame *frame;     /* the newest; NULL before the first */
    int width, height;   /* of that */
    int64_t came_us;     /* when it did; monotonic */
    sl_frame *still;     /* to be saved; NULL: none */

    sl_texture texture;
    bool fresh;     /* the frame is not in the texture yet, or not as it should be */
    int divisor;    /* of the sides in the texture */
    SDL_Rect place; /* in the window; empty: it is not shown */
} sl_tile;

/* Zeroed to begin with. */
typedef struct sl_tiles {
    sl_tile *all[SL_VIEWS_MAX];
    size_t count;
    sl_tile *picked; /* the one that is shown alone; NULL: all are */
} sl_tiles;

/* Puts a picture of that size into its camera's tile, in place of the one before. The 65th camera
 * gets the place of the one that was silent for longest. NULL without memory. */
sl_tile *sl_tiles_put(sl_tiles *tiles, const sl_frame *frame, int width, int height);

/* Takes in what is known of the cameras now, of all of them. */
void sl_tiles_tell(sl_tiles *tiles, const sl_camera_view *cameras, size_t count, int64_t utc_us);

/* Whether this one is to be shown now. */
bool sl_tiles_shows(const sl_tiles *tiles, const sl_tile *tile);

/* Picks the one with that number, from 0 on, if there are several and it is among them. */
void sl_tiles_pick(sl_tiles *tiles, size_t number);

/* Picks the next one (`by` 1) or the one before (-1), round and round. */
void sl_tiles_step(sl_tiles *tiles, int by);

/* The display has lost what it had: all must go there again. */
void sl_tiles_refresh(sl_tiles *tiles);

void sl_tiles_finish(sl_tiles *tiles);

#endif
