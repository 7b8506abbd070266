/* tunnel: the port on which the SSH server listens for a viewer, and what is said of it. Used by
 * both back-ends, on the tunnel's thread. */
#ifndef TUNNEL_FAR_PORT_H
#define TUNNEL_FAR_PORT_H

#include "tunnel/backend.h"

/* The one that the server listened on before, or else the one that was asked for; 0: any. */
int sl_far_port_wanted(const sl_tunnel_job *job);

/* Where at the server somebody who holds the port is looked for. */
const char *sl_far_port_host(const sl_tunnel_job *job);

/* Somebody else has it. SL_EFORWARD, or SL_EINUSE, which passes, once the tunnel was up. */
int sl_far_port_fail_held(const sl_tunnel_job *job);

/* The same codes, when nobody is seen to have it: once it was allowed, it is no less likely that
 * somebody holds it. */
int sl_far_port_fail_refused(const sl_tunnel_job *job);

/* Which of the connections that were heard at these times has brought nothing for longest, if that
 * is long enough to make way for another; -1: none. */
int sl_far_port_find_idle(const int64_t heard_us[], int count);

/* Somebody came to the port while `most` connections are open: says that he is turned away, or that
 * one that is idle was ended for him. */
void sl_far_port_tell_full(sl_tunnel_job *job, int most, bool one_made_way);

/* Says that it is waited for, and that the port is held; who examines the way is told where its
 * holder is to be found. */
void sl_far_port_tell_waiting(sl_tunnel_job *job);

/* The server listens on this port. The first time it looks whether others reach it, at the
 * server's address in numbers ("": it isn't known, as behind a jump host), and warns if they are
 * refused. At a loopback address it can't be seen. */
void sl_far_port_take(sl_tunnel_job *job, int port, const char *address);

#endif
