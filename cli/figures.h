/* cli: the events of --stats, one JSON object a line. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <sightline/sender.h>
#include <sightline/view.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FIGURES_PEERS_MOST 64
#define FIGURES_DATA_MOST  65536 /* bytes of JSON; of what is longer only the length is told */

/* What all events tell. */
struct figures_about {
    const char *role;                   /* "sender" or "receiver" */
    const char *pattern;                /* NULL: not known yet */
    const sl_destination *destinations; /* of --to */
    size_t destination_count;
    const sl_camera_view *cameras; /* of a receiver */
    size_t camera_count;
};

/* Where the ends meet. */
struct figures_place {
    const char *protocol; /* "tcp" or "ipc" */
    const char *address;
    int port;             /* 0: there is none */
    const char *ports;    /* "5566,5567": where there are several; NULL: there is one */
    const char *endpoint; /* "tcp://127.0.0.1:5555" */
    const char *tunnel;   /* "user@host", or NULL */
    const char *gate;     /* "127.0.0.1:2222"; NULL: the end has none */
    const char *gate_host_key;
    const char *page; /* its link; NULL: there is none */
};

/* Each writes one line and flushes it. False when it could not be written. */
bool figures_ready(FILE *file, const struct figures_about *about,
                   const struct figures_place *place);

/* The tunnel's state is another. `destination` NULL: there is only one. */
bool figures_tunnel(FILE *file, const struct figures_about *about, const sl_stats *stats,
                    const char *destination);

/* What each peer said last, by the port that it calls itself; begins as zeros. */
struct figures_said {
    struct {
        char port[64];
        uint64_t hash; /* of the event: a peer's text may be long */
    } each[FIGURES_PEERS_MOST];
    size_t count;
};

/* What travelled, as an event of that name: "message" with a frame, "returned" with a reply.
 * Nothing is written while it is what the same peer said last. */
bool figures_exchange(FILE *file, const struct figures_about *about, const char *event,
                      const sl_frame *what, struct figures_said *said);

/* What a connection is doing: "connected"; static. */
const char *figures_state(const sl_stats *stats);

/* `fps` below 0 is unknown. */
bool figures_stats(FILE *file, const struct figures_about *about, const sl_stats *stats,
                   double fps);

/* `error` NULL: no failure. */
bool figures_end(FILE *file, const struct figures_about *about, const sl_stats *stats, double fps,
                 const char *reason, const char *error);

#endif
