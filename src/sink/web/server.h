/* sink/web: the HTTP server, all of libmicrohttpd but the suspending of connections (hub.c). Its
 * polling thread runs all that is answered; nothing there waits. */
#ifndef SINK_WEB_SERVER_H
#define SINK_WEB_SERVER_H

#include "base/log.h"
#include "sink/web/door.h"
#include "sink/web/hub.h"
#include "sink/web/metrics.h"
#include "sink/web/press.h"
#include "sink/web/request.h"

#include <microhttpd.h>
#include <stdatomic.h>

struct sl_web {
    sl_web_settings settings; /* our copy */
    sl_viewer viewer;
    char host[256]; /* that it listens at; "*": everywhere */
    char token[SL_WEB_TOKEN_MAX + 1];
    char link[512];
    sl_web_guard guard;
    sl_web_hub *hub;
    sl_web_press *press;
    sl_web_door *door;
    struct MHD_Daemon *daemon;
    char *certificate, *key; /* PEM */
    char trouble[256];       /* what libmicrohttpd said last while it was started */
    sl_log_limit limit;      /* of what it says; its thread's */
    atomic_ullong requests[SL_WEB_STATUS_COUNT], cut_off, sent_bytes;
};

/* A request that is being answered. */
typedef struct sl_web_visit {
    sl_web *web;
    struct MHD_Connection *connection;
    sl_web_guest *guest;
    sl_web_task task;
    sl_web_reader reader; /* of a snapshot that is waited for */
    bool waits;
    bool streams;
    bool beyond; /* the body is too long */
    int64_t until_us;
    size_t size;
    char body[SL_WEB_BODY_MAX + 1];
} sl_web_visit;

/* Starts and stops the daemon; once everybody who rests was woken for good. */
int sl_web_server_start(sl_web *web);
void sl_web_server_stop(sl_web *web);

/* How a request is answered; each queues a response. */

enum MHD_Result sl_web_answer(sl_web_visit *visit, int status, struct MHD_Response *response);
enum MHD_Result sl_web_answer_text(sl_web_visit *visit, int status, const char *type, char *text);
enum MHD_Result sl_web_refuse(sl_web_visit *visit, int status, const char *sentence);
enum MHD_Result sl_web_answer_file(sl_web_visit *visit);
enum MHD_Result sl_web_answer_log_in(sl_web_visit *visit);

/* What depends on cameras (api.c). */

enum MHD_Result sl_web_answer_cameras(sl_web_visit *visit);
enum MHD_Result sl_web_answer_metrics(sl_web_visit *visit);
enum MHD_Result sl_web_answer_record(sl_web_visit *visit);
enum MHD_Result sl_web_answer_snapshot(sl_web_visit *visit); /* may have to be called again */
enum MHD_Result sl_web_answer_stream(sl_web_visit *visit);   /* news, too */
enum MHD_Result sl_web_answer_streams(sl_web_visit *visit);  /* of several cameras */

/* The camera that the request is about; else it is refused, and `*answered` what came of that. */
bool sl_web_find_camera(sl_web_visit *visit, sl_camera_view *camera, enum MHD_Result *answered);

/* Finds those of the cameras that several are asked for which are there, up to SL_VIEWS_MAX; fills
 * in the places that they have in the request. How many. */
size_t sl_web_find_cameras(const sl_web_visit *visit, sl_camera_view *found, unsigned *places);

/* How a camera's recording goes; false when nothing can be recorded (recording.c). */
bool sl_web_recording(const sl_web *web, const sl_camera_view *camera, sl_recording *recording);

/* Tells who reads news how it is, unless that was told just now. */
void sl_web_tell_news(sl_web *web, int64_t at_most_us);

#endif
