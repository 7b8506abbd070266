/* stream: what one end counts, for sl_stats. */
#include "stream/tally.h"

#include "base/clock.h"
#include <inttypes.h>
#include <sightline/error.h>
#include <string.h>

void sl_tally_init(sl_tally *tally) {
    memset(tally, 0, sizeof *tally);
    pthread_mutex_init(&tally->lock, NULL);
}

void sl_tally_finish(sl_tally *tally) {
    pthread_mutex_destroy(&tally->lock);
}

void sl_tally_frame(sl_tally *tally) {
    int64_t now_us = sl_now_us();
    pthread_mutex_lock(&tally->lock);
    if (tally->frames == 0)
        tally->first_us = now_us;
    tally->last_us = now_us;
    tally->frames++;
    pthread_mutex_unlock(&tally->lock);
}

void sl_tally_bytes(sl_tally *tally, size_t bytes) {
    pthread_mutex_lock(&tally->lock);
    tally->bytes += bytes;
    sl_rate_add(&tally->rate, sl_now_us(), bytes);
    pthread_mutex_unlock(&tally->lock);
}

void sl_tally_drop(sl_tally *tally, sl_drop reason) {
    pthread_mutex_lock(&tally->lock);
    tally->drops[reason]++;
    pthread_mutex_unlock(&tally->lock);
}

void sl_tally_reject(sl_tally *tally) {
    uint64_t held_back = 0;
    pthread_mutex_lock(&tally->lock);
    tally->rejected++;
    bool say = sl_log_limit_pass(&tally->rejections, &held_back);
    pthread_mutex_unlock(&tally->lock);
    if (say && held_back)
        sl_log(SL_LOG_WARNING, "stream", "dropped a message: %s (and %" PRIu64 " others)",
               sl_error(), held_back);
    else if (say)
        sl_log(SL_LOG_WARNING, "stream", "dropped a message: %s", sl_error());
}

void sl_tally_age(sl_tally *tally, int32_t age_ms) {
    pthread_mutex_lock(&tally->lock);
    sl_latency_add(&tally->latency, age_ms);
    pthread_mutex_unlock(&tally->lock);
}

void sl_tally_get(sl_tally *tally, sl_stats *stats) {
    int64_t now_us = sl_now_us();
    pthread_mutex_lock(&tally->lock);
    *stats = (sl_stats){
        .frames = tally->frames,
        .rejected = tally->rejected,
        .bytes = tally->bytes,
        .bit_rate = sl_rate_get(&tally->rate, now_us),
        .seconds = (double)(tally->last_us - tally->first_us) / 1e6,
        .latency = sl_latency_summary(&tally->latency),
    };
    for (size_t i = 0; i < SL_DROPS; i++)
        stats->dropped += stats->drops[i] = tally->drops[i];
    pthread_mutex_unlock(&tally->lock);
}
