/* tunnel: a connection to the SSH server, fit for carrying video: TCP, or through jump hosts. */
#ifndef TUNNEL_DIAL_H
#define TUNNEL_DIAL_H

#include "tunnel/backend.h"

/* Resolves the job's SSH host and connects to the first of its addresses that answers, reporting
 * both states; or connects by the way that jump hosts have made, who do the same there. The
 * descriptor is non-blocking. SL_EUNREACHABLE says which port of which host is closed, filtered or
 * out of reach; SL_ECANCELED, SL_ESYSTEM. */
int sl_dial(int *descriptor, sl_tunnel_job *job, int64_t deadline_us);

/* Sets a TCP connection up for video: small packets leave at once, and a dead peer is noticed. */
void sl_dial_tune(int descriptor);

#endif
