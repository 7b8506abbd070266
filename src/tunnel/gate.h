/* tunnel: the gate, an SSH server that can do one thing: carry connections to one Unix socket, on
 * which the viewer's link listens. There is no code here for a shell, a command, a terminal, a
 * subsystem, an agent, X11, forwarding back or any other destination.
 *
 * One thread accepts, and each connection has its own: a libssh session belongs to one thread, and
 * so neither a slow client nor one that makes us compute can hold up another. How many there are
 * is bounded. */
#ifndef TUNNEL_GATE_H
#define TUNNEL_GATE_H

#include <sightline/cancel.h>
#include <sightline/gate.h>
#include <stdbool.h>
#include <stddef.h>

/* The options of sl_gate_settings (gate, gate_authorized_keys, gate_password_file,
 * gate_max_connections, gate_max_per_key, gate_max_unauthenticated, gate_max_attempts,
 * gate_login_timeout, gate_buffer). */
extern const sl_option sl_gate_options[];
extern const size_t sl_gate_option_count;

/* The file of authorized keys that these settings mean. SL_ESYSTEM. */
int sl_gate_authorized_keys(const sl_gate_settings *settings, char *path, size_t size);

/* Its host key, made on first use. The fingerprint is "SHA256:…". Fails as sl_gate_open(). */
int sl_gate_fingerprint(char *text, size_t size);

typedef struct sl_gate sl_gate;

/* What clients may ask for, beside the names of this host itself. */
typedef struct sl_gate_target {
    const char *address; /* a name more for the same; may be NULL */
    int port;
    const int *others; /* ports that mean the same, ended by 0; NULL: none */
} sl_gate_target;

#define SL_GATE_PORTS_MAX 64 /* all together */

/* Whether a host and a port, as a client or a line of the authorized keys has them, mean it. */
bool sl_gate_target_is(const sl_gate_target *target, const char *host, int port);

/* Reads the host key, or makes it on first use, and lets clients in from now on: those whose keys
 * stand in the file, and those who were invited, whose keys it adds there. A key that is taken out
 * ends the connections that came with it. Settings are copied; `cancel` (may be NULL) ends looking
 * the address up, and is not kept. SL_EINVAL, SL_EINUSE, SL_ESYSTEM, SL_ENOMEM, SL_EUNSUPPORTED
 * when libssh is too old, SL_ECANCELED. */
int sl_gate_open(sl_gate **gate, const sl_gate_settings *settings, const sl_gate_target *target,
                 const sl_cancel *cancel);

/* "ipc:///…" in a private directory: where the link is to listen. A client that comes while nobody
 * listens there has its channel closed, and may come again. Valid until close. */
const char *sl_gate_endpoint(const sl_gate *gate);

void sl_gate_place_get(const sl_gate *gate, sl_gate_place *place);

/* Takes no more clients, lets what the link has said leave for at most linger_ms, ends all
 * connections, removes the directory, sets NULL. Safe on NULL. */
void sl_gate_close(sl_gate **gate, int linger_ms);

#endif
