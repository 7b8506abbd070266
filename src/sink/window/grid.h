/* sink: where each of several pictures goes in a window. Arithmetic alone. */
#ifndef SINK_GRID_H
#define SINK_GRID_H

#include <SDL2/SDL.h>
#include <stddef.h>

/* Lays `count` pictures (one at least) out, row by row, their shapes kept (`shapes`: width over
 * height), in as many columns as show the most of them. `gap`: pixels between two. Pictures stand
 * close together, in the middle; those of a row are of one height. Of a window too small for them
 * each still has a pixel. */
void sl_grid_lay_out(SDL_Rect *places, const double *shapes, size_t count, int width, int height,
                     int gap);

#endif
