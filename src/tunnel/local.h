/* tunnel: the local end: a Unix socket in a private directory. Outward it is the tunnel's, and
 * there only while the tunnel is up; inward it is the link's. */
#ifndef TUNNEL_LOCAL_H
#define TUNNEL_LOCAL_H

#include "base/meter.h"

#include <stdint.h>
#include <sys/types.h>

/* Listens at `path`, replacing what is there. Non-blocking. SL_ESYSTEM. */
int sl_local_listen(int *descriptor, const char *path);

/* Takes a connection, non-blocking; -1 when none is there, or can't be had: then `rest_until_us` is
 * set to when it is worth asking again, since poll() would tell of it all the time. */
int sl_local_accept(int descriptor, int64_t *rest_until_us);

/* Connects to who listens at `path`, non-blocking and ready to be metered; -1 when nobody does or
 * has room now. */
int sl_local_connect(const char *path);

/* Hands bytes to a connected one, and to the meter of what it takes (NULL: nobody counts): how many
 * it took, 0 when it is full, -1 when it has gone. */
ssize_t sl_local_give(int descriptor, const char *bytes, size_t size, sl_meter *meter);

/* Stops listening and removes the socket; -1 is fine. */
void sl_local_close(int *descriptor, const char *path);

#endif
