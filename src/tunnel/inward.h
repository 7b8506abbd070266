/* tunnel: the inward direction. The SSH server listens, and each connection that it gets there
 * comes back to us as a channel, and on to the link. Belongs to the tunnel's thread. */
#ifndef TUNNEL_INWARD_H
#define TUNNEL_INWARD_H

#include "tunnel/pump.h"

/* Asks the server to listen at the plan's address and port, or at the port that it picked before;
 * from then on the pump takes the channels of that port, as many as it has places for. The first
 * time it also looks whether it is really the server that listens there, and whether others reach
 * that port, and warns if they are refused. A port that is held is asked for again until the
 * deadline. SL_OK; SL_EFORWARD when the server doesn't allow
 * that, or, once the tunnel has been up, SL_EINUSE, which passes; SL_EUNREACHABLE, SL_ECANCELED. */
int sl_inward_listen(sl_pump *pump, int64_t deadline_us);

#endif
