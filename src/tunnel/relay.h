/* tunnel: the relay. Who comes to the port at an SSH server through the user's ssh is brought to a
 * socket of ours, joined with the link there, and what the link gets is metered. Belongs to the
 * tunnel's thread and never blocks. */
#ifndef TUNNEL_RELAY_H
#define TUNNEL_RELAY_H

#include "tunnel/backend.h"

#include <poll.h>

#define SL_RELAY_MOST   16                      /* connections at once */
#define SL_RELAY_POLLED (1 + 2 * SL_RELAY_MOST) /* descriptors that it waits for, at most */

typedef struct sl_relay_joint sl_relay_joint; /* one connection: ssh's end, the link's, and what is
                                                 on its way between them */

typedef struct sl_relay {
    sl_tunnel_job *job;    /* borrowed */
    int listener;          /* at the job's relay_path; -1: it was not started */
    int64_t rest_until_us; /* before then nobody is taken in */
    sl_relay_joint *joints[SL_RELAY_MOST];
} sl_relay;

/* Listens. SL_ESYSTEM. */
int sl_relay_start(sl_relay *relay, sl_tunnel_job *job);

/* Fills in all of what poll() is to wait for. */
void sl_relay_watch(const sl_relay *relay, struct pollfd polled[SL_RELAY_POLLED]);

/* Milliseconds until it has to be asked what it waits for anew; -1: it need not. */
int sl_relay_timeout_ms(const sl_relay *relay);

/* Goes on with what poll() found: takes in who has come, and moves bytes and ends. */
void sl_relay_work(sl_relay *relay, const struct pollfd polled[SL_RELAY_POLLED]);

/* Closes all of its connections and its socket. Safe when it was not started. */
void sl_relay_finish(sl_relay *relay);

#endif
