/* stream: the senders that a receiver in multi-server mode has heard, by the ports that they say
 * theirs are. Belongs to the link thread.
 *
 * Anyone who is let in can say any port, so that a place is kept only as long as nobody else needs
 * it: that of a sender which has ended goes first, then of one whose connection is gone, then of
 * a connection that has said several ports, and of those the one that was silent for longest. */
#ifndef STREAM_SENDERS_H
#define STREAM_SENDERS_H

#include "wire/netgear.h"

#define SL_SENDERS_MAX 64 /* when more are connected, the last ones are taken for one */

typedef struct sl_known_sender {
    char port[SL_NETGEAR_PORT_MAX]; /* JSON text; "": it doesn't say */
    bool sends;                     /* it was heard, and has not ended since */
    uint64_t peer;                  /* the connection over which it was heard last; 0: not known */
    uint64_t heard;                 /* when that was, in messages of all */
} sl_known_sender;

typedef struct sl_senders {
    size_t expected; /* how many a receiver waits for though their connections are gone */
    bool (*is_there)(const void *user, uint64_t peer); /* whether a connection still is */
    const void *user;
    sl_known_sender all[SL_SENDERS_MAX];
    size_t count;
    uint64_t messages;
} sl_senders;

/* A frame came from the sender of that port: its number, which stays its own while it is connected,
 * below SL_SENDERS_MAX. */
size_t sl_senders_hear(sl_senders *senders, const char *port, uint64_t peer);

/* It has ended. True when it was heard, and none that was heard still sends: none that is
 * connected, and none of the expected ones, who are those heard last. */
bool sl_senders_end(sl_senders *senders, const char *port);

#endif
