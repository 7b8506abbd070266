/* tunnel: the one session that a client of the gate may have. Nothing runs in it and nothing that
 * it asks for is granted: it is a pause that ends. */
#ifndef TUNNEL_GATE_PAUSE_H
#define TUNNEL_GATE_PAUSE_H

#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sl_gate_pause {
    ssh_channel channel; /* the SSH session's, which frees it; NULL: none yet */
    struct ssh_channel_callbacks_struct callbacks;
    int64_t until_us; /* when it ends; 0: not begun, or over */
} sl_gate_pause;

/* Grants the session that a message asks for. False: it is to be refused. */
bool sl_gate_pause_grant(sl_gate_pause *pause, ssh_message message);

/* Begins the pause if that is what a message asks for, which then gets no answer. False: it is
 * something else, to be refused. */
bool sl_gate_pause_begin(sl_gate_pause *pause, ssh_message message);

/* Milliseconds until its end; -1: no end is near. */
int sl_gate_pause_remaining_ms(const sl_gate_pause *pause);

/* Ends it when it is time. */
void sl_gate_pause_check(sl_gate_pause *pause);

#endif
