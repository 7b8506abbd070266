/* sink: draws what a window shows. */
#include "sink/window/wall.h"
#include "base/clock.h"
#include "base/error.h"
#include "sink/window/caption.h"
#include "sink/window/grid.h"

#define GAP         4 /* pixels between pictures */
#define USUAL_SHAPE (16.0 / 9)
#define COLUMNS     26  /* letters that a line should have room for: larger ones are not used */
#define DIM         150 /* brightness of pictures that are stale, of 255 */

static const SDL_Color green = {60, 200, 90, 255}, yellow = {240, 190, 40, 255},
                       red = {225, 60, 50, 255}, grey = {140, 140, 140, 255};

static SDL_Color color_of(sl_view_state state) {
    switch (state) {
    case SL_VIEW_LIVE:
        return green;
    case SL_VIEW_SILENT:
        return yellow;
    case SL_VIEW_LOST:
        return red;
    default:
        return grey;
    }
}

sl_tile *sl_wall_put(sl_wall *wall, const sl_frame *frame) {
    if (!sl_image_of(frame, wall->image)) {
        sl_refused_frame(&wall->refused, frame, "it is no picture, so it can't be shown");
        return NULL;
    }
    sl_tile *tile = sl_tiles_put(&wall->tiles, frame, wall->image->width, wall->image->height);
    if (!tile)
        sl_refused_frame(&wall->refused, frame, "there is no memory for it");
    return tile;
}

/* A picture that is small among others goes to the display smaller: many large textures would need
 * much memory, and look worse. Halved, so that a window whose size is being changed asks for
 * another one seldom. */
static int divisor_for(const sl_tile *tile) {
    int divisor = 1;
    while (tile->width / (2 * divisor) >= tile->place.w &&
           tile->height / (2 * divisor) >= tile->place.h)
        divisor *= 2;
    return divisor;
}

static void bring(sl_wall *wall, sl_tile *tile, bool alone) {
    int divisor = alone ? 1 : divisor_for(tile);
    if (!tile->frame || (!tile->fresh && divisor == tile->divisor))
        return;
    tile->fresh = false;
    tile->divisor = divisor;
    if (sl_image_of(tile->frame, wall->image) &&
        sl_texture_upload(&tile->texture, wall->renderer, wall->image, divisor,
                          sl_caption_stale(&tile->view)) < 0)
        sl_refused_frame(&wall->refused, tile->frame, sl_error());
}

/* Of none that sent a picture yet, or said so, the shape is that of most. */
static double shape_of(const sl_tile *tile) {
    return tile->frame ? (double)tile->width / tile->height : USUAL_SHAPE;
}

/* Gives each tile its place. How many are shown. */
static size_t lay_out(sl_wall *wall) {
    double shapes[SL_VIEWS_MAX];
    SDL_Rect places[SL_VIEWS_MAX] = {0};
    size_t count = 0, next = 0;
    int width = 1, height = 1;
    const sl_tiles *tiles = &wall->tiles;
    SDL_GetRendererOutputSize(wall->renderer, &width, &height);
    for (size_t i = 0; i < tiles->count; i++)
        if (sl_tiles_shows(tiles, tiles->all[i]))
            shapes[count++] = shape_of(tiles->all[i]);
    if (count > 0)
        sl_grid_lay_out(places, shapes, count, width, height, (int)(GAP * wall->density));
    for (size_t i = 0; i < tiles->count; i++)
        tiles->all[i]->place =
            sl_tiles_shows(tiles, tiles->all[i]) ? places[next++] : (SDL_Rect){0};
    return count;
}

static int dot_for(const sl_wall *wall, const sl_tile *tile, int most) {
    int largest = (int)(most * wall->density + 0.5);
    int dot = SDL_max(largest, 1);
    while (dot > 1 && sl_lettering_columns(tile->place.w, dot) < COLUMNS)
        dot--;
    return dot;
}

static void write_text(sl_wall *wall, const sl_tile *tile, char *text, sl_lettering_style style) {
    const char *between = style.centred ? " " : SL_CAPTION_GAP;
    sl_caption_wrap(text, sl_lettering_columns(tile->place.w, style.dot), between);
    sl_lettering_draw(&wall->lettering, wall->renderer, &tile->place, text, style);
}

static void write_captions(sl_wall *wall, const sl_tile *tile, size_t number) {
    char text[SL_CAPTION_MAX];
    bool several = wall->tiles.count > 1;
    sl_lettering_style mark = {.mark = color_of(tile->view.state), .centred = true},
                       line = {.mark = mark.mark};
    mark.dot = dot_for(wall, tile, 3);
    line.dot = dot_for(wall, tile, 2);
    if (sl_caption_stale(&tile->view)) {
        sl_caption_mark(text, &tile->view, several && !wall->captions, sl_utc_us());
        write_text(wall, tile, text, mark);
    }
    if (wall->captions) {
        sl_caption_line(text, &tile->view, several ? number : 0);
        write_text(wall, tile, text, line);
    }
}

static void draw_picture(const sl_wall *wall, const sl_tile *tile) {
    SDL_Texture *texture = tile->texture.texture;
    Uint8 brightness = sl_caption_stale(&tile->view) ? DIM : 255;
    if (!texture)
        return;
    SDL_SetTextureColorMod(texture, brightness, brightness, brightness);
    SDL_RenderCopy(wall->renderer, texture, NULL, &tile->place);
}

void sl_wall_draw(sl_wall *wall) {
    size_t shown = lay_out(wall);
    SDL_RenderClear(wall->renderer);
    for (size_t i = 0; i < wall->tiles.count; i++) {
        sl_tile *tile = wall->tiles.all[i];
        if (!sl_tiles_shows(&wall->tiles, tile))
            continue;
        bring(wall, tile, shown == 1);
        draw_picture(wall, tile);
        write_captions(wall, tile, i + 1);
    }
    SDL_RenderPresent(wall->renderer);
}

bool sl_wall_talks(const sl_wall *wall) {
    for (size_t i = 0; i < wall->tiles.count; i++)
        if (wall->captions || sl_caption_stale(&wall->tiles.all[i]->view))
            return true;
    return false;
}

sl_tile *sl_wall_at(const sl_wall *wall, SDL_Point point) {
    for (size_t i = 0; i < wall->tiles.count; i++)
        if (SDL_PointInRect(&point, &wall->tiles.all[i]->place))
            return wall->tiles.all[i];
    return NULL;
}

void sl_wall_refresh(sl_wall *wall) {
    sl_lettering_finish(&wall->lettering);
    sl_tiles_refresh(&wall->tiles);
}

void sl_wall_finish(sl_wall *wall) {
    sl_lettering_finish(&wall->lettering);
    sl_tiles_finish(&wall->tiles);
}
