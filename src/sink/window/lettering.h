/* sink: words on a window. */
#ifndef SINK_LETTERING_H
#define SINK_LETTERING_H

#include <SDL2/SDL.h>
#include <stdbool.h>

/* The letters as the display has them; zeroed to begin with. */
typedef struct sl_lettering {
    SDL_Texture *glyphs;
} sl_lettering;

/* Where words stand in a place, how large, and the colour of the mark at their side. */
typedef struct sl_lettering_style {
    int dot; /* pixels across */
    SDL_Color mark;
    bool centred; /* else below, to the left */
} sl_lettering_style;

/* Letters that are side by side in so many pixels. */
int sl_lettering_columns(int width, int dot);

/* Draws lines (parted by '\n') on a dark ground within `place`, which cuts off what is beyond it.
 * What is no ASCII stands as '?', one for each letter of UTF-8. Without memory it draws nothing. */
void sl_lettering_draw(sl_lettering *lettering, SDL_Renderer *renderer, const SDL_Rect *place,
                       const char *text, sl_lettering_style style);

/* Gives back what the display has; it is made again when it is needed. */
void sl_lettering_finish(sl_lettering *lettering);

#endif
