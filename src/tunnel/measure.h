/* tunnel: measuring the way to the SSH server. Used by the libssh back-end when somebody examines
 * the way, on the tunnel's thread. */
#ifndef TUNNEL_MEASURE_H
#define TUNNEL_MEASURE_H

#include "tunnel/session.h"

/* Measures over a session that is logged in and carries nothing yet, in about a second, with
 * messages that every server has to take and to forget (SSH_MSG_IGNORE) or to answer: the far end
 * of the tunnel notices nothing. SL_EUNREACHABLE, SL_ECANCELED, SL_ENOMEM. */
int sl_measure(sl_session *session, sl_tunnel_measures *measures);

#endif
