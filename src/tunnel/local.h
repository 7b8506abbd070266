/* tunnel: the local end: a Unix socket in the tunnel's private directory, which is there only
 * while the tunnel is up. */
#ifndef TUNNEL_LOCAL_H
#define TUNNEL_LOCAL_H

/* Listens at `path`, replacing what is there. Non-blocking. SL_ESYSTEM. */
int sl_local_listen(int *descriptor, const char *path);

/* Takes a connection, non-blocking; -1 when none is there. */
int sl_local_accept(int descriptor);

/* Stops listening and removes the socket; -1 is fine. */
void sl_local_close(int *descriptor, const char *path);

#endif
