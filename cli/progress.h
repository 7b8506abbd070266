/* cli: the line that tells a person how a sender or receiver does. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "console.h"
#include "destinations.h"
#include "roster.h"

#include <sightline/stats.h>

struct progress {
    bool sender;
    const sl_stats *stats;
    double fps;
    bool stale; /* nothing has come lately, so that the last age says nothing of now */
    const struct destinations *destinations; /* NULL: none were named */
    const struct roster *roster;             /* NULL: a sender has none */
    double lost_s;                           /* sender: how long its source has been gone */
};

#define PROGRESS_STATE_MAX 200
#define PROGRESS_REST_MAX  200

/* Writes how it stands, and the figures behind that. Gives how good that is. */
enum console_mood progress_describe(const struct progress *progress, char state[PROGRESS_STATE_MAX],
                                    char rest[PROGRESS_REST_MAX]);

#endif
