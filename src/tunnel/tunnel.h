/* tunnel: the SSH session that carries the link. All of SSH lives in this room.
 *
 * A tunnel is one thread that owns the session and its channels and pumps bytes between a Unix
 * socket in a private directory (0700) and a place as seen from the SSH server. It knows nothing
 * of what it carries. */
#ifndef TUNNEL_TUNNEL_H
#define TUNNEL_TUNNEL_H

#include <sightline/cancel.h>
#include <sightline/stats.h>
#include <sightline/tunnel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options of sl_tunnel_settings (ssh_tunnel_mode, ssh_tunnel_pwd, ssh_tunnel_keyfile,
 * ssh_password_file, ssh_passphrase_file, ssh_host_key, ssh_host_key_policy, ssh_known_hosts,
 * ssh_connect_timeout, ssh_alive_timeout, persist, ssh_backend, ssh_config, ssh_jump,
 * ssh_jump_keys). */
extern const sl_option sl_tunnel_options[];
extern const size_t sl_tunnel_option_count;

typedef struct sl_tunnel sl_tunnel;

/* What is learnt on the way up, for whoever examines it. */
typedef enum sl_tunnel_fact {
    SL_TUNNEL_ADDRESS,    /* of the SSH server: "192.0.2.1" */
    SL_TUNNEL_SERVER,     /* how it greets: "SSH-2.0-OpenSSH_9.2p1" */
    SL_TUNNEL_HOST_KEY,   /* "SHA256:…" */
    SL_TUNNEL_METHODS,    /* of logging in, that it takes: "publickey, password" */
    SL_TUNNEL_FORWARDS,   /* that it passes connections on, as far as it is known before it is up */
    SL_TUNNEL_HELD,       /* inward: somebody holds the port there, whom the server finds at this
                             address of its own */
    SL_TUNNEL_REACHED,    /* inward, in a sentence: others reach the port there */
    SL_TUNNEL_FOR_ITSELF, /* or the server listens for itself only, and what changes that */
    SL_TUNNEL_REACH_UNSEEN, /* or that can't be seen */
    SL_TUNNEL_FACTS,
} sl_tunnel_fact;

/* What the SSH server itself can be measured by. */
typedef struct sl_tunnel_measures {
    double round_trip_ms;                  /* to it and back */
    uint64_t bytes;                        /* that it took from here */
    double took_ms;                        /* the time for that */
    bool clock_known;                      /* it tells its clock */
    double clock_ahead_ms, clock_error_ms; /* of it against ours, and by how much at most that is
                                              wrong */
} sl_tunnel_measures;

/* Who is told of it, on the tunnel's thread, until the tunnel is up for the first time; what has no
 * function isn't told. Jump hosts come one after the other before the destination: each is told of
 * until it is up. */
typedef struct sl_tunnel_witness {
    void (*state)(void *user, sl_tunnel_state state);
    void (*fact)(void *user, sl_tunnel_fact fact, const char *text);
    void (*measured)(void *user, const sl_tunnel_measures *measures); /* by libssh alone, which
                                                                         takes a second for it; it
                                                                         measures for this only */
    void *user;
} sl_tunnel_witness;

/* Outward, the tunnel goes on from the SSH server to this host and port. Inward, the server listens
 * there, and who connects comes out at `link`. */
typedef struct sl_tunnel_target {
    const char *host;  /* as seen from the SSH server; inward: its address to listen at, "" all */
    int port;          /* inward: 0 lets the server pick one */
    const char *link;  /* inward: "ipc:///…", where the link listens; NULL: outward */
    sl_cancel *failed; /* triggered once it has failed for good; borrowed; may be NULL */
    const sl_tunnel_witness *witness; /* NULL: nobody; borrowed for the tunnel's life */
    bool jump;    /* it is the port of the next SSH server, for a tunnel of this room */
    bool at_once; /* sl_tunnel_open() does not wait until it is up, see sl_tunnel_await() */
} sl_tunnel_target;

typedef struct sl_tunnel_status {
    sl_tunnel_state state;
    char reason[512];    /* why it isn't up, or what it is up without; "" when all is well */
    uint64_t reconnects; /* times it was up again after having been up */
    int failure;         /* SL_OK, or the code that ended it for good, with `reason` */
} sl_tunnel_status;

/* A parsed [USER@]HOST[:PORT]; IPv6 in brackets, or bare without a port. */
typedef struct sl_ssh_destination {
    char user[64]; /* "" when not given: the login name */
    char host[256];
    int port;
    bool user_given, port_given; /* written out, and not what is usual */
} sl_ssh_destination;

/* SL_EINVAL with what is wrong. */
int sl_ssh_destination_parse(const char *text, sl_ssh_destination *destination);

/* The SSH servers on the way, first to last, as they were given: jump hosts, then the destination.
 */
#define SL_SSH_JUMPS_MOST 8
typedef struct sl_ssh_route {
    char names[SL_SSH_JUMPS_MOST + 1][384];
    int count;
} sl_ssh_route;

/* SL_EINVAL with what is wrong about the list of jump hosts. */
int sl_ssh_route_read(sl_ssh_route *route, const sl_tunnel_settings *settings);

/* SL_EINVAL for settings and a target that sl_tunnel_open() would refuse without trying. Without a
 * destination that is jump hosts: frames would go unprotected where somebody wanted a tunnel. The
 * target may be NULL then. */
int sl_tunnel_check(const sl_tunnel_settings *settings, const sl_tunnel_target *target);

/* Opens the tunnel and returns once it is up for the first time, forwarding checked; or fails with
 * SL_EINVAL, SL_EUNREACHABLE, SL_EAUTH, SL_EHOSTKEY, SL_EFORWARD, SL_ECANCELED. A far end where
 * nobody listens yet is no failure: it is waited for, and said in the log. With `persist`, or if
 * the target says `at_once`, it returns at once, and the tunnel gets up when it can. Settings are
 * copied. `cancel` is borrowed for the tunnel's life. */
int sl_tunnel_open(sl_tunnel **tunnel, const sl_tunnel_settings *settings,
                   const sl_tunnel_target *target, sl_cancel *cancel);

/* Waits until it is up, again or for the first time: SL_OK; SL_ECANCELED; or what ended it for
 * good, with its sentence. Any thread. */
int sl_tunnel_await(sl_tunnel *tunnel, const sl_cancel *cancel);

/* Outward: "ipc:///…", where the link connects to. Valid until close. */
const char *sl_tunnel_endpoint(const sl_tunnel *tunnel);

/* Inward: the port at the SSH server. Any thread. */
int sl_tunnel_port(const sl_tunnel *tunnel);

/* While it is the way through jump hosts that isn't up, their state and reason. Any thread. */
void sl_tunnel_status_get(sl_tunnel *tunnel, sl_tunnel_status *status);

/* Fills in what concerns the tunnel (NULL: there is none). Any thread. */
void sl_tunnel_stats(sl_tunnel *tunnel, sl_stats *stats);

/* How many bytes, about, it has taken that no SSH server's kernel has yet. Any thread. */
uint64_t sl_tunnel_under_way(sl_tunnel *tunnel);

/* How many packets the first SSH server's kernel has, also those after a gap, and how many are on
 * their way there; 0 while it isn't connected. Any thread. */
void sl_tunnel_packets(sl_tunnel *tunnel, uint32_t *delivered, uint32_t *unacked);

/* A descriptor that polls readable once the tunnel has failed for good. */
int sl_tunnel_failure_fd(const sl_tunnel *tunnel);

/* The end is about to be sent, or the tunnel to be closed: that the other side goes first is no
 * trouble to warn of. Safe on NULL. Any thread. */
void sl_tunnel_expect_end(sl_tunnel *tunnel);

/* Lets bytes that were taken from the link leave (at most linger_ms), then ends the session,
 * removes the socket, sets NULL. Safe on NULL. */
void sl_tunnel_close(sl_tunnel **tunnel, int linger_ms);

#endif
