/* tunnel: how a camera that was invited calls itself: the name that it logs in with, once, holds
 * the key that is to be let in from then on. The token signs that name with the rest of the log-in,
 * so nobody in between could put another key there. */
#ifndef TUNNEL_JOINER_H
#define TUNNEL_JOINER_H

#include <libssh/libssh.h>
#include <stdbool.h>

#define SL_JOINER_MAX 256 /* the name with its NUL */

typedef struct sl_joiner {
    ssh_key key;   /* its own, public; ed25519 */
    char name[64]; /* of the camera, as it says: letters, digits, '.', '_' and '-'; or "" */
} sl_joiner;

/* Writes "join:" KEY [":" NAME]; letters of `name` that can't stand there are left out. SL_ENOMEM.
 */
int sl_joiner_write(char user[SL_JOINER_MAX], ssh_key key, const char *name);

/* Whether a user name is such a one, be it right or wrong. */
bool sl_joiner_is(const char *user);

/* Reads it. The caller frees the key. SL_EINVAL. */
int sl_joiner_read(const char *user, sl_joiner *joiner);

#endif
