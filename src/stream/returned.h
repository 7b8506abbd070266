/* stream: what the newest reply to a sender brought, whichever outlet it came to. Any thread. */
#ifndef STREAM_RETURNED_H
#define STREAM_RETURNED_H

#include <pthread.h>
#include <sightline/codec.h>
#include <sightline/frame.h>

typedef struct sl_returned {
    pthread_mutex_t lock;
    sl_frame *newest; /* NULL: nothing that was not taken; maybe coded */
} sl_returned;

void sl_returned_init(sl_returned *returned);

/* Keeps a reply's data in place of the one before, taking the reference; NULL: it had none. */
void sl_returned_put(sl_returned *returned, sl_frame *data);

/* Takes it, unpacked. SL_EAGAIN when there is none, SL_EMESSAGE when it can't be unpacked. */
int sl_returned_take(sl_returned *returned, const sl_codec_settings *settings, sl_frame **data);

void sl_returned_finish(sl_returned *returned);

#endif
