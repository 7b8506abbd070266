/* tunnel: one libssh session on a descriptor, and waiting for it.
 *
 * A session, its channels and these functions belong to the tunnel's thread. Nothing here blocks:
 * libssh is never asked to wait, so that every wait can be ended. */
#ifndef TUNNEL_SESSION_H
#define TUNNEL_SESSION_H

#include "tunnel/backend.h"

#include <libssh/libssh.h>

#define SL_CHANNEL_BYTES_MOST ((size_t)2 << 20) /* libssh lets less come before it is taken */
#define SL_OFFENCE_FLOOD      "it sends more than it may"

typedef struct sl_session {
    ssh_session ssh;
    ssh_event event;                /* drives it: one poll(), then its callbacks */
    sl_tunnel_job *job;             /* borrowed */
    int descriptor;                 /* ours; libssh has another one of the same connection */
    char heard[64];                 /* how the server began its answer */
    int64_t heard_us, heard_utc_us; /* when that came, by both clocks */
    struct ssh_counter_struct socket_counter, packet_counter;
    uint64_t packets_gone; /* of that count, when libssh last had nothing to send */
    uint64_t packets_come; /* when that count last changed */
    const char *offence;   /* "it …": why it is lost; NULL: the other side has done no wrong */
    struct sl_closing *closing; /* channels that the other side has yet to close, */
    size_t closing_count;       /* how many, */
    size_t closing_bytes;       /* and what libssh holds of them; closing.c's */
    /* Says whether it took a channel that the server asked to open for a port that it listens on;
     * NULL: none was asked for. Called while the session is driven. */
    bool (*take_channel)(void *user, ssh_message message);
    void *take_user;
} sl_session;

/* Whether the server is a viewer's gate, as far as it says so itself: good for advice alone. */
bool sl_session_is_gate(const sl_session *session);

/* SL_EUNSUPPORTED when libssh is too old. */
int sl_session_check_library(void);

/* Another descriptor of a connection, for libssh, which closes its own. SL_ESYSTEM. */
int sl_session_copy_descriptor(int descriptor);

/* Exchanges greetings and keys over a connected descriptor, which it owns from here on, also when
 * it fails. `algorithms` are the host key algorithms to offer. SL_EUNREACHABLE (also for what
 * isn't SSH), SL_EHOSTKEY when the server has none of these algorithms, SL_ECANCELED, …. The host
 * key is not checked yet. */
int sl_session_open(sl_session *session, sl_tunnel_job *job, int descriptor, const char *algorithms,
                    int64_t deadline_us);

/* Waits until there is something to do for libssh. SL_OK; SL_EAGAIN past the deadline, even if
 * there is: who never stops talking gets no more time than who is silent; SL_ECANCELED. */
int sl_session_await(const sl_session *session, int64_t deadline_us);

/* The same, but past the deadline it is SL_EUNREACHABLE with a sentence. */
int sl_session_wait(sl_session *session, int64_t deadline_us);

/* From here on libssh logs troubles only: it has a line for most packets. */
void sl_session_quiet(void);

/* How many bytes may wait in the socket unsent: old frames should wait where a newer one can
 * overtake them. */
void sl_session_bound_unsent(sl_session *session, size_t bytes);

/* The poll events that libssh waits for. */
short sl_session_events(const sl_session *session);

/* Lets libssh read and write what it can. False once the connection is lost. */
bool sl_session_drive(sl_session *session);
bool sl_session_lost(const sl_session *session);

/* SL_EUNREACHABLE with a sentence that says how the connection was lost. */
int sl_session_fail_lost(const sl_session *session);

/* The same before it has logged in: with what the server had to say, which may be why. */
int sl_session_fail_log_in(const sl_session *session);

/* Says goodbye if it can, and frees all. Safe on a zeroed session whose descriptor is -1. */
void sl_session_close(sl_session *session);

#endif
