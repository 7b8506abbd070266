/* tunnel: keys of our own: the gate's host key, and the one that a paired camera logs in with. */
#ifndef TUNNEL_OWN_KEY_H
#define TUNNEL_OWN_KEY_H

#include <libssh/libssh.h>

/* Reads the ed25519 key from a file that only its owner may read, or makes both when there is none.
 * `what` is the key's name in sentences: "the gate's host key". The caller frees the key. SL_EINVAL
 * for a file that is no such key or open to others, SL_ESYSTEM, SL_ENOMEM. */
int sl_own_key_get(ssh_key *key, const char *path, const char *what);

#endif
