/* base: an event that threads can wait for with poll(), and waiting itself. */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <sightline/cancel.h>
#include <stdint.h>

typedef struct sl_event {
    int fd; /* polls readable while set */
} sl_event;

/* SL_OK or SL_ESYSTEM. A zeroed event (fd 0) is not initialised: start from fd -1. */
int sl_event_init(sl_event *event);
void sl_event_finish(sl_event *event);

void sl_event_set(sl_event *event); /* any thread, async-signal-safe */
void sl_event_clear(sl_event *event);

/* Waits until `fd` has one of the poll `events` (fd -1: only for the rest), the cancel object (may
 * be NULL) is triggered, or the deadline (see clock.h) has passed: SL_OK, SL_ECANCELED,
 * SL_EAGAIN. */
int sl_wait(int fd, short events, const sl_cancel *cancel, int64_t deadline_us);

#endif
