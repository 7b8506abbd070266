/* tunnel: what a client of the gate asks for, and the answers. */
#ifndef TUNNEL_GATE_LOGIN_H
#define TUNNEL_GATE_LOGIN_H

#include "tunnel/gate_client.h"

/* Has libssh ask us about log-ins and channels. Whatever else a client wants libssh refuses. */
int sl_gate_login_init(sl_gate_client *client);

#endif
