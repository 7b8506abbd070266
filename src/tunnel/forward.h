/* tunnel: one connection through the tunnel: a local socket, an SSH channel, and the bytes between
 * them. Everything here belongs to the tunnel's thread and never blocks. */
#ifndef TUNNEL_FORWARD_H
#define TUNNEL_FORWARD_H

#include "base/meter.h"
#include "tunnel/session.h"

#include <libssh/callbacks.h>

typedef enum sl_forward_state {
    SL_FORWARD_NONE,    /* a free place */
    SL_FORWARD_WANTED,  /* a channel is to be opened when it may be tried */
    SL_FORWARD_OPENING, /* and is being opened */
    SL_FORWARD_OPEN,
} sl_forward_state;

typedef struct sl_forward {
    sl_forward_state state;
    int local;           /* -1: none has come yet for this channel, or it has gone */
    sl_session *session; /* borrowed: the channel's */
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;

    /* Out: taken from the local socket, not yet by libssh. */
    char *out;
    size_t out_start, out_end;
    bool refused;      /* libssh took nothing when last asked: keys are being exchanged */
    bool local_ended;  /* no more will come from there */
    bool ended_remote; /* and the far end was told */
    int64_t ended_us;  /* when */

    /* In: left over from libssh, not yet taken by the local socket. */
    char *in;
    size_t in_size, in_start, in_end;
    int64_t heard_us;   /* inward: when something came, or the channel */
    sl_meter *meter;    /* of what the local socket has taken; NULL: nothing yet */
    bool in_held;       /* more waits in libssh */
    bool in_broken;     /* nobody wants it any more */
    bool remote_ended;  /* no more will come from there */
    bool remote_closed; /* the channel has gone */
    bool given_up;      /* it is to go, whatever it still holds */
    bool ended_local;   /* the local end was told */
} sl_forward;

/* Starts to open a channel to the plan's target. SL_OK or SL_ENOMEM. */
int sl_forward_start(sl_forward *forward, sl_session *session);

/* Grants the channel that the other side asks for, to be connected to `local`, which it owns
 * from here on, also when it fails (-1: there is nobody, to be closed soon). SL_OK or SL_ENOMEM. */
int sl_forward_accept(sl_forward *forward, sl_session *session, ssh_message message, int local);

/* Goes on with it: SL_OK once it is open, SL_EAGAIN while the server has not answered;
 * SL_EFORWARD when the server does not allow it, SL_EPEER when nobody listens at the far end (the
 * sentence has the server's words); SL_EUNREACHABLE when the connection is lost. */
int sl_forward_finish_open(sl_forward *forward, sl_session *session);

/* The poll events that matter at the local socket now; 0: none, don't poll it. `writable`: libssh
 * takes more. */
short sl_forward_events(const sl_forward *forward, bool writable);

#define SL_FORWARD_CHUNK_MAX ((size_t)256 * 1024) /* libssh is fastest with large writes */

/* Takes from the local socket what may leave now, at most a chunk, and hands it to libssh. Returns
 * the bytes that libssh took. `all_is_there`: what is not there yet will not come. */
size_t sl_forward_send(sl_forward *forward, size_t chunk, bool all_is_there);

/* Hands what came in to the local socket. */
void sl_forward_receive(sl_forward *forward);

/* Bytes that came in and that the local socket has not taken. */
size_t sl_forward_held(const sl_forward *forward);

/* Passes ends on from one side to the other. True once both have ended and it can be closed. */
bool sl_forward_pass_ends(sl_forward *forward);

/* Has it closed at its next turn, whatever it still holds; for when libssh may be using it. */
void sl_forward_give_up(sl_forward *forward);

/* Closes the channel and the local socket and frees the place. */
void sl_forward_close(sl_forward *forward);

#endif
