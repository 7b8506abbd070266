/* tunnel: who may come through the gate: a file of public keys, as sshd reads it. */
#ifndef TUNNEL_AUTHORIZED_H
#define TUNNEL_AUTHORIZED_H

#include "tunnel/gate.h"

#include <libssh/libssh.h>
#include <stddef.h>

/* Reads one line (tidies it): the key, and how its owner called it; `link` is what it is to be
 * forwarded to. SL_OK; SL_EAGAIN for a line without a key (empty, a comment); SL_EINVAL for one
 * that is not to be used, with the reason: it is malformed, or has an option that the gate can't
 * keep, such as from=, or one that forbids what the gate does. The caller frees the key. */
int sl_authorized_parse(char *line, const sl_gate_target *link, ssh_key *key, char *comment,
                        size_t size);

/* Looks for a key in the file, which is read anew each time. SL_OK with its comment; SL_EAUTH when
 * it is not there; SL_EINVAL, SL_ESYSTEM when the file can't be had or could have been written by
 * somebody else. Lines that are not to be used are logged. */
int sl_authorized_look(const char *path, const sl_gate_target *link, ssh_key key, char *comment,
                       size_t size);

#endif
