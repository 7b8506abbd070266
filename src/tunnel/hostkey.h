/* tunnel: whether a host key is the right one. */
#ifndef TUNNEL_HOSTKEY_H
#define TUNNEL_HOSTKEY_H

#include "tunnel/plan.h"

#include <libssh/libssh.h>

#define SL_HOST_KEY_FAMILIES 3 /* ed25519, ECDSA, RSA */

/* The host key algorithms to offer: those that are known for the host come first. */
int sl_host_key_algorithms(const sl_tunnel_plan *plan, char *algorithms, size_t size);

/* The algorithms of one family, 0 to SL_HOST_KEY_FAMILIES - 1; and which one a key belongs to, or
 * -1. */
const char *sl_host_key_family(int family);
int sl_host_key_family_of(ssh_key key);

/* Compares the server's key with the pinned one, or else looks it up and, when the plan says so,
 * remembers it. SL_EHOSTKEY with fingerprints and what to do; SL_ENOMEM. */
int sl_host_key_check(const sl_tunnel_plan *plan, ssh_key key);

#endif
