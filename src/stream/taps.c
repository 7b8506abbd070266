/* stream: who sees a receiver's frames as they come. See taps.h. */
#include "stream/taps.h"

#include "base/error.h"

void sl_taps_init(sl_taps *taps) {
    *taps = (sl_taps){.count = 0};
    pthread_mutex_init(&taps->lock, NULL);
}

void sl_taps_finish(sl_taps *taps) {
    pthread_mutex_destroy(&taps->lock);
}

int sl_taps_add(sl_taps *taps, const sl_tap *tap) {
    pthread_mutex_lock(&taps->lock);
    bool room = taps->count < SL_TAPS_MAX;
    if (room)
        taps->all[taps->count++] = *tap;
    pthread_mutex_unlock(&taps->lock);
    return room ? SL_OK
                : sl_fail(SL_EINVAL, "a receiver has at most %d taps; take one away first",
                          SL_TAPS_MAX);
}

void sl_taps_remove(sl_taps *taps, const void *user) {
    size_t left = 0;
    pthread_mutex_lock(&taps->lock);
    for (size_t i = 0; i < taps->count; i++) {
        if (taps->all[i].user != user)
            taps->all[left++] = taps->all[i];
    }
    taps->count = left;
    pthread_mutex_unlock(&taps->lock);
}

void sl_taps_pass(sl_taps *taps, const sl_frame *coded) {
    pthread_mutex_lock(&taps->lock);
    for (size_t i = 0; i < taps->count; i++)
        taps->all[i].take(taps->all[i].user, coded);
    pthread_mutex_unlock(&taps->lock);
}
