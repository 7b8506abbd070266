/* cli: how a sender or receiver tells what it is doing, while it runs and when it ends. A thread
 * of its own looks each second, so that a slow source, sink or peer silences nothing. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "destinations.h"
#include "figures.h"
#include "roster.h"

#include <pthread.h>
#include <sightline/gate.h>
#include <sightline/link.h>

struct report {
    /* The owner's thread's to read, and to write under the lock. */
    struct figures_about about;
    char endpoint[320]; /* where the ends meet */
    const char *page;   /* and where the viewer's page is; NULL: there is none */

    /* Fills in figures now; under the lock. */
    void (*look)(void *user, sl_stats *stats);
    void *user;
    struct destinations *destinations; /* what `look` fills in too; NULL: none were named */
    struct roster *roster;             /* the same of a receiver's cameras; NULL: of a sender */
    double lost_s;                     /* and of a sender's source: how long it has been gone */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t stop_changed;
    /* All under the lock. */
    bool stop, ready; /* before the ready event only a tunnel that is not up is told of */
    struct figures_said said;
    FILE *stats; /* NULL: none were asked for, or can't be written any more */

    /* The report's thread's. */
    sl_stats before;
    int64_t before_us; /* when that was */
    bool was_connected;
    unsigned ticks, still; /* looks, and how many of them in a row saw no new frame */
};

/* Opens the --stats file (NULL: none). False with a sentence when it can't be written. */
bool report_open(struct report *report, const char *role, const char *stats_path, char *sentence,
                 size_t size);

/* Figures are of these destinations too, from now on. Before report_begin(). */
void report_destinations(struct report *report, struct destinations *destinations);

/* Figures are of these cameras too, from now on. Before report_begin(). */
void report_cameras(struct report *report, struct roster *roster);

/* Says where the ends meet, once that is known. */
void report_place(struct report *report, const sl_link_settings *link, bool sender, int port);

/* Writes the ready event. `tunnel` may be NULL, and so may `gate`. */
void report_ready(struct report *report, const sl_link_settings *link, const char *tunnel, int port,
                  const sl_gate_place *gate);

/* Writes an event, "message" or "returned", when what travelled is another than the last time
 * from that peer. */
void report_exchange(struct report *report, const char *event, const sl_frame *what);

/* "127.0.0.1:2222", IPv6 in brackets. */
void report_gate(const sl_gate_place *gate, char *text, size_t size);

/* Starts to look each second, until report_end(). */
void report_begin(struct report *report, void (*look)(void *user, sl_stats *stats), void *user);

/* No look is under way afterwards, nor ever again. */
void report_stop(struct report *report);

/* Writes the end event and the last words for a person, and closes the file. `code` is SL_OK and
 * `reason` why it ended; or it is why it failed, and `sentence` says so. Gives the exit code. */
int report_end(struct report *report, const sl_stats *stats, int code, const char *reason,
               const char *sentence);

#endif
