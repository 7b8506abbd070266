/* sink/web: the HTTP server. Used by web.c. */
#include "sink/web/server.h"
#include "base/clock.h"
#include "base/error.h"

#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX (SL_WEB_GUESTS_MAX + SL_WEB_GUESTS_GOING + 16) /* never reached */
#define MEMORY_BYTES    (32 * 1024)                                    /* for one request's head */
#define TIMEOUT_S       10 /* in which nothing came, or could be sent */
#define PRIORITIES      "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"

static void log_line(void *user, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* What libmicrohttpd has to say is about what browsers do, but while it starts. */
static void log_line(void *user, const char *format, va_list arguments) {
    sl_web *web = user;
    uint64_t held_back;
    char line[sizeof(web->trouble)];
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\n")] = '\0';
    if (!web->daemon)
        memcpy(web->trouble, line, sizeof(line));
    else if (sl_log_limit_pass(&web->limit, &held_back))
        sl_log(SL_LOG_DEBUG, "web", "%s (and %" PRIu64 " lines before)", line, held_back);
}

static const char *header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* NULL where it isn't there, "" where it has no value. */
static const char *argument(struct MHD_Connection *connection, const char *name) {
    const char *value = NULL;
    size_t size;
    if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
                                      &size) == MHD_NO)
        return NULL;
    return value ? value : "";
}

/* The address of this machine that a connection came to. */
static void find_local(struct MHD_Connection *connection, char *local, size_t size) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage own;
    socklen_t length = sizeof(own);
    local[0] = '\0';
    if (info && getsockname(info->connect_fd, (struct sockaddr *)&own, &length) == 0)
        getnameinfo((struct sockaddr *)&own, length, local, (socklen_t)size, NULL, 0,
                    NI_NUMERICHOST);
    local[strcspn(local, "%")] = '\0'; /* browsers don't name the interface */
}

/* Finds out what is wanted; `body` is NULL before it has come. */
static void read_request(sl_web_visit *visit, const char *method, const char *path,
                         const char *body) {
    struct MHD_Connection *connection = visit->connection;
    char local[128];
    find_local(connection, local, sizeof(local));
    sl_web_request request = {
        .method = method,
        .path = path,
        .local = local,
        .headers = {.host = header(connection, "Host"),
                    .origin = header(connection, "Origin"),
                    .fetch_site = header(connection, "Sec-Fetch-Site"),
                    .fetch_mode = header(connection, "Sec-Fetch-Mode"),
                    .authorization = header(connection, "Authorization"),
                    .cookie = header(connection, "Cookie"),
                    .content_type = header(connection, "Content-Type"),
                    .mark = header(connection, "X-Sightline")},
        .query = {.token = argument(connection, "token"),
                  .as = argument(connection, "as"),
                  .action = argument(connection, "action"),
                  .seconds = argument(connection, "seconds"),
                  .download = argument(connection, "download"),
                  .camera = argument(connection, "camera")},
        .body = body,
    };
    sl_web_request_read(&request, &visit->web->guard, &visit->task);
}

static enum MHD_Result carry_out(sl_web_visit *visit) {
    switch (visit->task.what) {
    case SL_WEB_LOG_IN:
        return sl_web_answer_log_in(visit);
    case SL_WEB_FILE:
        return sl_web_answer_file(visit);
    case SL_WEB_CAMERAS:
        return sl_web_answer_cameras(visit);
    case SL_WEB_METRICS:
        return sl_web_answer_metrics(visit);
    case SL_WEB_HEALTH:
        return sl_web_answer_text(visit, MHD_HTTP_OK, "text/plain", strdup("ok\n"));
    case SL_WEB_SNAPSHOT:
        return sl_web_answer_snapshot(visit);
    case SL_WEB_EVENTS:
    case SL_WEB_STREAM_PICTURES:
    case SL_WEB_STREAM_FRAMES:
        return sl_web_answer_stream(visit);
    case SL_WEB_STREAM_SEVERAL:
        return sl_web_answer_streams(visit);
    case SL_WEB_RECORD:
        return sl_web_answer_record(visit);
    default:
        return sl_web_refuse(visit, visit->task.status, visit->task.sentence);
    }
}

static sl_web_visit *begin_visit(sl_web *web, struct MHD_Connection *connection) {
    sl_web_visit *visit = calloc(1, sizeof(*visit));
    if (!visit)
        return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    visit->web = web;
    visit->connection = connection;
    visit->guest = info ? info->socket_context : NULL;
    return visit;
}

static void take_body(sl_web_visit *visit, const char *data, size_t size) {
    visit->beyond |= size > SL_WEB_BODY_MAX - visit->size;
    if (visit->beyond)
        return;
    memcpy(visit->body + visit->size, data, size);
    visit->size += size;
}

/* Called when the head of a request has come, for each piece of its body, and at its end; then
 * again whenever a snapshot that is waited for was woken. */
static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state) {
    (void)version;
    sl_web_visit *visit = *state;
    if (!visit) {
        *state = visit = begin_visit(user, connection);
        if (!visit)
            return MHD_NO;
        read_request(visit, method, path, NULL);
        return visit->task.what == SL_WEB_REFUSE && header(connection, "Content-Length")
                   ? carry_out(visit)
                   : MHD_YES;
    }
    if (*size > 0) {
        take_body(visit, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (visit->beyond && visit->task.what != SL_WEB_REFUSE)
        return sl_web_refuse(visit, 413, "the body is too long");
    if (!visit->waits)
        read_request(visit, method, path, visit->body);
    return carry_out(visit);
}

static void complete(void *user, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode why) {
    (void)connection;
    sl_web *web = user;
    sl_web_visit *visit = *state;
    if (!visit)
        return;
    if (why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
        atomic_fetch_add(&web->cut_off, visit->streams);
    if (visit->waits)
        sl_web_hub_leave(&visit->reader);
    if (visit->guest)
        sl_web_guest_hurry(visit->guest);
    free(visit);
    *state = NULL;
}

static void meet(void *user, struct MHD_Connection *connection, void **context,
                 enum MHD_ConnectionNotificationCode what) {
    sl_web *web = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (what == MHD_CONNECTION_NOTIFY_STARTED && info)
        *context = sl_web_door_met(web->door, info->connect_fd);
    else if (what == MHD_CONNECTION_NOTIFY_CLOSED && *context)
        sl_web_door_left(web->door, *context);
}

static struct MHD_Daemon *start_daemon(sl_web *web) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, web->certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, web->key},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, PRIORITIES},
                                   {MHD_OPTION_END, 0, NULL}};
    if (web->certificate)
        flags |= MHD_USE_TLS;
    else
        tls[0] = tls[3];
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, web, MHD_OPTION_EXTERNAL_LOGGER, log_line, web,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, complete, web,
        MHD_OPTION_NOTIFY_CONNECTION, meet, web, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

int sl_web_server_start(sl_web *web) {
    /* Signals are for the host's own threads: the daemon's inherits a full mask. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = start_daemon(web);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    web->daemon = daemon;
    if (daemon)
        return SL_OK;
    if (web->certificate)
        return sl_fail(SL_EINVAL,
                       "cannot serve the page with the certificate in %s and the key in %s: %s",
                       web->settings.certificate, web->settings.key,
                       web->trouble[0] ? web->trouble : "they don't go together, or are damaged");
    return sl_fail(SL_ESYSTEM, "cannot start to serve the page: %s",
                   web->trouble[0] ? web->trouble : "libmicrohttpd refuses");
}

void sl_web_server_stop(sl_web *web) {
    if (web->daemon)
        MHD_stop_daemon(web->daemon);
    web->daemon = NULL;
}
