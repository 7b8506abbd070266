/* sink: a picture as the display has it. */
#ifndef SINK_TEXTURE_H
#define SINK_TEXTURE_H

#include "sink/image.h"
#include <SDL2/SDL.h>

/* Zeroed to begin with. */
typedef struct sl_texture {
    SDL_Texture *texture; /* NULL before the first */
    Uint32 format;
    int width, height;
    uint8_t *grey; /* chroma of pictures that have none */
    size_t grey_size;
    sl_scaler scaler;
} sl_texture;

/* Gives the display `image`, which is changed. With `divisor` above 1 its sides are divided by
 * that; `grey` leaves its colours out. SL_EUNSUPPORTED, SL_ENOMEM. */
int sl_texture_upload(sl_texture *texture, SDL_Renderer *renderer, AVFrame *image, int divisor,
                      bool grey);

/* Gives back all. */
void sl_texture_finish(sl_texture *texture);

#endif
