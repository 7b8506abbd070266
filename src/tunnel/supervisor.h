/* tunnel: the thread that sets a tunnel up, and up again, until it is told to stop. */
#ifndef TUNNEL_SUPERVISOR_H
#define TUNNEL_SUPERVISOR_H

#include "tunnel/backend.h"

typedef struct sl_tunnel_supervisor {
    const sl_tunnel_backend *backend; /* the one in use */
    sl_tunnel_job job;
    sl_event failed;    /* set once it has failed for good */
    int first;          /* how the first attempt ended; read it after `job.ready` */
    char sentence[512]; /* of the failure that ended it; read it after that, or `failed` */
} sl_tunnel_supervisor;

/* The thread's function; the argument is a supervisor. */
void sl_tunnel_supervise(void *argument);

#endif
