/* tunnel: moving bytes between the local end and the SSH session, in one loop on the tunnel's
 * thread. */
#ifndef TUNNEL_PUMP_H
#define TUNNEL_PUMP_H

#include "base/congestion.h"
#include "tunnel/alive.h"
#include "tunnel/forward.h"

#define SL_FORWARDS_MOST 17 /* connections at once; more wait to be accepted */

typedef struct sl_pump {
    sl_session *session; /* borrowed */
    sl_alive alive;
    sl_congestion congestion;
    sl_forward forwards[SL_FORWARDS_MOST];
    int listener;        /* -1 while the tunnel is not up */
    int64_t rest_us;     /* before then nobody is accepted there */
    sl_meter *meter;     /* of all connections that came there, while there may be some */
    int64_t asked_us;    /* when the channel that is being opened was asked for */
    int64_t open_at_us;  /* not before then is a channel asked for again */
    bool unheard;        /* nobody listened at the far end when last tried */
    uint64_t hold_until; /* libssh's count of bytes sent; before, it sits on what it was given */
    int64_t keys_us;     /* since when it sits on it, or takes nothing; 0: it doesn't */
    size_t chunk;        /* handed to libssh at once: what the path takes in a few milliseconds */
    int64_t handed_us;   /* when the last one was; 0: it has left */
} sl_pump;

void sl_pump_init(sl_pump *pump, sl_session *session);

/* Asks for a first channel to learn whether forwarding is allowed; it is kept for the first local
 * connection. SL_OK also when nobody listens at the far end, or when the server doesn't say
 * before the deadline. SL_EFORWARD, SL_EUNREACHABLE, SL_ECANCELED, SL_ENOMEM. */
int sl_pump_probe(sl_pump *pump, int64_t deadline_us);

/* Listens and carries until told to stop (SL_OK; what was taken has left, or the time for that was
 * over) or until the connection is lost or useless (a negative code). */
int sl_pump_run(sl_pump *pump);

/* Closes all connections and the local end. */
void sl_pump_finish(sl_pump *pump);

#endif
