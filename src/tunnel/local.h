/* tunnel: the local end: a Unix socket in a private directory. Outward it is the tunnel's, and
 * there only while the tunnel is up; inward it is the link's. */
#ifndef TUNNEL_LOCAL_H
#define TUNNEL_LOCAL_H

/* Listens at `path`, replacing what is there. Non-blocking. SL_ESYSTEM. */
int sl_local_listen(int *descriptor, const char *path);

/* Takes a connection, non-blocking; -1 when none is there. */
int sl_local_accept(int descriptor);

/* Connects to who listens at `path`, non-blocking and ready to be metered; -1 when nobody does or
 * has room now. */
int sl_local_connect(const char *path);

/* Stops listening and removes the socket; -1 is fine. */
void sl_local_close(int *descriptor, const char *path);

#endif
