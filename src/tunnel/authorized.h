/* tunnel: who may come through the gate: a file of public keys, as sshd reads it. */
#ifndef TUNNEL_AUTHORIZED_H
#define TUNNEL_AUTHORIZED_H

#include "tunnel/gate.h"

#include <libssh/libssh.h>
#include <stddef.h>
#include <stdio.h>

/* Reads one line (tidies it): the key, and how its owner called it; `link` is what it is to be
 * forwarded to. SL_OK; SL_EAGAIN for a line without a key (empty, a comment); SL_EINVAL for one
 * that is not to be used, with the reason: it is malformed, or has an option that the gate can't
 * keep, such as from=, or one that forbids what the gate does. The caller frees the key, which is
 * NULL unless the line has one that can be read. */
int sl_authorized_parse(char *line, const sl_gate_target *link, ssh_key *key, char *comment,
                        size_t size);

/* Opens the file. SL_EINVAL, SL_ESYSTEM when it can't be had or could have been written by somebody
 * else. The caller closes it. */
int sl_authorized_open(FILE **file, const char *path);

/* Whether a file could be put there that would be read: its folder is there, we may write to it,
 * and nobody else. SL_EINVAL, SL_ESYSTEM. */
int sl_authorized_check_place(const char *path);

/* Whether getline() has come to the file's end: SL_ESYSTEM when it failed before. */
int sl_authorized_check_end(FILE *file, const char *path);

/* Looks for a key in the file, which is read anew each time. SL_OK with its comment; SL_EAUTH when
 * it is not there; SL_EINVAL, SL_ESYSTEM when the file can't be had or could have been written by
 * somebody else. Lines that are not to be used are logged. */
int sl_authorized_look(const char *path, const sl_gate_target *link, ssh_key key, char *comment,
                       size_t size);

/* Adds a line for a key that may forward and nothing else, and makes the file (0600) if there is
 * none; does nothing when the key is let in already. Who reads meanwhile finds the file as it was
 * or as it is to be. SL_EINVAL, SL_ESYSTEM as above, SL_ENOMEM. */
int sl_authorized_add(const char *path, const sl_gate_target *link, ssh_key key,
                      const char *comment);

/* Whether it could be added to, or made, now. SL_EINVAL, SL_ESYSTEM as above, SL_ENOMEM. */
int sl_authorized_ready(const char *path);

/* Takes out every line whose key has this fingerprint ("SHA256:…"). SL_EAUTH when there is none. */
int sl_authorized_remove(const char *path, const sl_gate_target *link, const char *fingerprint);

/* One line with a key, or with something that was meant to be one. */
typedef struct sl_authorized_line {
    char fingerprint[64]; /* "" where there is no key */
    char comment[160];
    char problem[512]; /* why it lets nobody in; "": it does */
} sl_authorized_line;

/* Tells each of them, in order. A file that is not there has none. SL_EINVAL, SL_ESYSTEM as above.
 */
int sl_authorized_each(const char *path, const sl_gate_target *link,
                       void (*tell)(void *user, const sl_authorized_line *line), void *user);

#endif
