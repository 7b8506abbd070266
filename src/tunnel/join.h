/* tunnel: accepting an invitation: handing a camera's key over to the viewer's gate. */
#ifndef TUNNEL_JOIN_H
#define TUNNEL_JOIN_H

#include "tunnel/invitation.h"

#include <sightline/cancel.h>

/* Connects to the gate, verifies its host key, and only then has the token sign that `own` is to be
 * let in from now on. `name` is what the viewer is to call this camera. Waits for the answer;
 * `cancel` (may be NULL) ends it. SL_EHOSTKEY, SL_EUNREACHABLE, SL_ECANCELED, SL_ENOMEM; SL_EAUTH
 * with the gate's words when the invitation was used, is old or unknown. */
int sl_join(const sl_invitation_parts *invitation, ssh_key own, const char *name,
            sl_cancel *cancel);

#endif
