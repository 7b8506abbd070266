/* stream: live frames that wait to be shown evenly. */
#include "stream/playout.h"

#include "base/clock.h"
#include "base/error.h"
#include "frame/frame.h"

#include <stdlib.h>

#define BYTES_MOST ((size_t)64 * 1024 * 1024) /* in all lanes */
#define FORGET     100 /* a hundredth of the time that passes: so fast the least delay grows, */
#define FAR_US     SL_SECOND_US       /* unless all come so much later */
#define AFRESH_US  (3 * SL_SECOND_US) /* for so long: then what was known of it is forgotten */

struct waiting {
    sl_frame *frame;
    int64_t due_us;
};

struct lane {
    struct waiting frames[SL_PLAYOUT_MOST]; /* a ring */
    size_t first, count;
    int64_t delay_us;     /* the least from capture to coming, by two clocks, slowly forgotten */
    int64_t noted_us;     /* when that was last looked at */
    bool known;           /* it ever was */
    int64_t far_since_us; /* since when all come far later than that; -1: they don't */
    int64_t due_us;       /* of the last frame that was put */
};

struct sl_playout {
    int64_t smooth_us;
    size_t bytes; /* that wait */
    struct lane lanes[SL_PLAYOUT_LANES];
};

int sl_playout_open(sl_playout **playout, int64_t smooth_us) {
    *playout = calloc(1, sizeof **playout);
    if (!*playout)
        return sl_fail_memory();
    (*playout)->smooth_us = smooth_us;
    return SL_OK;
}

void sl_playout_close(sl_playout **playout) {
    sl_playout *closing = *playout;
    if (!closing)
        return;
    *playout = NULL;
    for (size_t i = 0; i < SL_PLAYOUT_LANES; i++) {
        sl_frame *frame;
        while ((frame = sl_playout_take(closing, i, INT64_MAX)))
            sl_frame_unref(&frame);
    }
    free(closing);
}

void sl_playout_begin(sl_playout *playout, size_t lane) {
    playout->lanes[lane].known = false;
}

bool sl_playout_has_room(const sl_playout *playout, size_t lane, size_t bytes) {
    return playout->lanes[lane].count < SL_PLAYOUT_MOST && bytes <= BYTES_MOST - playout->bytes;
}

/* A path that got longer is believed little by little, a clock that was set back after a while. */
static void note_delay(struct lane *lane, int64_t delay_us, int64_t now_us) {
    if (!lane->known || delay_us - lane->delay_us < FAR_US)
        lane->far_since_us = -1;
    else if (lane->far_since_us < 0)
        lane->far_since_us = now_us;
    else if (now_us - lane->far_since_us >= AFRESH_US)
        lane->known = false;
    int64_t most_us = lane->delay_us + (now_us - lane->noted_us) / FORGET;
    lane->delay_us = lane->known && most_us < delay_us ? most_us : delay_us;
    lane->noted_us = now_us;
    lane->known = true;
}

void sl_playout_put(sl_playout *playout, size_t lane, sl_frame *frame, int64_t captured_us,
                    int64_t now_us) {
    struct lane *queue = &playout->lanes[lane];
    int64_t due_us = now_us;
    if (captured_us != 0) {
        note_delay(queue, now_us - captured_us, now_us);
        due_us = captured_us + queue->delay_us + playout->smooth_us;
    }
    if (due_us > queue->due_us)
        queue->due_us = due_us;
    queue->frames[(queue->first + queue->count) % SL_PLAYOUT_MOST] =
        (struct waiting){frame, queue->due_us};
    queue->count++;
    playout->bytes += frame->size;
}

sl_frame *sl_playout_take(sl_playout *playout, size_t lane, int64_t now_us) {
    struct lane *queue = &playout->lanes[lane];
    struct waiting *next = &queue->frames[queue->first];
    if (queue->count == 0 || next->due_us > now_us)
        return NULL;
    queue->first = (queue->first + 1) % SL_PLAYOUT_MOST;
    queue->count--;
    playout->bytes -= next->frame->size;
    return next->frame;
}

int64_t sl_playout_due(const sl_playout *playout) {
    int64_t due_us = -1;
    for (size_t i = 0; i < SL_PLAYOUT_LANES; i++) {
        const struct lane *lane = &playout->lanes[i];
        if (lane->count > 0 && (due_us < 0 || lane->frames[lane->first].due_us < due_us))
            due_us = lane->frames[lane->first].due_us;
    }
    return due_us;
}
