/* stream: how the live pattern's destinations steer the one encoder that they share. */
#include "stream/steering.h"

#include "base/clock.h"

#include <stddef.h>

void sl_steering_init(sl_steering *steering) {
    *steering = (sl_steering){0};
    pthread_mutex_init(&steering->lock, NULL);
}

void sl_steering_finish(sl_steering *steering) {
    pthread_mutex_destroy(&steering->lock);
}

/* Locked. The place in the list that points to it, or the last one. */
static sl_rein **find(sl_steering *steering, const sl_rein *rein) {
    sl_rein **at = &steering->reins;
    while (*at && *at != rein)
        at = &(*at)->next;
    return at;
}

void sl_steering_aim(sl_steering *steering, sl_rein *rein, const sl_governor_aim *aim,
                     const sl_live_stats *told) {
    pthread_mutex_lock(&steering->lock);
    sl_rein **at = find(steering, rein);
    if (!*at) {
        rein->next = NULL;
        *at = rein;
    }
    rein->aim = *aim;
    rein->told = *told;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_let_go(sl_steering *steering, sl_rein *rein) {
    pthread_mutex_lock(&steering->lock);
    sl_rein **at = find(steering, rein);
    if (*at)
        *at = rein->next;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_told(sl_steering *steering, const sl_rein *rein, sl_live_stats *told) {
    pthread_mutex_lock(&steering->lock);
    *told = rein->told;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_want_keyframe(sl_steering *steering) {
    pthread_mutex_lock(&steering->lock);
    steering->keyframe = true;
    pthread_mutex_unlock(&steering->lock);
}

bool sl_steering_take(sl_steering *steering, sl_governor_aim *aim, bool *keyframe) {
    pthread_mutex_lock(&steering->lock);
    const sl_rein *first = steering->reins;
    for (const sl_rein *rein = first; rein; rein = rein->next) {
        if (rein->aim.bit_rate > first->aim.bit_rate)
            first = rein;
    }
    if (first)
        *aim = first->aim;
    *keyframe = steering->keyframe;
    steering->keyframe = false;
    pthread_mutex_unlock(&steering->lock);
    return first != NULL;
}

/* A pause is no interval. */
void sl_steering_offer(sl_steering *steering, int64_t captured_us) {
    pthread_mutex_lock(&steering->lock);
    double took_us = (double)(captured_us - steering->captured_us);
    if (steering->captured_us != 0 && took_us > 0 && took_us < SL_SECOND_US) {
        double average_us = steering->interval_us;
        steering->interval_us = average_us > 0 ? average_us * 0.9 + took_us * 0.1 : took_us;
        steering->coding.fps = SL_SECOND_US / steering->interval_us;
    }
    steering->captured_us = captured_us;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_report(sl_steering *steering, const sl_coding *coding) {
    pthread_mutex_lock(&steering->lock);
    sl_coding *known = &steering->coding;
    double fps = known->fps;
    uint64_t frames = known->frames + 1;
    *known = *coding;
    known->fps = fps;
    known->frames = frames;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_coding(sl_steering *steering, sl_coding *coding) {
    pthread_mutex_lock(&steering->lock);
    *coding = steering->coding;
    pthread_mutex_unlock(&steering->lock);
}
