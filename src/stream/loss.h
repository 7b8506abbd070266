/* stream: whether a sender's source is gone, as live receivers are told. Any thread. */
#ifndef STREAM_LOSS_H
#define STREAM_LOSS_H

#include "wire/live.h"
#include <pthread.h>
#include <stdbool.h>

typedef struct sl_loss {
    pthread_mutex_t lock; /* everything below */
    bool lost;
    uint64_t changes; /* how often that was another, or the reason */
    int64_t since_us; /* monotonic */
    char why[SL_LIVE_WHY_MAX + 1];
} sl_loss;

void sl_loss_init(sl_loss *loss);
void sl_loss_finish(sl_loss *loss);

/* It is gone; `why` NULL: it is there. */
void sl_loss_note(sl_loss *loss, const char *why, int64_t now_us);

/* Fills in what a receiver doesn't know that was told last when there were `told` changes (0: it
 * was told nothing, and takes it that all is well), and how many there are now. False: nothing. */
bool sl_loss_news(sl_loss *loss, uint64_t told, int64_t now_us, sl_live_message *message,
                  uint64_t *changes);

#endif
