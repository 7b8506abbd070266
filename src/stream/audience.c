/* stream: whether anybody watches at a live receiver. */
#include "stream/audience.h"

#include "base/clock.h"
#include <sightline/error.h>

#define SERVED_US  (SL_SECOND_US / 2)  /* between frames that somebody takes, at most */
#define LEAST_US   (2 * SL_SECOND_US)  /* until who went away without one looks in again, */
#define LONGEST_US (10 * SL_SECOND_US) /* and at most */

int sl_audience_init(sl_audience *audience, int64_t now_us) {
    *audience = (sl_audience){
        .returned.fd = -1,
        .asked_us = now_us - LONGEST_US / 2, /* it isn't known how often they will */
        .expected_us = now_us + LONGEST_US,
    };
    pthread_mutex_init(&audience->lock, NULL);
    return sl_event_init(&audience->returned);
}

void sl_audience_finish(sl_audience *audience) {
    sl_event_finish(&audience->returned);
    pthread_mutex_destroy(&audience->lock);
}

void sl_audience_expect_nobody(sl_audience *audience, int64_t now_us) {
    pthread_mutex_lock(&audience->lock);
    audience->expected_us = now_us;
    pthread_mutex_unlock(&audience->lock);
}

/* Locked. */
static void show(sl_audience *audience) {
    if (!audience->shown)
        sl_event_set(&audience->returned);
    audience->shown = true;
}

bool sl_audience_enter(sl_audience *audience) {
    pthread_mutex_lock(&audience->lock);
    bool was_away = audience->away;
    audience->inside = true;
    audience->away = false;
    if (was_away)
        show(audience);
    pthread_mutex_unlock(&audience->lock);
    return was_away;
}

void sl_audience_call(sl_audience *audience) {
    pthread_mutex_lock(&audience->lock);
    show(audience);
    pthread_mutex_unlock(&audience->lock);
}

static int64_t patience_us(int64_t away_us, bool served) {
    int64_t twice_us = 2 * away_us;
    if (served)
        return SERVED_US;
    return twice_us < LEAST_US ? LEAST_US : twice_us > LONGEST_US ? LONGEST_US : twice_us;
}

void sl_audience_leave(sl_audience *audience, int64_t now_us, bool served) {
    pthread_mutex_lock(&audience->lock);
    audience->inside = false;
    audience->expected_us = now_us + patience_us(now_us - audience->asked_us, served);
    audience->asked_us = now_us;
    pthread_mutex_unlock(&audience->lock);
}

bool sl_audience_watches(sl_audience *audience, int64_t now_us, int64_t *due_us) {
    *due_us = -1;
    pthread_mutex_lock(&audience->lock);
    audience->away = !audience->inside && now_us >= audience->expected_us;
    if (!audience->away)
        *due_us = audience->inside ? now_us + SERVED_US : audience->expected_us;
    bool watched = !audience->away;
    if (audience->shown)
        sl_event_clear(&audience->returned);
    audience->shown = false;
    pthread_mutex_unlock(&audience->lock);
    return watched;
}

bool sl_audience_is_away(const sl_audience *audience, int64_t now_us, int64_t *since_us) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&audience->lock;
    pthread_mutex_lock(lock);
    bool away = !audience->inside && now_us >= audience->expected_us;
    *since_us = audience->expected_us;
    pthread_mutex_unlock(lock);
    return away;
}
