/* sink/recording: the last seconds of a camera's coded frames. Used by tape.c. */
#include "sink/recording/preroll.h"

#include <stdlib.h>

#define FRAME_BYTES 512 /* what a frame takes beside its bytes, about */

static sl_preroll_frame *at(const sl_preroll *preroll, size_t index) {
    return &preroll->each[(preroll->first + index) % preroll->room];
}

static bool grow(sl_preroll *preroll) {
    size_t room = preroll->room ? 2 * preroll->room : 64;
    sl_preroll_frame *each = malloc(room * sizeof(*each));
    if (!each)
        return false;
    for (size_t i = 0; i < preroll->count; i++)
        each[i] = *at(preroll, i);
    free(preroll->each);
    preroll->each = each;
    preroll->first = 0;
    preroll->room = room;
    return true;
}

bool sl_preroll_add(sl_preroll *preroll, const sl_preroll_frame *added) {
    if (preroll->count == 0 && !added->afresh)
        return false;
    if (preroll->count == preroll->room && !grow(preroll)) {
        sl_preroll_finish(preroll);
        return false;
    }
    sl_preroll_frame *place = at(preroll, preroll->count++);
    *place = *added;
    place->frame = sl_frame_ref(added->frame);
    preroll->bytes += added->frame->size + FRAME_BYTES;
    return true;
}

const sl_preroll_frame *sl_preroll_oldest(const sl_preroll *preroll) {
    return preroll->count > 0 ? at(preroll, 0) : NULL;
}

void sl_preroll_drop(sl_preroll *preroll) {
    sl_preroll_frame *oldest = at(preroll, 0);
    preroll->bytes -= oldest->frame->size + FRAME_BYTES;
    sl_frame_unref(&oldest->frame);
    preroll->first = (preroll->first + 1) % preroll->room;
    preroll->count--;
}

/* Where the second that needs none before it stands; `count` where there is none. */
static size_t next_start(const sl_preroll *preroll) {
    size_t index = 1;
    while (index < preroll->count && !at(preroll, index)->afresh)
        index++;
    return index;
}

void sl_preroll_trim(sl_preroll *preroll, int64_t from_us, size_t bytes_most) {
    while (preroll->count > 0) {
        size_t next = next_start(preroll);
        bool needed = next >= preroll->count || at(preroll, next)->arrived_us > from_us;
        if (needed && preroll->bytes <= bytes_most)
            return;
        for (; next > 0; next--)
            sl_preroll_drop(preroll);
    }
}

void sl_preroll_finish(sl_preroll *preroll) {
    while (preroll->count > 0)
        sl_preroll_drop(preroll);
    free(preroll->each);
    *preroll = (sl_preroll){0};
}
