/* tunnel: the gate's own host key. */
#ifndef TUNNEL_GATE_KEY_H
#define TUNNEL_GATE_KEY_H

#include <libssh/libssh.h>

/* Reads the ed25519 key from a file that only its owner may read, or makes both when there is none.
 * The caller frees the key. SL_EINVAL for a file that is no such key or open to others, SL_ESYSTEM,
 * SL_ENOMEM. */
int sl_gate_key_get(ssh_key *key, const char *path);

#endif
