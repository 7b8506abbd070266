/* tunnel: one client of the gate: its SSH session, log-in, channels and thread. */
#ifndef TUNNEL_GATE_CLIENT_H
#define TUNNEL_GATE_CLIENT_H

#include "base/log.h"
#include "base/thread.h"
#include "tunnel/forward.h"
#include "tunnel/gate.h"
#include "tunnel/gate_pause.h"

#include <libssh/server.h>
#include <netdb.h>

#define SL_GATE_FORWARDS_MOST 8 /* channels of one client at once; ZeroMQ opens one a camera */

/* What all clients share. */
typedef struct sl_gate_door {
    /* Read-only once the gate is open. */
    sl_gate_settings settings; /* without its strings */
    char authorized_keys[4096];
    char password_file[4096];      /* "": none */
    char address[256];             /* a name more for this host; may be "" */
    int port;                      /* the one to forward to, */
    int others[SL_GATE_PORTS_MAX]; /* or these, which mean the same; ended by 0 */
    char socket_path[108];         /* where that is */

    sl_event gone;        /* set when a client has ended */
    atomic_int linger_ms; /* how long bytes may still leave once it is to stop */

    pthread_mutex_t lock; /* guards what stands below */
    sl_log_limit arrivals, departures, refusals;
    struct sl_gate_client *insiders; /* clients that are logged in, */
    int inside;                      /* and how many */
} sl_gate_door;

typedef struct sl_gate_client {
    struct sl_gate_client *next; /* the accepting thread's */
    sl_thread thread;
    sl_gate_door *door; /* borrowed */
    sl_cancel *stop;    /* triggered to end it */
    char peer[NI_MAXHOST + 16];

    /* Under the door's lock. */
    ssh_key key; /* the one that lets it in, once it is inside; NULL: the password */
    bool inside; /* logged in, and among the door's insiders */
    bool joins;  /* with an invitation: its key is on the way into the file */
    struct sl_gate_client *next_inside;
    bool asked; /* to make way */
    bool ended; /* the thread does nothing more but return */

    /* The client's thread's. */
    sl_session session;
    struct ssh_server_callbacks_struct callbacks;
    sl_forward forwards[SL_GATE_FORWARDS_MOST];
    sl_gate_pause pause;
    int64_t login_by_us;
    int64_t read_us; /* when the connection was last read */
    int refused;     /* log-ins */
    bool sniffed;    /* it has asked, with the method "none", what there is */
    bool admitted;   /* logged in */
    bool over;       /* its connection is to be ended */
} sl_gate_client;

/* Takes a connection, which it owns from here on, also when it fails, and starts the client's
 * thread. SL_ENOMEM, SL_ESYSTEM. Called by the accepting thread. */
int sl_gate_client_open(sl_gate_client **client, sl_gate_door *door, ssh_bind bind, int descriptor);

/* Waits for the end of its thread, which was asked to end or has, and frees it. Sets NULL. */
void sl_gate_client_close(sl_gate_client **client);

/* Takes a client, if it is there, out of the insiders. The door's lock is held. */
void sl_gate_client_leave(sl_gate_client *client);

/* Logs why somebody was not let in, or not let do something; at most one line a second. */
void sl_gate_refuse(sl_gate_door *door, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What clients of this door may ask for. */
sl_gate_target sl_gate_door_target(const sl_gate_door *door);

#endif
