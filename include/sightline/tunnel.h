/* The SSH session that carries the link. */
#ifndef SIGHTLINE_TUNNEL_H
#define SIGHTLINE_TUNNEL_H

#include <sightline/settings.h>

typedef enum sl_tunnel_state {
    SL_TUNNEL_NONE, /* there is no tunnel */
    SL_TUNNEL_RESOLVING,
    SL_TUNNEL_CONNECTING,
    SL_TUNNEL_VERIFYING,
    SL_TUNNEL_AUTHENTICATING,
    SL_TUNNEL_FORWARDING,
    SL_TUNNEL_UP,
    SL_TUNNEL_WAITING, /* for the next try */
} sl_tunnel_state;

/* "connecting"; never NULL, static. */
SL_API const char *sl_tunnel_state_name(sl_tunnel_state state);

typedef enum sl_host_key_policy {
    SL_HOST_KEY_STRICT,
    SL_HOST_KEY_ACCEPT_NEW,
} sl_host_key_policy;

typedef enum sl_ssh_backend {
    SL_SSH_LIBSSH,  /* in this process */
    SL_SSH_OPENSSH, /* the user's own ssh, with its configuration; never asks, takes no password */
} sl_ssh_backend;

/* Asks a person for a secret. `prompt` ends with a colon. Writes a NUL-ended answer into `answer`
 * and returns 0, or a negative code when nobody can be asked. Called on a thread of the tunnel's.
 */
typedef int sl_ask_function(void *user, const char *prompt, bool echo, char *answer, size_t size);

/* The part of a sender's or receiver's settings that concerns the tunnel. */
typedef struct sl_tunnel_settings {
    const char *destination;     /* [USER@]HOST[:PORT], IPv6 in brackets; NULL: no tunnel */
    const char *password;        /* NULL: none */
    const char *password_file;   /* first line of the file; "-": ask */
    const char *key_file;        /* NULL: agent and default keys */
    const char *passphrase_file; /* for the key; NULL: ask if it needs one */
    const char *host_key;        /* "SHA256:…": the only key accepted */
    sl_host_key_policy host_key_policy;
    const char *known_hosts; /* NULL: the user's, the system's, and Sightline's own */
    int connect_timeout_s;   /* to a server that answers, keys exchanged; 8 */
    int alive_timeout_s;     /* of silence, though asked: then the connection is lost; 5 */
    sl_ask_function *ask;    /* NULL: never asks */
    void *ask_user;
    const char *ssh_config; /* SL_SSH_OPENSSH: instead of the user's and the system's */
    sl_ssh_backend backend;
    bool persist; /* wait for what is usually the end: an unreachable host at first, a refusal */

    /* SSH servers to go through first, in order, each logged in to from the one before it:
     * "[USER@]HOST[:PORT],…", at most 8; NULL: none. Their host keys have to be known; host_key is
     * the destination's alone, and so is the password, unless it is asked for. */
    const char *jump;
    const char *jump_keys; /* a private key file for each, "FILE,…", an empty one for the usual
                              keys; NULL: key_file for all. With SL_SSH_LIBSSH */
    void *reserved[12];
} sl_tunnel_settings;

#endif
