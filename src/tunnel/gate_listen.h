/* tunnel: where the gate listens. Called by whoever opens and closes it. */
#ifndef TUNNEL_GATE_LISTEN_H
#define TUNNEL_GATE_LISTEN_H

#include "tunnel/gate.h"

#define SL_GATE_LISTENERS_MOST 16 /* addresses of one name; further ones are left out */

/* Zeroed: it listens nowhere. */
typedef struct sl_gate_listeners {
    int descriptors[SL_GATE_LISTENERS_MOST]; /* non-blocking */
    int count;
} sl_gate_listeners;

/* Listens at [ADDR:]PORT: at every interface, or at each address that ADDR has on this machine, and
 * fills in the place's address and port. SL_EINVAL, SL_EINUSE, SL_ESYSTEM, SL_ECANCELED. */
int sl_gate_listen(sl_gate_listeners *listeners, const char *place_text, sl_gate_place *place,
                   const sl_cancel *cancel);

void sl_gate_stop_listening(sl_gate_listeners *listeners);

#endif
