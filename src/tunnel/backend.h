/* tunnel: what the supervisor and a back-end promise each other.
 *
 * The supervisor decides when to connect and what a failure means; a back-end knows how. All its
 * functions are called on the tunnel's thread. */
#ifndef TUNNEL_BACKEND_H
#define TUNNEL_BACKEND_H

#include "base/event.h"
#include "base/log.h"
#include "base/network.h"
#include "base/resolve.h"
#include "tunnel/plan.h"

#include <pthread.h>
#include <stdatomic.h>

/* One tunnel's work, shared by the supervisor, its back-end and the tunnel's owner. */
typedef struct sl_tunnel_job {
    sl_tunnel_plan plan;
    char socket_path[108];      /* where the link finds the tunnel while it is up; inward: the
                                   back-end's own */
    char relay_path[108];       /* inward, where ssh leads who comes to the port */
    sl_network network;         /* the tunnel's thread's: has it changed? */
    struct addrinfo *addresses; /* of the SSH host, as last told; sl_dial()'s */
    sl_resolver *resolver;      /* that is looking for newer ones, also sl_dial()'s; NULL: none */
    int64_t connected_us; /* the tunnel's thread's: no earlier did the server have its connection */
    sl_cancel *stop;      /* triggered to end it; ends every wait */
    atomic_int linger_ms; /* how long bytes may still leave after that */
    atomic_bool ending;   /* a loss is no trouble any more */
    atomic_size_t held;   /* bytes of the link's that libssh has yet to write, about */
    atomic_int port;      /* inward: where the server listens; 0: not known yet */
    sl_log_limit full;    /* the tunnel's thread's: of lines about those turned away */

    pthread_mutex_t lock;    /* guards what stands below */
    sl_tunnel_status status; /* for the owner */
    bool was_up;             /* at least once */
    sl_tunnel *outer;        /* the way to the SSH server, through the last jump host; NULL: none.
                                The tunnel's thread's, which needs no lock to read it */
    sl_event ready;          /* set once it was up, or never will be */
    sl_event usable;         /* set while it is up, and once it has failed for good */
    int agent_fd;            /* shut down when it is to stop: the one call that can't be cancelled
                                otherwise waits for an answer there; -1: none */
    int carrier_fd;          /* the connection to the SSH server, while it carries; -1: none */
} sl_tunnel_job;

/* Tells the owner which state it is in and why, and logs a change. NULL: all is well when it is up;
 * before, the reason why it went down, or could not be reached, stands until it is up. It is up
 * when the job's socket takes connections: that is what the owner waits for at first. */
void sl_tunnel_report(sl_tunnel_job *job, sl_tunnel_state state, const char *reason);

/* Says once that nobody listens at the far end, for which sl_error() has the sentence, and once
 * that somebody does. `unheard` is the back-end's memory of it; `up`: it was reported already. */
void sl_tunnel_tell_heard(sl_tunnel_job *job, bool *unheard, bool heard, bool up);

/* Tells the witness, if there is one. */
void sl_tunnel_tell(const sl_tunnel_job *job, sl_tunnel_fact fact, const char *text);

typedef struct sl_tunnel_backend {
    const char *name;

    /* Makes the back-end's state, which lasts as long as the tunnel. The job is borrowed.
     * SL_EUNSUPPORTED when this back-end can't work here, SL_EINVAL when it can't do the job. */
    int (*open)(void **state, sl_tunnel_job *job);

    /* Sets the connection up until it is known that forwarding is allowed, and inward until the
     * server listens. SL_EUNREACHABLE, SL_EAUTH, SL_EHOSTKEY, SL_EFORWARD, SL_ECANCELED, …;
     * leaves nothing behind then. */
    int (*connect)(void *state);

    /* Makes the job's socket (inward there is none), reports that it is up, and carries what comes
     * there until told to stop (SL_OK) or until the connection is lost (SL_EUNREACHABLE, …). The
     * connection and the socket are gone afterwards. */
    int (*carry)(void *state);

    void (*close)(void *state);
} sl_tunnel_backend;

extern const sl_tunnel_backend sl_tunnel_libssh, sl_tunnel_openssh;

#endif
