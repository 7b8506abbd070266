/* tests: a server and who listens behind it, ready for tunnels. Any failure ends the test. */
#ifndef TESTS_UNIT_TUNNEL_SERVED_H
#define TESTS_UNIT_TUNNEL_SERVED_H

#include "echo.h"
#include "sshd.h"
#include "tunnel/tunnel.h"

#define PATIENCE_MS 60000 /* for what a tunnel must do */

extern struct sshd server;
extern struct echo behind;

/* Start and stop both: set-up and tear-down for cmocka. */
int start_served(void **state);
int stop_served(void **state);

/* Opens a tunnel through the server. */
sl_tunnel *open_tunnel(const sl_tunnel_target *target, sl_ssh_backend backend);

/* Waits until a tunnel is up and has come back so often. */
void wait_reconnects(sl_tunnel *tunnel, uint64_t times);

#endif
