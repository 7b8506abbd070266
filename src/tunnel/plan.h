/* tunnel: what a tunnel is to do, copied from its settings and checked, so that it can be done
 * again and again. Written once, before the tunnel's thread starts; read-only from then on. */
#ifndef TUNNEL_PLAN_H
#define TUNNEL_PLAN_H

#include "tunnel/tunnel.h"

typedef struct sl_tunnel_plan {
    sl_tunnel_settings settings;    /* its strings are ours */
    sl_ssh_destination destination; /* with the user filled in */
    char name[384];                 /* "user@host port 22", for sentences; as it was given when
                                       the rest is the back-end's to look up */
    char *target_host;              /* as seen from the SSH server */
    int target_port;
    char *link_path;                  /* inward: the link's socket; NULL: outward */
    bool jump;                        /* this SSH server is a jump host on the way to another */
    sl_cancel *failed;                /* borrowed; NULL: none */
    const sl_tunnel_witness *witness; /* or NULL */
} sl_tunnel_plan;

/* Copies and checks. SL_EINVAL, SL_ENOMEM. */
int sl_tunnel_plan_init(sl_tunnel_plan *plan, const sl_tunnel_settings *settings,
                        const sl_tunnel_target *target);

/* SL_EFORWARD and SL_EPEER, in sentences with the server's words: it does not allow forwarding to
 * the target; nobody listens there. The same code when the server has told neither in time. */
int sl_tunnel_plan_fail_refused(const sl_tunnel_plan *plan, const char *words);
int sl_tunnel_plan_fail_unheard(const sl_tunnel_plan *plan, const char *words);
int sl_tunnel_plan_fail_silent(const sl_tunnel_plan *plan);

/* Frees the copies, secrets wiped. Safe on a zeroed plan. */
void sl_tunnel_plan_finish(sl_tunnel_plan *plan);

#endif
