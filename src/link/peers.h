/* link: the connections of one socket, as its monitor tells of them. */
#ifndef LINK_PEERS_H
#define LINK_PEERS_H

#include "base/congestion.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_PEERS_MAX 256 /* connections at a time; a receiver turns further ones away */

#define SL_PEER_NAME_MAX 64

typedef struct sl_peer {
    int fd;          /* ZeroMQ's: only ever asked about, or tuned just after it was made */
    uint64_t number; /* from 1 on, and never used again */
    bool up;         /* its handshake is done */
    bool judged;     /* it was refused, and that was told */
    bool heard;      /* a whole message came from it */
    char name[SL_PEER_NAME_MAX]; /* its address and port, as it came; "": local, or gone already */
    uint64_t mark;               /* bytes it had sent when its last whole message was read */
    int64_t mark_us;             /* when that was, or when it came */
    uint64_t unfinished;         /* bytes since then, as last measured */
    sl_congestion congestion;
} sl_peer;

/* How a sender's connections are kept from hiding much of what it sends. */
typedef struct sl_peer_tuning {
    int unsent_bytes;       /* in the kernel, not yet on the wire, over TCP; 0: nothing is tuned */
    int local_unsent_bytes; /* and for a Unix socket */
    bool by_loss;           /* TCP's congestion control is chosen by what is lost on the way */
} sl_peer_tuning;

typedef struct sl_peers {
    sl_peer all[SL_PEERS_MAX]; /* the oldest first */
    size_t count;
    uint64_t numbered;  /* that there have been */
    size_t turned_away; /* connections without a place that ZeroMQ has not closed yet */
} sl_peers;

/* A new connection. False when there is no place left. */
bool sl_peers_add(sl_peers *peers, int fd);
void sl_peers_remove(sl_peers *peers, sl_peer *peer);

/* NULL if there is none such. */
sl_peer *sl_peers_find(sl_peers *peers, int fd);

/* The newest one whose handshake is not done, or NULL. */
sl_peer *sl_peers_newest_waiting(sl_peers *peers);

size_t sl_peers_up(const sl_peers *peers);

size_t sl_peers_heard_count(const sl_peers *peers);

/* The first one that has come before `since_us` and was never heard, or NULL. */
sl_peer *sl_peers_silent(sl_peers *peers, int64_t since_us);

/* The one that has brought no whole message for longest, if none since `since_us`; else NULL. */
sl_peer *sl_peers_idle(sl_peers *peers, int64_t since_us);

/* Whether no more came over a connection than a handshake takes; false when that isn't known. */
bool sl_peer_brought_little(int fd);

/* What came over this new connection's meter so far came from others before it. NULL if it has no
 * place. */
sl_peer *sl_peers_begin(sl_peers *peers, int fd);

/* A whole message came from `fd` (negative: unknown). */
void sl_peers_heard(sl_peers *peers, int fd);

/* Whether the peer of that number is still there. */
bool sl_peers_have(const sl_peers *peers, uint64_t number);

/* A whole message came from the only peer there is. */
void sl_peers_heard_only(sl_peers *peers);

/* How many have sent more than was read so far, or may have. */
size_t sl_peers_waiting(const sl_peers *peers);

/* Measures what each has sent since its last whole message. */
void sl_peers_measure(sl_peers *peers);

/* By that measure, when one holds more than `limit` bytes unfinished, or all more than `together`:
 * the one who holds most for longest. Else NULL. */
sl_peer *sl_peers_flooder(sl_peers *peers, uint64_t limit, uint64_t together);

/* Whether it is a connection that was accepted at `port` (tcp) or at the socket file `path`. */
bool sl_peers_accepted_at(int fd, int port, const char *path);

/* Takes a connection's place away; ends it too if it is `own`, which ZeroMQ may have closed
 * already. */
void sl_peers_turn_away(sl_peers *peers, int fd, bool own);

/* Says at once, over connections to `port` (tcp) or to the socket file `path`, that nothing more
 * comes: what is there then closes them. Whether there were any. */
bool sl_peers_hang_up(const sl_peers *peers, int port, const char *path);

/* Tunes a connection that was just made. */
void sl_peer_tune(sl_peer *peer, const sl_peer_tuning *tuning);

/* The same for all who are there over TCP: by what has changed, and what has been lost since. */
void sl_peers_tune(sl_peers *peers, const sl_peer_tuning *tuning);

/* The same, for each by the bytes a second that TCP has seen pass on the way to it: 20 ms of them,
 * `most` at most. As it is where none have passed yet. */
void sl_peers_pace(sl_peers *peers, int most);

/* 20 ms of so many bytes a second, but not less than keeps TCP busy, nor more than `most`. */
int sl_peers_unsent(int64_t bytes_per_s, int most);

#endif
