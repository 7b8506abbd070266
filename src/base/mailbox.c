/* base: a one-slot mailbox, newest wins. */
#include "base/mailbox.h"
#include "base/error.h"
#include "base/event.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct sl_mailbox {
    void (*release)(void *item);
    sl_event event; /* set while `item` or `ended` is */

    pthread_mutex_t lock;
    /* All below is under the lock. */
    void *item;
    bool ended;
    int code;
    char sentence[512];
    uint64_t dropped;
};

int sl_mailbox_open(sl_mailbox **mailbox, void (*release)(void *item)) {
    *mailbox = NULL;
    sl_mailbox *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    int code = sl_event_init(&made->event);
    if (code < 0) {
        free(made);
        return code;
    }
    pthread_mutex_init(&made->lock, NULL);
    made->release = release;
    *mailbox = made;
    return SL_OK;
}

static void let_go(const sl_mailbox *mailbox, void *item) {
    if (item && mailbox->release)
        mailbox->release(item);
}

bool sl_mailbox_put(sl_mailbox *mailbox, void *item) {
    pthread_mutex_lock(&mailbox->lock);
    void *replaced = item;
    if (!mailbox->ended) {
        replaced = mailbox->item;
        mailbox->item = item;
        sl_event_set(&mailbox->event);
    }
    if (replaced)
        mailbox->dropped++;
    pthread_mutex_unlock(&mailbox->lock);
    let_go(mailbox, replaced);
    return !replaced;
}

void sl_mailbox_end(sl_mailbox *mailbox, int code, const char *sentence) {
    pthread_mutex_lock(&mailbox->lock);
    if (!mailbox->ended) {
        mailbox->ended = true;
        mailbox->code = code;
        snprintf(mailbox->sentence, sizeof(mailbox->sentence), "%s", sentence);
        sl_event_set(&mailbox->event);
    }
    pthread_mutex_unlock(&mailbox->lock);
}

/* Whether there was something to take: an item, or the end. */
static bool try_take(sl_mailbox *mailbox, void **item, int *code) {
    pthread_mutex_lock(&mailbox->lock);
    bool taken = mailbox->item || mailbox->ended;
    *item = mailbox->item;
    *code = SL_OK;
    mailbox->item = NULL;
    if (!*item && mailbox->ended)
        *code = sl_fail(mailbox->code, "%s", mailbox->sentence);
    if (!mailbox->ended)
        sl_event_clear(&mailbox->event);
    pthread_mutex_unlock(&mailbox->lock);
    return taken;
}

int sl_mailbox_take(sl_mailbox *mailbox, void **item, const sl_cancel *cancel,
                    int64_t deadline_us) {
    int code;
    *item = NULL;
    do {
        if (sl_cancel_triggered(cancel))
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        if (try_take(mailbox, item, &code))
            return code;
        code = sl_wait(mailbox->event.fd, POLLIN, cancel, deadline_us);
    } while (code == SL_OK);
    return code;
}

uint64_t sl_mailbox_dropped(const sl_mailbox *mailbox) {
    sl_mailbox *locked = (sl_mailbox *)mailbox;
    pthread_mutex_lock(&locked->lock);
    uint64_t dropped = locked->dropped;
    pthread_mutex_unlock(&locked->lock);
    return dropped;
}

void sl_mailbox_close(sl_mailbox **mailbox) {
    sl_mailbox *closed = *mailbox;
    if (!closed)
        return;
    *mailbox = NULL;
    let_go(closed, closed->item);
    pthread_mutex_destroy(&closed->lock);
    sl_event_finish(&closed->event);
    free(closed);
}
