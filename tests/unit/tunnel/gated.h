/* tests: a gate with a key that opens it, one that doesn't, and who listens behind it. Any failure
 * ends the test. */
#ifndef TESTS_UNIT_TUNNEL_GATED_H
#define TESTS_UNIT_TUNNEL_GATED_H

#include "sshd.h"
#include "tunnel/gate.h"
#include "tunnel/tunnel.h"

#define LINK_PORT 5555
#define FEW       4 /* gate_max_unauthenticated */

extern struct sshd files; /* no server: sshd_path() alone is used, for "id", "other" and "keys" */
extern sl_gate *gate;
extern sl_gate_place place;

/* Make the folder and its keys, and remove it: set-up and tear-down of a group. */
int prepare_files(void **state);
int remove_files(void **state);

/* Defaults, as a receiver's init fills them in, but for the place, the file of keys, and FEW. */
sl_gate_settings usual_gate(void);

/* Opens the gate, and has somebody listen behind it. */
void open_gate(const sl_gate_settings *settings);

/* Open and close both, with the usual settings: set-up and tear-down of a test. */
int start_gate(void **state);
int stop_gate(void **state);

/* The settings of a tunnel through the gate. They point to `key` and into static memory. */
sl_tunnel_settings gate_login(const char *key);

#endif
