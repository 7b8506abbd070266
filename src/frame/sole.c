/* frame: waiting until a frame is one's own again.
 *
 * Who gives a reference back can't look at the frame any more, so those who wait stand in one list
 * for all frames. Both sides act in the opposite order, each sequentially consistent: who waits
 * enters the list, then looks at the counts; who gives back counts, then looks at the list. So one
 * of the two sees the other. */
#include "frame/sole.h"
#include "base/clock.h"
#include "base/event.h"
#include "frame/frame.h"
#include <sightline/error.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

struct waiter {
    struct waiter *next;
    sl_event look;
};

static atomic_uint waiting; /* how many are in the list */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiter *first; /* under the lock */

/* After fork() those who waited are threads of the other process, and their stacks are gone. */
static void renew_in_child(void) {
    pthread_mutex_init(&lock, NULL);
    first = NULL;
    atomic_store(&waiting, 0);
}

__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(NULL, NULL, renew_in_child);
}

static void enter(struct waiter *waiter) {
    pthread_mutex_lock(&lock);
    waiter->next = first;
    first = waiter;
    atomic_fetch_add(&waiting, 1);
    pthread_mutex_unlock(&lock);
}

static void leave(struct waiter *waiter) {
    struct waiter **place = &first;
    pthread_mutex_lock(&lock);
    while (*place != waiter)
        place = &(*place)->next;
    *place = waiter->next;
    atomic_fetch_sub(&waiting, 1);
    pthread_mutex_unlock(&lock);
}

void sl_sole_announce(void) {
    if (atomic_load(&waiting) == 0)
        return;
    pthread_mutex_lock(&lock);
    for (struct waiter *waiter = first; waiter; waiter = waiter->next)
        sl_event_set(&waiter->look);
    pthread_mutex_unlock(&lock);
}

int sl_frame_wait(const sl_frame *frame, sl_cancel *cancel, int timeout_ms) {
    int64_t deadline_us = sl_deadline_us(timeout_ms);
    struct waiter waiter;
    if (sl_frame_sole(frame))
        return SL_OK;
    int result = sl_event_init(&waiter.look);
    if (result)
        return result;
    enter(&waiter);
    while (result == SL_OK && !sl_frame_sole(frame)) {
        result = sl_wait(waiter.look.fd, POLLIN, cancel, deadline_us);
        sl_event_clear(&waiter.look);
    }
    leave(&waiter);
    sl_event_finish(&waiter.look);
    return result;
}
