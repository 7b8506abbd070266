/* stream: whether a sender's source is gone. See loss.h. */
#include "stream/loss.h"

#include "base/text.h"

#include <string.h>

void sl_loss_init(sl_loss *loss) {
    *loss = (sl_loss){.lost = false};
    pthread_mutex_init(&loss->lock, NULL);
}

void sl_loss_finish(sl_loss *loss) {
    pthread_mutex_destroy(&loss->lock);
}

/* Locked. */
static void note_lost(sl_loss *loss, const char *why, int64_t now_us) {
    char copy[sizeof loss->why];
    sl_text_copy(copy, why, sizeof copy);
    if (loss->lost && strcmp(loss->why, copy) == 0)
        return;
    if (!loss->lost)
        loss->since_us = now_us;
    loss->lost = true;
    loss->changes++;
    memcpy(loss->why, copy, sizeof copy);
}

void sl_loss_note(sl_loss *loss, const char *why, int64_t now_us) {
    pthread_mutex_lock(&loss->lock);
    if (why)
        note_lost(loss, why, now_us);
    else if (loss->lost)
        loss->changes++;
    loss->lost = why != NULL;
    pthread_mutex_unlock(&loss->lock);
}

bool sl_loss_news(sl_loss *loss, uint64_t told, int64_t now_us, sl_live_message *message,
                  uint64_t *changes) {
    pthread_mutex_lock(&loss->lock);
    bool news = loss->changes != told && (loss->lost || told > 0);
    *changes = loss->changes;
    *message = (sl_live_message){
        .kind = SL_LIVE_LOSS,
        .flags = loss->lost ? SL_LIVE_LOST : 0,
        .lost_us = loss->lost ? now_us - loss->since_us : 0,
    };
    if (loss->lost)
        memcpy(message->text, loss->why, sizeof loss->why);
    pthread_mutex_unlock(&loss->lock);
    return news;
}
