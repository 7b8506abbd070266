/* The gate: an SSH server inside the viewer that carries frames and can do nothing else. */
#ifndef SIGHTLINE_GATE_H
#define SIGHTLINE_GATE_H

#include <sightline/settings.h>

/* The part of a receiver's settings that concerns the gate. With one, the receiver's link can only
 * be reached through it; the link's address and port are then names that senders ask the gate
 * for. */
typedef struct sl_gate_settings {
    const char *listen;          /* [ADDR:]PORT, IPv6 in brackets; port 0: any free one; NULL: no
                                    gate */
    const char *authorized_keys; /* NULL: authorized_keys in Sightline's configuration folder */
    const char *password_file;   /* NULL: keys only; else its first line lets in too */
    int max_connections;         /* cameras at once */
    int max_unauthenticated;     /* not logged in yet; the oldest makes way for a newer one */
    int max_attempts;            /* refused log-ins a connection */
    int login_timeout_s;
    int buffer_kib;  /* came from a connection and not taken by the link yet: no more is read */
    int max_per_key; /* connections at once that one key may let in */
    void *reserved[2];
} sl_gate_settings;

/* Where a receiver's gate is. */
typedef struct sl_gate_place {
    char address[64];  /* it listens on; "*": every interface */
    int port;          /* it listens on */
    int link_port;     /* what senders ask it for */
    char host_key[64]; /* "SHA256:…" */
} sl_gate_place;

#endif
