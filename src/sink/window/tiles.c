/* sink: the cameras that a window shows. */
#include "sink/window/tiles.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "sink/window/caption.h"

#include <stdlib.h>
#include <string.h>

#define GONE_US (300 * SL_SECOND_US)

static void free_tile(sl_tiles *tiles, sl_tile *tile) {
    if (tiles->picked == tile)
        tiles->picked = NULL;
    sl_texture_finish(&tile->texture);
    sl_frame_unref(&tile->frame);
    sl_frame_unref(&tile->still);
    free(tile);
}

static size_t find(const sl_tiles *tiles, const char *port) {
    size_t i = 0;
    while (i < tiles->count && strcmp(tiles->all[i]->view.port, port) != 0)
        i++;
    return i;
}

static size_t most_silent(const sl_tiles *tiles) {
    size_t found = 0;
    for (size_t i = 1; i < tiles->count; i++)
        if (tiles->all[i]->came_us < tiles->all[found]->came_us)
            found = i;
    return found;
}

/* A tile for one that was not told of yet. */
static sl_tile *add(sl_tiles *tiles, const char *port) {
    sl_tile *tile = calloc(1, sizeof(*tile));
    if (!tile)
        return NULL;
    sl_text_copy(tile->view.port, port, sizeof(tile->view.port));
    sl_text_copy(tile->view.name, *port ? port : "camera", sizeof(tile->view.name));
    tile->view.latency.last = -1;
    if (tiles->count < SL_VIEWS_MAX) {
        tiles->all[tiles->count++] = tile;
    } else {
        size_t place = most_silent(tiles);
        free_tile(tiles, tiles->all[place]);
        tiles->all[place] = tile;
    }
    return tile;
}

sl_tile *sl_tiles_put(sl_tiles *tiles, const sl_frame *frame, int width, int height) {
    char port[sizeof(tiles->all[0]->view.port)];
    sl_text_copy(port, frame->port ? frame->port : "", sizeof(port));
    size_t place = find(tiles, port);
    sl_tile *tile = place < tiles->count ? tiles->all[place] : add(tiles, port);
    if (!tile)
        return NULL;
    sl_frame_unref(&tile->frame);
    tile->frame = sl_frame_ref(frame);
    tile->width = width;
    tile->height = height;
    tile->came_us = sl_now_us();
    tile->fresh = true;
    if (tile->view.state == SL_VIEW_SILENT) /* not any more, and who says so comes later */
        tile->view.state = SL_VIEW_LIVE;
    return tile;
}

/* Of one that never sent a picture it is worth saying that it has something to say. */
static bool worth_a_tile(const sl_camera_view *view) {
    return view->state == SL_VIEW_SILENT || view->state == SL_VIEW_LOST;
}

static void take_view(sl_tile *tile, const sl_camera_view *view) {
    if (sl_caption_stale(&tile->view) != sl_caption_stale(view))
        tile->fresh = tile->frame != NULL; /* it gets its colours back, or loses them */
    tile->view = *view;
}

static bool gone_for_long(const sl_camera_view *view, int64_t utc_us) {
    return view->state == SL_VIEW_GONE && utc_us - view->since_us > GONE_US;
}

static bool any_here(const sl_camera_view *cameras, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (cameras[i].state != SL_VIEW_GONE)
            return true;
    return false;
}

static sl_tile *take_out(sl_tiles *tiles, size_t place) {
    sl_tile *tile = tiles->all[place];
    tiles->count--;
    for (size_t i = place; i < tiles->count; i++)
        tiles->all[i] = tiles->all[i + 1];
    return tile;
}

void sl_tiles_tell(sl_tiles *tiles, const sl_camera_view *cameras, size_t count, int64_t utc_us) {
    sl_tiles before = *tiles;
    bool here = any_here(cameras, count);
    tiles->count = 0;
    for (size_t i = 0; i < count && tiles->count < SL_VIEWS_MAX; i++) {
        size_t place = find(&before, cameras[i].port);
        if (here && gone_for_long(&cameras[i], utc_us))
            continue;
        if (place < before.count)
            tiles->all[tiles->count++] = take_out(&before, place);
        else if (!worth_a_tile(&cameras[i]) || !add(tiles, cameras[i].port))
            continue;
        take_view(tiles->all[tiles->count - 1], &cameras[i]);
    }
    for (size_t i = 0; i < before.count; i++)
        free_tile(tiles, before.all[i]);
    if (tiles->count < 2)
        tiles->picked = NULL;
}

bool sl_tiles_shows(const sl_tiles *tiles, const sl_tile *tile) {
    return !tiles->picked || tiles->picked == tile;
}

void sl_tiles_pick(sl_tiles *tiles, size_t number) {
    if (tiles->count > 1 && number < tiles->count)
        tiles->picked = tiles->all[number];
}

void sl_tiles_step(sl_tiles *tiles, int by) {
    size_t place = by > 0 ? tiles->count - 1 : 0; /* from all of them to the first, or last */
    for (size_t i = 0; tiles->picked && i < tiles->count; i++)
        if (tiles->all[i] == tiles->picked)
            place = i;
    if (tiles->count > 1)
        sl_tiles_pick(tiles, by > 0 ? (place + 1) % tiles->count
                                    : (place + tiles->count - 1) % tiles->count);
}

void sl_tiles_refresh(sl_tiles *tiles) {
    for (size_t i = 0; i < tiles->count; i++) {
        sl_texture_finish(&tiles->all[i]->texture);
        tiles->all[i]->fresh = tiles->all[i]->frame != NULL;
    }
}

void sl_tiles_finish(sl_tiles *tiles) {
    for (size_t i = 0; i < tiles->count; i++)
        free_tile(tiles, tiles->all[i]);
    tiles->count = 0;
}
