/* tunnel: the token of an invitation. It is an ed25519 key that logs in once: who was invited signs
 * with it, so that the secret itself is never sent, and the gate keeps its public half alone. */
#ifndef TUNNEL_TOKEN_H
#define TUNNEL_TOKEN_H

#include "base/base64.h"

#include <libssh/libssh.h>

#define SL_TOKEN_BYTES   64 /* RFC 8032's secret, then the public key */
#define SL_TOKEN_LETTERS SL_BASE64_LENGTH(SL_TOKEN_BYTES)

/* Makes a new one, as text to hand on and as the key it stands for. The caller frees the key and
 * wipes the text. SL_ESYSTEM. */
int sl_token_make(char text[SL_TOKEN_LETTERS + 1], ssh_key *key);

/* Reads exactly SL_TOKEN_LETTERS letters. The caller frees the key. SL_EINVAL. */
int sl_token_read(const char *text, ssh_key *key);

#endif
