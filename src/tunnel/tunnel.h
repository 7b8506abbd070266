/* tunnel: the SSH session that carries the link. All of SSH lives in this room.
 *
 * A tunnel is one thread that owns the session and its channels and pumps bytes between a Unix
 * socket in a private directory (0700) and a place as seen from the SSH server. It knows nothing
 * of what it carries. */
#ifndef TUNNEL_TUNNEL_H
#define TUNNEL_TUNNEL_H

#include <sightline/cancel.h>
#include <sightline/tunnel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options of sl_tunnel_settings (ssh_tunnel_mode, ssh_tunnel_pwd, ssh_tunnel_keyfile,
 * ssh_password_file, ssh_passphrase_file, ssh_host_key, ssh_host_key_policy, ssh_known_hosts,
 * ssh_connect_timeout). */
extern const sl_option sl_tunnel_options[];
extern const size_t sl_tunnel_option_count;

typedef struct sl_tunnel sl_tunnel;

/* What is learnt on the way up, for whoever examines it. */
typedef enum sl_tunnel_fact {
    SL_TUNNEL_ADDRESS,  /* of the SSH server: "192.0.2.1" */
    SL_TUNNEL_SERVER,   /* how it greets: "SSH-2.0-OpenSSH_9.2p1" */
    SL_TUNNEL_HOST_KEY, /* "SHA256:…" */
    SL_TUNNEL_METHODS,  /* of logging in, that it takes: "publickey, password" */
    SL_TUNNEL_FACTS,
} sl_tunnel_fact;

/* Who is told of it, on the tunnel's thread, until the tunnel is up for the first time. */
typedef struct sl_tunnel_witness {
    void (*state)(void *user, sl_tunnel_state state);
    void (*fact)(void *user, sl_tunnel_fact fact, const char *text);
    void *user;
} sl_tunnel_witness;

typedef struct sl_tunnel_target {
    const char *host; /* as seen from the SSH server */
    int port;
    const sl_tunnel_witness *witness; /* NULL: nobody; borrowed for the tunnel's life */
} sl_tunnel_target;

typedef struct sl_tunnel_status {
    sl_tunnel_state state;
    char reason[256];    /* why it is in that state; "" when all is well */
    uint64_t reconnects; /* times it was up again after having been up */
    int failure;         /* SL_OK, or the code that ended it for good, with `reason` */
} sl_tunnel_status;

/* A parsed [USER@]HOST[:PORT]; IPv6 in brackets, or bare without a port. */
typedef struct sl_ssh_destination {
    char user[64]; /* "" when not given: the login name */
    char host[256];
    int port;
} sl_ssh_destination;

/* SL_EINVAL with what is wrong. */
int sl_ssh_destination_parse(const char *text, sl_ssh_destination *destination);

/* Opens the tunnel and returns once it is up for the first time, forwarding checked; or fails with
 * SL_EINVAL, SL_EUNREACHABLE, SL_EAUTH, SL_EHOSTKEY, SL_EFORWARD, SL_ECANCELED. A far end where
 * nobody listens yet is no failure: it is waited for, and said in the log. Settings are copied.
 * `cancel` is borrowed for the tunnel's life. */
int sl_tunnel_open(sl_tunnel **tunnel, const sl_tunnel_settings *settings,
                   const sl_tunnel_target *target, sl_cancel *cancel);

/* "ipc:///…": where the link connects to. Valid until close. */
const char *sl_tunnel_endpoint(const sl_tunnel *tunnel);

/* Any thread. */
void sl_tunnel_status_get(sl_tunnel *tunnel, sl_tunnel_status *status);

/* A descriptor that polls readable once the tunnel has failed for good. */
int sl_tunnel_failure_fd(const sl_tunnel *tunnel);

/* Lets bytes that were taken from the link leave (at most linger_ms), then ends the session,
 * removes the socket, sets NULL. Safe on NULL. */
void sl_tunnel_close(sl_tunnel **tunnel, int linger_ms);

#endif
