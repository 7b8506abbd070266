/* stream: the senders that a receiver in multi-server mode has heard, by the ports that they say
 * theirs are. Belongs to the link thread. */
#ifndef STREAM_SENDERS_H
#define STREAM_SENDERS_H

#include "wire/netgear.h"

#define SL_SENDERS_MAX 64 /* more than these are taken for one */

typedef struct sl_senders {
    struct {
        char port[SL_NETGEAR_PORT_MAX]; /* JSON text; "": it doesn't say */
        bool sends;                     /* it was heard, and has not ended since */
    } all[SL_SENDERS_MAX];
    size_t count;
} sl_senders;

/* A frame came from the sender of that port: its number, which stays its own, below
 * SL_SENDERS_MAX. */
size_t sl_senders_hear(sl_senders *senders, const char *port);

/* It has ended. True when it was heard, and none that was heard still sends. */
bool sl_senders_end(sl_senders *senders, const char *port);

#endif
