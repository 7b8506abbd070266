/* tunnel: a connection to the SSH server, fit for carrying video: TCP, or through jump hosts. */
#ifndef TUNNEL_DIAL_H
#define TUNNEL_DIAL_H

#include "tunnel/backend.h"

/* Resolves the job's SSH host and connects to whichever of its addresses answers first, reporting
 * both states; or connects by the way that jump hosts have made, who do the same there. An address
 * that is silent is tried anew each second, beside the others, so that a path that comes back is
 * found at once; where name servers are slow, those that the host had are tried meanwhile. The
 * descriptor is non-blocking; what it sends has to be acknowledged within 2 s until somebody says
 * otherwise (TCP_USER_TIMEOUT). SL_EUNREACHABLE says which port of which host is closed, filtered
 * or out of reach; SL_ECANCELED, SL_ESYSTEM. */
int sl_dial(int *descriptor, sl_tunnel_job *job, int64_t deadline_us);

/* Forgets what sl_dial() keeps in the job: the host's addresses, and who looks for them. */
void sl_dial_forget(sl_tunnel_job *job);

/* Sets a TCP connection up for video: small packets leave at once, and a dead peer is noticed. */
void sl_dial_tune(int descriptor);

#endif
