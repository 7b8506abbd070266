/* tunnel: looking at a port from the SSH server itself, through channels that lead there. Used by
 * the inward direction, on the tunnel's thread, while nothing else uses the session. */
#ifndef TUNNEL_LOOK_H
#define TUNNEL_LOOK_H

#include "tunnel/session.h"

/* Whether somebody listens there. False also when the server doesn't say so before the deadline. */
bool sl_look_somebody_listens(sl_session *session, const char *host, int port, int64_t deadline_us);

/* Whether it is the server itself that listens on this port for us. It says so as soon as it got
 * one of its addresses, and another program may have the other: so a connection is made to each of
 * its loopback addresses, which has to come back to us as a channel. SL_OK, also when the server
 * lets nobody look; SL_EFORWARD, in a sentence, when somebody else answers; SL_EUNREACHABLE,
 * SL_ECANCELED, SL_ENOMEM. */
int sl_look_whether_ours(sl_session *session, int port, int64_t deadline_us);

#endif
