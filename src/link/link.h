/* link: the ZeroMQ connection between the ends. All of libzmq lives in this room.
 *
 * A link belongs to the thread that uses it, after its opening thread has handed it over; only
 * sl_link_state() may be called from others. */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "frame/buffer.h"
#include "link/greeting.h"
#include <sightline/cancel.h>
#include <sightline/link.h>
#include <stdbool.h>

#define SL_LINK_PARTS_MAX 4 /* a message with more is counted and dropped while it is read */

/* Larger messages of live's end the peer's connection. To the receiver go chunks of at most 32 KiB
 * with their heads; to the sender acknowledgements, and what the two ends say of themselves. */
#define SL_LIVE_TO_RECEIVER_MAX 65536
#define SL_LIVE_TO_SENDER_MAX   4096

/* The options of sl_link_settings (address, port, protocol, pattern, max_retries, …). */
extern const sl_option sl_link_options[];
extern const size_t sl_link_option_count;

typedef struct sl_link sl_link;

typedef struct sl_link_message {
    sl_buffer *parts[SL_LINK_PARTS_MAX]; /* owned */
    size_t count;                        /* parts, at most SL_LINK_PARTS_MAX */
    bool truncated;                      /* it had more, which are gone */
    uint64_t connection; /* the number of the connection that it came over; 0: not known */
    sl_buffer *from; /* owned; at a live receiver: who sent it, see sl_link_send_to(); else NULL */
} sl_link_message;

/* Gives all that it owns back and empties it. */
void sl_link_message_clear(sl_link_message *message);

typedef enum sl_role { SL_ROLE_SENDER, SL_ROLE_RECEIVER } sl_role;

typedef struct sl_link_state {
    bool connected;     /* a peer's handshake is done (publishers: it has subscribed; live
                           receivers: it has said something) */
    uint64_t connects;  /* how often one was, those aside who turned out to speak something else */
    uint64_t most;      /* peers that were there, in that sense, at a time */
    uint64_t refused;   /* peers that speak something else; who only went away doesn't count */
    char refusal[400];  /* why the last one failed; "" if none did */
    int port;           /* receiver over tcp: the port it is bound to */
    char endpoint[300]; /* what it is bound or connected to */
} sl_link_state;

#define SL_LINK_PORTS_MAX 64 /* that one end connects to or listens on */

typedef struct sl_link_ports {
    int all[SL_LINK_PORTS_MAX]; /* without doubles, in the order given */
    size_t count;               /* at least 1 */
} sl_link_ports;

/* The ports that settings name, in `ports` or `port`. SL_EINVAL with what is wrong. */
int sl_link_ports_read(sl_link_ports *ports, const sl_link_settings *settings);

/* Whether there is such a pattern; bidirectional, multi-server and multi-client mode are set where
 * they may be, and several ports only where one of the last two wants them. SL_EINVAL, with a
 * sentence that names the option. */
int sl_link_check_modes(const sl_link_settings *settings, sl_role role);

/* The endpoint that settings ask for: "tcp://127.0.0.1:5555", "tcp://[::1]:5555",
 * and "ipc://ADDRESS:PORT", because NetGear makes a socket file's name of both. SL_EINVAL for what
 * can't be one. */
int sl_link_endpoint(const sl_link_settings *settings, sl_role role, char *endpoint, size_t size);

/* Whether the certificates that the settings ask for are there and good; a sender with
 * overwrite_cert makes them first. Whatever opens more than a link asks this before, so that
 * nothing starts without security where it was asked for. SL_EINVAL, with a sentence that names
 * the file; SL_ESYSTEM, SL_EUNSUPPORTED. */
int sl_link_prepare(const sl_link_settings *settings, sl_role role);

/* How a sender's way to its viewer looks. */
typedef struct sl_link_examination {
    char address[80];      /* the viewer's, in numbers; "": it has no name, or none that resolves */
    bool answered;         /* the address took the connection */
    bool secure;           /* it wants CURVE, as the settings do; its pattern shows later then */
    int64_t round_trip_us; /* from a greeting to its answer; -1: unknown */
} sl_link_examination;

/* Looks, as a sender would, whether a viewer of the settings' pattern stands at the endpoint (NULL:
 * the one settings ask for), and leaves before it is taken for a sender. SL_OK; SL_EUNREACHABLE
 * when nobody answers, SL_EPEER for anyone else, SL_EINVAL, SL_ECANCELED. `found` is filled as far
 * as it came. */
int sl_link_examine(const sl_link_settings *settings, const char *endpoint, const sl_cancel *cancel,
                    int64_t deadline_us, sl_link_examination *found);

/* Looks who stands at a tunnel's endpoint ("ipc:///…") without being anybody's peer: ZMTP's bytes
 * are said, and what comes is read, as far as it tells who that is. SL_OK when the connection was
 * taken, though nothing may have been said; SL_EUNREACHABLE, SL_EINVAL, SL_ECANCELED. */
int sl_link_look(const char *endpoint, const sl_cancel *cancel, int64_t deadline_us,
                 sl_greeting *greeting);

/* Binds (receiver, to each of its ports) or starts to connect (sender, to the settings' `port`),
 * with the security that the settings ask for or not at all. `endpoint` NULL: the one settings ask
 * for; else this one (a tunnel's). `cancel` (NULL: none) ends waiting for a name server; it is not
 * kept. SL_EINUSE, SL_EINVAL, SL_ESYSTEM, SL_ECANCELED; SL_EUNREACHABLE for a sender's host name
 * that does not exist; for security as sl_link_prepare(), but certificates are never made. */
int sl_link_open(sl_link **link, const sl_link_settings *settings, sl_role role,
                 const char *endpoint, const sl_cancel *cancel);

/* Throws the socket away and opens it anew with the same settings and endpoint (a receiver on the
 * port it had). Whatever was under way is lost. */
int sl_link_rebuild(sl_link *link);

/* Waits until a message can be read, the peer state changes, `wake_fd` (-1: none) polls readable,
 * or the deadline passes; see sl_link_want_send() too. SL_OK, SL_EAGAIN past the deadline,
 * SL_ECANCELED. Never spins. A link takes notice of its peers only in here. */
int sl_link_wait(sl_link *link, int wake_fd, const sl_cancel *cancel, int64_t deadline_us);

/* Whether sl_link_send() would take a message now. In pubsub: someone has subscribed, and the
 * message before has left for the kernel. Not for a live receiver, who has many to send to. */
bool sl_link_writable(sl_link *link);

/* While `want`, sl_link_wait() also returns when sl_link_writable(). Off at first. */
void sl_link_want_send(sl_link *link, bool want);

/* Hands a message over without copying its bytes; parts stay the caller's too (shared). All parts
 * go as one message. SL_OK; SL_EAGAIN when there is no room or no peer now: nothing was sent. */
int sl_link_send(sl_link *link, sl_buffer *const *parts, size_t count);

/* Live receiver: the same, to that one of its senders whose message had this `from`. SL_OK;
 * SL_EAGAIN when what waits for that one is too much already, which holds up no other;
 * SL_EUNREACHABLE when its connection has ended: nothing was sent. Never waits. */
int sl_link_send_to(sl_link *link, const sl_buffer *from, sl_buffer *const *parts, size_t count);

/* Live sender: how fast its way takes bytes now, so that the kernel is given no more than about
 * 20 ms' worth that is not on the wire yet. Has TCP's congestion control fit what is lost there,
 * too. To be called often; means something over direct TCP alone. */
void sl_link_pace(sl_link *link, int64_t bytes_per_s);

/* The next message that is there, whole; SL_EAGAIN when there is none. Bytes are not copied. */
int sl_link_receive(sl_link *link, sl_link_message *message);

/* How many peers have sent something that was not read yet, or may have. */
size_t sl_link_waiting(const sl_link *link);

/* Whether the connection that a message came `from` is still there. */
bool sl_link_has(const sl_link *link, uint64_t from);

void sl_link_state_get(const sl_link *link, sl_link_state *state);

/* Closes it; what was handed over may still leave for `linger_ms`. Sets NULL. Safe on NULL. */
void sl_link_close(sl_link **link, int linger_ms);

#endif
