/* sink/web: what a browser asks for. Pure: a request in, what to do out; no sockets, no cameras. */
#ifndef SINK_WEB_REQUEST_H
#define SINK_WEB_REQUEST_H

#include "sink/web/files.h"
#include "sink/web/guard.h"
#include <sightline/view.h>
#include <stdbool.h>

#define SL_WEB_BODY_MAX      4096
#define SL_WEB_SECONDS_MAX   86400
#define SL_WEB_EVENT_SECONDS 30 /* of an event that doesn't say how long */

/* As it came, decoded; what isn't there is NULL. */
typedef struct sl_web_request {
    const char *method, *path;
    const char *local; /* the address that it came to, in numbers */
    struct {
        const char *host, *origin, *fetch_site, *fetch_mode, *authorization, *cookie, *content_type,
            *mark; /* X-Sightline */
    } headers;
    struct {
        const char *token, *as, *action, *seconds, *download, *camera;
    } query;
    const char *body; /* NUL-ended; NULL: it isn't there yet, and doesn't matter before */
} sl_web_request;

typedef enum sl_web_what {
    SL_WEB_REFUSE, /* with status and sentence */
    SL_WEB_LOG_IN, /* give the cookie, and lead to the page */
    SL_WEB_FILE,
    SL_WEB_CAMERAS,
    SL_WEB_EVENTS,
    SL_WEB_METRICS,
    SL_WEB_HEALTH,
    SL_WEB_SNAPSHOT,
    SL_WEB_STREAM_PICTURES,
    SL_WEB_STREAM_FRAMES,
    SL_WEB_STREAM_SEVERAL,
    SL_WEB_RECORD,
} sl_web_what;

typedef enum sl_web_action {
    SL_WEB_RECORD_START,
    SL_WEB_RECORD_STOP,
    SL_WEB_RECORD_EVENT,
} sl_web_action;

typedef struct sl_web_task {
    sl_web_what what;
    int status;           /* SL_WEB_REFUSE */
    const char *sentence; /* SL_WEB_REFUSE; static */
    const char *allow;    /* SL_WEB_REFUSE, 405: what is allowed; static */
    bool page;            /* a person asks: refusals come as a page */
    bool anywhere;        /* other sites' pages may show it */
    const sl_web_file *file;
    char id[SL_VIEW_ID_MAX]; /* of the camera that it is about */
    const char *cameras; /* SL_WEB_STREAM_SEVERAL: their ids, with commas between; the request's */
    bool download;
    sl_web_action action;
    double seconds; /* SL_WEB_RECORD_EVENT */
} sl_web_task;

/* What to do. */
void sl_web_request_read(const sl_web_request *request, const sl_web_guard *guard,
                         sl_web_task *task);

#endif
