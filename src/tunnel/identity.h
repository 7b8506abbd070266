/* tunnel: the user's secrets: private keys and passwords. They are read, or asked for, once in a
 * tunnel's life, and wiped at its end. */
#ifndef TUNNEL_IDENTITY_H
#define TUNNEL_IDENTITY_H

#include "tunnel/plan.h"

#include <libssh/libssh.h>

#define SL_SECRET_MAX 1024

typedef struct sl_identity {
    const sl_tunnel_plan *plan; /* borrowed */
    ssh_key key;                /* the one that was asked for, or that was accepted; may be NULL */
    char key_path[512];         /* where it came from */
    bool has_password;
    char password[SL_SECRET_MAX];
} sl_identity;

/* Why a key could not be had. */
typedef enum sl_key_trouble {
    SL_KEY_FINE,
    SL_KEY_MISSING,    /* there is no such file */
    SL_KEY_BAD,        /* unreadable, open to others, or not a private key */
    SL_KEY_ENCRYPTED,  /* it needs a passphrase that nobody gave */
    SL_KEY_PASSPHRASE, /* the passphrase is wrong */
} sl_key_trouble;

/* Reads a private key; when it needs a passphrase, from the plan's file, or by asking when `ask`.
 * Anything but SL_KEY_FINE leaves a sentence in sl_error(). */
sl_key_trouble sl_identity_read_key(sl_identity *identity, const char *path, bool ask,
                                    ssh_key *key);

/* The password: given, from its file, or asked for when that is "-". NULL with SL_OK when there is
 * none; SL_EAUTH when it can't be had. */
int sl_identity_password(sl_identity *identity, const char **password);

/* Asks a person; SL_EAUTH when nobody can be asked. */
int sl_identity_ask(const sl_identity *identity, const char *prompt, bool echo, char *answer,
                    size_t size);

void sl_identity_finish(sl_identity *identity);

#endif
