/* stream: what a receiver's replies carry. Set by any thread, read by the link thread for each
 * reply. Used by receiver.c and lockstep.c. */
#ifndef STREAM_ANSWER_H
#define STREAM_ANSWER_H

#include "frame/buffer.h"
#include "wire/netgear.h"
#include <pthread.h>

typedef struct sl_answer {
    char port[SL_NETGEAR_PORT_MAX]; /* as replies say it; "": they don't */
    pthread_mutex_t lock;           /* everything below */
    sl_buffer *parts[2];            /* the reply, ready to go as often as needed */
    size_t count;
} sl_answer;

void sl_answer_init(sl_answer *answer);

/* The reply that carries nothing: a plain one signed by `device`. */
int sl_answer_be_plain(sl_answer *answer, const char *device);

/* From now on replies carry data, and `port` (NULL: none); at first they carry null. */
int sl_answer_carry(sl_answer *answer, const char *port);

/* Carries a JSON text, or the bytes of a coded frame, or null, until the next call. SL_EINVAL for
 * what is not JSON; then all is as before. */
int sl_answer_set(sl_answer *answer, const char *json, const sl_frame *coded);

/* References to the reply's parts; gives how many there are. */
size_t sl_answer_get(sl_answer *answer, sl_buffer *parts[2]);

void sl_answer_finish(sl_answer *answer);

#endif
