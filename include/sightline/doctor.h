/* Why two ends cannot meet: the camera end's way to its viewer, or the viewer's to where it
 * listens, looked at step by step. */
#ifndef SIGHTLINE_DOCTOR_H
#define SIGHTLINE_DOCTOR_H

#include <sightline/export.h>
#include <sightline/receiver.h>
#include <sightline/sender.h>

typedef enum sl_verdict {
    SL_VERDICT_GOOD,
    SL_VERDICT_BAD,
    SL_VERDICT_SKIPPED, /* could not be looked at, because a step before it is bad */
    SL_VERDICT_UNKNOWN, /* nobody on this way tells; no fault */
    SL_VERDICT_LIMITED, /* it works, but not for everybody, who are named */
} sl_verdict;

/* One step. Strings are valid during the call. */
typedef struct sl_check {
    const char *name; /* "name", "route", "port", "ssh server", "host key", "log-in", "forwarding",
                         "viewer", "round trip", "listening", "reach", "ssh round trip",
                         "throughput" or "clock" */
    sl_verdict verdict;
    int code;           /* SL_OK, or the SL_E… code that sending would have failed with */
    const char *text;   /* what was found; or what is wrong, and what to do about it */
    double ms;          /* that it took; negative: not known */
    double value;       /* what was measured, in `unit` */
    const char *unit;   /* "ms" or "Mbit/s"; NULL: nothing was */
    const char *server; /* with jump hosts: the SSH server that it is about, as it was given; else
                           NULL. Each has all steps, but for the name of one behind another */
    const char *destination; /* the name of the one it is about; NULL when there is only one */
    void *reserved[4];
} sl_check;

typedef void sl_check_function(void *user, const sl_check *check);

/* Walks the way that a sender with these settings would go, by the same code, and calls `tell` for
 * each step in order, also for those that could not be looked at. `tell` is called by one thread at
 * a time, which need not be the caller's; it must not call this library's functions on the
 * settings. Several destinations are visited one after the other. The viewer does not take the
 * visit for a sender. For the throughput the SSH server gets up to 2 MB, for a second, that it
 * forgets; the viewer gets nothing of it. Returns SL_OK when all is well, or the code of the first
 * step that is bad; SL_EINVAL for settings that make no sense (no step is told then), SL_ECANCELED.
 */
SL_API int sl_doctor_examine(const sl_sender_settings *settings, sl_check_function *tell,
                             void *user);

/* The same for a receiver with these settings: up to the port that the SSH server listens on in its
 * place, and who reaches that; without a tunnel, whether this machine can listen. The port is held
 * for as long as the visit takes, so that a viewer which runs already has it is a bad step, and
 * camera ends that come meanwhile find nobody. Who holds the port is looked at
 * through the server, with another log-in. SL_EINVAL with a gate, which needs no way. */
SL_API int sl_doctor_examine_viewer(const sl_receiver_settings *settings, sl_check_function *tell,
                                    void *user);

#endif
