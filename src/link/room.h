/* link: what the files of this room share. Nobody else includes it.
 *
 * All of it belongs to the link's thread, except `under_way` and `departed`, which ZeroMQ's thread
 * touches when it lets go of a message, and `state`, which is under its lock. */
#ifndef LINK_ROOM_H
#define LINK_ROOM_H

#include "base/event.h"
#include "base/log.h"
#include "base/resolve.h"
#include "link/greeting.h"
#include "link/link.h"
#include "link/peers.h"
#include "link/security.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SL_HOST_MAX     256 /* bytes of a host name or a path, with its NUL */
#define SL_ENDPOINT_MAX 300 /* with what stands around it */

typedef enum sl_family { SL_FAMILY_IPV4, SL_FAMILY_IPV6, SL_FAMILIES } sl_family;

/* Where an endpoint leads. */
typedef struct sl_place {
    bool local; /* ipc: `host` is the path */
    char host[SL_HOST_MAX];
    int port;
} sl_place;

/* One of the places that a receiver has bound. */
typedef struct sl_berth {
    sl_place place;
    char bound[SL_ENDPOINT_MAX]; /* as ZeroMQ calls it; "": not bound yet */
    dev_t file_device;           /* over ipc: its socket file, as it was made */
    ino_t file_inode;
} sl_berth;

typedef struct sl_socket_option {
    int option; /* 0: none */
    int value;
} sl_socket_option;

/* What the ZeroMQ socket of one end of a pattern is like. */
typedef struct sl_socket_kind {
    int type;
    int send_queue;        /* whole messages that may wait in ZeroMQ to leave, for each peer */
    int receive_queue;     /* and to be read, of each peer */
    int shares;            /* so many times what one peer may hold unfinished, all may together */
    int64_t message_bytes; /* larger messages end the peer's connection; 0: as settings say */
    int64_t beside_bytes;  /* that may come beside each: its other parts, and ZeroMQ's own words */
    sl_peer_tuning tuning; /* of its connections */
    bool confusable;       /* ZeroMQ joins it with sockets of other patterns too */
    uint64_t lost_most;    /* connections that it may have lost, unheard; 0: it can lose none */
    sl_socket_option options[2];
} sl_socket_kind;

struct sl_link {
    sl_role role;
    sl_pattern pattern;
    const sl_socket_kind *kind;
    int64_t message_bytes; /* the largest message of a peer */
    sl_security security;
    char far_end[64];                       /* where it connects to, for a person */
    sl_place place;                         /* where to connect to or what to bind */
    bool named;                             /* a name stands there, and no address */
    char address[SL_FAMILIES][SL_HOST_MAX]; /* of the place, in numbers; "": none of that family */
    sl_family family;      /* whose turn it is; when there are both, a sender tries them in turns */
    sl_resolver *resolver; /* sender: looks the name up again; NULL: not now */
    int64_t ask_us;        /* sender: when to do that, while there is no connection */
    int failures;          /* sender: attempts to connect in a row that failed */
    sl_berth *berths;      /* receiver: what it binds, one a port; `place` is the first */
    size_t berth_count;

    void *context;
    void *socket;
    void *monitor;
    unsigned generation; /* sockets so far; makes the monitors' names */
    sl_peers peers;
    uint64_t failure;      /* the event that told of a failed handshake; 0: none */
    uint64_t failure_code; /* and what came with it */
    int broken_off;        /* sender: peers in a row that left in silence since it asked why */
    uint64_t unheard;      /* confusable sender: handshakes since a peer was last heard */
    int64_t silence_us;    /* live sender: how long its peer may still be silent; 0: it isn't */
    sl_peer_tuning tuning; /* as kind->tuning, or what sl_link_pace() made of it */
    uint64_t strange;      /* where some can be lost: this socket's handshakes less peers heard */
    uint64_t lost_little;  /* and those that brought a handshake alone before they were ended */
    int64_t question_us;   /* not before then is it asked again */
    int64_t doubt_us;      /* receiver: when a peer that left during its handshake must be back;
                              0: none did */
    int64_t reopen_us;     /* sender: when to make a new socket; 0: ZeroMQ is at it by itself */
    sl_link_message saved; /* sender: a reply that came just before the connection went */
    int64_t heard_us;      /* when the last whole message came, or the first peer */
    int64_t orphan_us;     /* pair receiver: how long it may have a peer and no way to it; 0: has */
    int64_t check_us;      /* when to look next at what peers hold unfinished */
    bool crowded;          /* receiver: there was no place for the last that came */
    int topics;            /* pubsub sender: what peers have subscribed to */
    bool subscribed;       /* pubsub sender: someone has subscribed to all */
    bool changed;          /* something that sl_link_wait() has to report */
    bool want_send;
    sl_log_limit refusals, arrivals, departures; /* log lines about them */
    const sl_cancel *cancel; /* ends the wait that the thread is in; NULL: it is in none */

    atomic_int under_way; /* publisher: messages that ZeroMQ still holds */
    sl_event departed;    /* set when it lets go of one */

    pthread_mutex_t lock; /* the rest */
    sl_link_state state;
};

/* Whether it is a pubsub sender, which differs in most. */
static inline bool sl_link_publishes(const sl_link *link) {
    return link->pattern == SL_PATTERN_PUBSUB && link->role == SL_ROLE_SENDER;
}

/* Whether it is a live receiver, which tells its peers apart. */
static inline bool sl_link_routes(const sl_link *link) {
    return link->pattern == SL_PATTERN_LIVE && link->role == SL_ROLE_RECEIVER;
}

/* How this end talks. */
static inline sl_manner sl_link_manner(const sl_link *link) {
    return (sl_manner){link->pattern, link->security.mode > 0};
}

/* kind.c */

const sl_socket_kind *sl_socket_kind_of(sl_pattern pattern, sl_role role);

/* message.c */

/* Takes the next message from the socket, as sl_link_receive(); SL_EAGAIN also for one of a peer
 * of another pattern, which is dropped. */
int sl_message_read(sl_link *link, sl_link_message *message);

/* endpoint.c */

/* Takes an endpoint apart. SL_EINVAL. */
int sl_place_parse(sl_place *place, const char *endpoint);

/* The endpoint of a place. */
int sl_place_write(const sl_place *place, char *endpoint, size_t size);

/* Whether a socket file may be made here: SL_OK, SL_EINUSE when someone listens there, SL_EINVAL
 * for what isn't a socket. */
int sl_place_check_file(const char *path);

/* name.c */

/* Finds the addresses of the place. SL_ECANCELED; SL_EUNREACHABLE for a sender's host name that
 * does not exist; anything else is tried for ever later, since a network can come back. SL_EINVAL
 * for a receiver's that has none. */
int sl_name_find(sl_link *link, const sl_cancel *cancel);

/* Asks again now and then while a sender has no connection, without waiting for the answer. SL_OK,
 * or failure of the new socket that is made when there is another address. */
int sl_name_attend(sl_link *link);

/* When that must be called next; -1: any time. */
int64_t sl_name_due_us(const sl_link *link);

/* The place in numbers: the address to use now. False when none is known yet. */
bool sl_name_place(const sl_link *link, sl_place *place);

/* socket.c */

/* Makes the socket and binds it or starts to connect. On failure there is none. */
int sl_socket_open(sl_link *link);

/* Closes the socket, and for good what it was bound to. */
void sl_socket_close(sl_link *link, int linger_ms);

/* Closes it and makes a new one at the same place. */
int sl_socket_reopen(sl_link *link);

/* Ends a connection to this receiver, which has no place any more. */
void sl_socket_turn_away(sl_link *link, int fd);

/* monitor.c */

/* When a connection went, ZeroMQ would try the next one so much later at first. */
#define SL_RECONNECT_MS 100

/* Starts to watch the socket's connections. */
int sl_monitor_start(sl_link *link);
void sl_monitor_stop(sl_link *link);

/* Takes in all events that are there. */
void sl_monitor_drain(sl_link *link);

/* Waits until the socket that was just unbound has let go of its address. */
void sl_monitor_await_closed(sl_link *link);

/* Waits until the connection has ended that was just hung up, but never long. */
void sl_monitor_await_disconnected(sl_link *link);

/* Takes in subscriptions that have come (pubsub sender). */
int sl_monitor_subscriptions(sl_link *link);

/* Brings `connected` up to date. */
void sl_monitor_update(sl_link *link);

/* A whole message came over the connection `fd` (negative: unknown), from a socket that calls
 * itself so (NULL: unknown). False when that is none of the same pattern: it was refused. */
bool sl_monitor_hear(sl_link *link, int fd, const char *socket_type);

/* Deals with live peers that are connected and say nothing. SL_OK, or failure of a new socket. */
int sl_monitor_check_silence(sl_link *link);

/* Counts a refused peer and keeps the sentence. */
void sl_monitor_refuse(sl_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* refusal.c */

/* Says why a peer's handshake failed: by the event that told of it (0: none did), and what came
 * with that. Who only went away was not refused. `peer` may be NULL for a key that was refused. */
void sl_refusal_judge(sl_link *link, const sl_peer *peer, uint64_t failure, uint64_t code);

/* A peer left without a word, after its handshake or during it. After some such a sender asks who
 * stands there; a receiver that has nobody waits for it a while (`doubt_us`). */
void sl_refusal_doubt(sl_link *link);

/* Receiver: who left has not come back. */
void sl_refusal_left(sl_link *link);

/* Sender: asks who stands there and says nothing though it is connected. True when it was refused:
 * it is of another pattern, or that can't be told. */
bool sl_refusal_question(sl_link *link);

/* A peer's message has shown that its socket is one of another pattern. */
void sl_refusal_confused(sl_link *link, const sl_peer *peer, const char *socket_type);

/* Live receiver: a peer has left without a word, or (`stays`) has said none for so long that it
 * must. */
void sl_refusal_silent(sl_link *link, const sl_peer *peer, bool stays);

/* stranger.c */

/* Asks what stands at the place, given in numbers, that a sender of this manner connects to. 0
 * once it took the connection, though it may have said nothing; else the errno of why not:
 * ECANCELED, ETIMEDOUT, … */
int sl_stranger_ask(const sl_place *place, sl_manner manner, const sl_cancel *cancel,
                    int64_t deadline_us, sl_greeting *greeting);

/* The same for who would not be its peer: whoever stands there is told of nothing that does not
 * match. */
int sl_stranger_look(const sl_place *place, const sl_cancel *cancel, int64_t deadline_us,
                     sl_greeting *greeting);

#endif
