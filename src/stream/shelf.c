/* stream: the newest frame of each lane. */
#include "stream/shelf.h"

/* Its reference becomes the caller's. */
static sl_frame *remove_from(sl_shelf *shelf, size_t lane) {
    sl_shelf_place *place = &shelf->places[lane];
    sl_frame *frame = place->frame;
    shelf->count--;
    shelf->bytes -= place->bytes;
    *place = (sl_shelf_place){0};
    return frame;
}

static void let_go(sl_shelf *shelf, size_t lane) {
    sl_frame *frame = remove_from(shelf, lane);
    if (shelf->gone)
        shelf->gone(shelf->user, frame);
    sl_frame_unref(&frame);
}

bool sl_shelf_put(sl_shelf *shelf, size_t lane, sl_frame *frame, size_t bytes) {
    bool replaces = shelf->places[lane].frame;
    if (replaces)
        let_go(shelf, lane);
    if (lane >= shelf->lanes)
        shelf->lanes = lane + 1;
    shelf->places[lane] = (sl_shelf_place){frame, bytes};
    shelf->count++;
    shelf->bytes += bytes;
    return replaces;
}

static size_t find_largest(const sl_shelf *shelf) {
    size_t largest = 0;
    for (size_t lane = 0; lane < shelf->lanes; lane++) {
        if (shelf->places[lane].bytes >= shelf->places[largest].bytes)
            largest = lane;
    }
    return largest;
}

size_t sl_shelf_bound(sl_shelf *shelf, size_t bytes) {
    size_t gone = 0;
    for (; shelf->count > 1 && shelf->bytes >= bytes; gone++)
        let_go(shelf, find_largest(shelf));
    return gone;
}

sl_frame *sl_shelf_take(sl_shelf *shelf, size_t *lane) {
    if (shelf->count == 0)
        return NULL;
    do
        shelf->last = (shelf->last + 1) % shelf->lanes;
    while (!shelf->places[shelf->last].frame);
    *lane = shelf->last;
    return remove_from(shelf, shelf->last);
}

size_t sl_shelf_clear(sl_shelf *shelf) {
    size_t gone = 0;
    for (; shelf->count > 0; gone++)
        let_go(shelf, find_largest(shelf));
    return gone;
}
