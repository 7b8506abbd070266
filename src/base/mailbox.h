/* base: a one-slot mailbox. The newest item wins; what it replaces is released and counted.
 *
 * One or more threads put, one takes. No callback runs locked. After a put the mailbox owns the
 * item; after a take the taker does. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <sightline/cancel.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_mailbox sl_mailbox;

/* `release` frees an item that nobody took. */
int sl_mailbox_open(sl_mailbox **mailbox, void (*release)(void *item));

/* Puts an item, replacing what is there. True if nothing was replaced. Never blocks. */
bool sl_mailbox_put(sl_mailbox *mailbox, void *item);

/* Ends it: takers get what is left, then `code` (SL_EEND, …) with `sentence`. */
void sl_mailbox_end(sl_mailbox *mailbox, int code, const char *sentence);

/* Takes the item: SL_OK, SL_EAGAIN past the deadline, SL_ECANCELED, or the code it ended with. */
int sl_mailbox_take(sl_mailbox *mailbox, void **item, const sl_cancel *cancel, int64_t deadline_us);

/* Items replaced before anyone took them. */
uint64_t sl_mailbox_dropped(const sl_mailbox *mailbox);

void sl_mailbox_close(sl_mailbox **mailbox);

#endif
