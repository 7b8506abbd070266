/* sink: draws what a window shows: the picture of one camera, or of all side by side, and what
 * there is to say of each. */
#ifndef SINK_WALL_H
#define SINK_WALL_H

#include "sink/window/lettering.h"
#include "sink/window/tiles.h"

/* Zeroed to begin with, but for the renderer and the image. */
typedef struct sl_wall {
    SDL_Renderer *renderer; /* borrowed */
    AVFrame *image;         /* borrowed; to look at frames with */
    double density;         /* pixels for one of a usual screen */
    bool captions;          /* a line for each camera */
    sl_tiles tiles;
    sl_lettering lettering;
    sl_refused refused;
} sl_wall;

/* Takes a frame, if it can be shown. The tile that it went to, or NULL: it was refused, and
 * counted. */
sl_tile *sl_wall_put(sl_wall *wall, const sl_frame *frame);

/* Draws all, and shows it. */
void sl_wall_draw(sl_wall *wall);

/* Whether what was written over pictures may change by itself, as time passes. */
bool sl_wall_talks(const sl_wall *wall);

/* The camera whose picture is there, as drawn last; NULL where none is. */
sl_tile *sl_wall_at(const sl_wall *wall, SDL_Point point);

/* The display has lost what it had. */
void sl_wall_refresh(sl_wall *wall);

void sl_wall_finish(sl_wall *wall);

#endif
