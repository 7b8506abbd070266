/* sink/web: what a browser asks for, and whether it may. Used by server.c, and by a fuzzer. */
#include "sink/web/request.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CAMERAS "/api/cameras"

static const struct route {
    const char *path;
    sl_web_what what;
    bool of_camera; /* the path goes on from /api/cameras/ID/ */
} routes[] = {
    {CAMERAS, SL_WEB_CAMERAS, false},
    {"/api/events", SL_WEB_EVENTS, false},
    {"/api/streams", SL_WEB_STREAM_SEVERAL, false},
    {"/metrics", SL_WEB_METRICS, false},
    {"/healthz", SL_WEB_HEALTH, false},
    {"snapshot.jpg", SL_WEB_SNAPSHOT, true},
    {"stream", SL_WEB_STREAM_PICTURES, true},
    {"record", SL_WEB_RECORD, true},
};

static void refuse(sl_web_task *task, int status, const char *sentence) {
    task->what = SL_WEB_REFUSE;
    task->status = status;
    task->sentence = sentence;
}

/* Takes ID of "ID/REST"; REST, or NULL when there is no such camera for sure. */
static const char *take_id(const char *path, sl_web_task *task) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t length = strspn(path, letters);
    if (length == 0 || length >= sizeof(task->id) || path[0] == '.' || path[length] != '/')
        return NULL;
    memcpy(task->id, path, length);
    task->id[length] = '\0';
    return path + length + 1;
}

static const sl_web_file *find_file(const char *path) {
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    const sl_web_file *file = sl_web_files;
    while (file->path && strcmp(file->path, path) != 0)
        file++;
    return file->path ? file : NULL;
}

static void find(const sl_web_request *request, sl_web_task *task) {
    const char *path = request->path;
    task->file = find_file(path);
    if (task->file) {
        task->what = SL_WEB_FILE;
        return;
    }
    bool of_camera = strncmp(path, CAMERAS "/", strlen(CAMERAS "/")) == 0;
    if (of_camera)
        path = take_id(path + strlen(CAMERAS "/"), task);
    for (size_t i = 0; path && i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (routes[i].of_camera == of_camera && strcmp(path, routes[i].path) == 0) {
            task->what = routes[i].what;
            return;
        }
    }
    refuse(task, 404, "there is nothing here: the page is at /, and cameras at " CAMERAS);
}

/* Which kind of stream is meant. */
static void choose_stream(const sl_web_request *request, sl_web_task *task) {
    const char *as = request->query.as;
    if (as && strcmp(as, "frames") == 0)
        task->what = SL_WEB_STREAM_FRAMES;
    else if (as && strcmp(as, "mjpeg") != 0)
        refuse(task, 400, "a stream comes as=frames, or as=mjpeg");
}

static bool is(const char *text, const char *word) {
    return text && strcmp(text, word) == 0;
}

static void check_method(const sl_web_request *request, sl_web_task *task) {
    bool post = task->what == SL_WEB_RECORD;
    if (post ? is(request->method, "POST")
             : is(request->method, "GET") || is(request->method, "HEAD"))
        return;
    task->allow = post ? "POST" : "GET, HEAD";
    refuse(task, 405, post ? "this wants to be posted" : "this can only be read: GET it");
}

/* What other sites' pages let their visitors' browsers ask for: pictures to show, and to go to our
 * page. */
static void check_site(const sl_web_request *request, sl_web_task *task) {
    const char *site = request->headers.fetch_site;
    bool own = !site || strcasecmp(site, "same-origin") == 0 || strcasecmp(site, "none") == 0;
    bool visit = task->what == SL_WEB_FILE && is(request->headers.fetch_mode, "navigate");
    task->anywhere = task->what == SL_WEB_SNAPSHOT || task->what == SL_WEB_STREAM_PICTURES;
    if (own || visit || task->anywhere)
        return;
    refuse(task, 403, "another site's page may not ask for this, only show pictures from here");
}

static void check_token(const sl_web_request *request, const sl_web_guard *guard,
                        sl_web_task *task) {
    bool open = task->what == SL_WEB_FILE && !task->page; /* nothing in them is secret */
    if (!guard->token || task->what == SL_WEB_HEALTH || open)
        return;
    bool in_link = sl_web_guard_token(guard, request->query.token);
    if (!in_link && !sl_web_guard_bearer(guard, request->headers.authorization) &&
        !sl_web_guard_cookie(guard, request->headers.cookie))
        refuse(task, 401,
               "this wants a token: open the link that the viewer printed when it started, or send "
               "the header Authorization: Bearer TOKEN");
    else if (in_link && task->page && task->what == SL_WEB_FILE)
        task->what = SL_WEB_LOG_IN;
}

/* Other sites' forms can neither set a header nor post JSON. */
static bool ours(const sl_web_request *request) {
    static const char json[] = "application/json";
    const char *type = request->headers.content_type;
    if (request->headers.mark)
        return true;
    return type && strncasecmp(type, json, strlen(json)) == 0 &&
           (type[strlen(json)] == '\0' || strchr("; \t", type[strlen(json)]));
}

static void take_action(sl_web_task *task, const char *action) {
    if (is(action, "start"))
        task->action = SL_WEB_RECORD_START;
    else if (is(action, "stop"))
        task->action = SL_WEB_RECORD_STOP;
    else if (is(action, "event"))
        task->action = SL_WEB_RECORD_EVENT;
    else
        refuse(task, 400, "say what to do: action=start, action=stop or action=event");
}

static void take_seconds(sl_web_task *task, double seconds) {
    if (isfinite(seconds) && seconds > 0 && seconds <= SL_WEB_SECONDS_MAX)
        task->seconds = seconds;
    else
        refuse(task, 400, "seconds of an event are more than 0, and at most 86400");
}

static void take_seconds_text(sl_web_task *task, const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    take_seconds(task, *text && *end == '\0' ? seconds : -1);
}

/* {"action":"event","seconds":10} */
static void read_json(const char *body, sl_web_task *task) {
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    const json_t *seconds = json_object_get(json, "seconds");
    if (!json_is_object(json))
        refuse(task, 400, "the body is no JSON object");
    else
        take_action(task, json_string_value(json_object_get(json, "action")));
    if (seconds && task->what == SL_WEB_RECORD)
        take_seconds(task, json_is_number(seconds) ? json_number_value(seconds) : -1);
    json_decref(json);
}

/* action=event&seconds=10 */
static void read_form(const char *body, sl_web_task *task) {
    char form[SL_WEB_BODY_MAX + 1], *rest = form, *field;
    const char *action = NULL, *seconds = NULL;
    snprintf(form, sizeof(form), "%s", body);
    while ((field = strsep(&rest, "&\r\n"))) {
        if (strncmp(field, "action=", 7) == 0)
            action = field + 7;
        else if (strncmp(field, "seconds=", 8) == 0)
            seconds = field + 8;
    }
    take_action(task, action);
    if (seconds && task->what == SL_WEB_RECORD)
        take_seconds_text(task, seconds);
}

static void read_record(const sl_web_request *request, sl_web_task *task) {
    const char *body = request->body ? request->body : "";
    body += strspn(body, " \t\r\n");
    task->seconds = SL_WEB_EVENT_SECONDS;
    if (request->query.action)
        take_action(task, request->query.action);
    else if (*body == '{')
        read_json(body, task);
    else
        read_form(body, task);
    if (request->query.seconds && task->what == SL_WEB_RECORD)
        take_seconds_text(task, request->query.seconds);
}

/* What can be said before it matters what is asked for. */
static bool check_sender(const sl_web_request *request, const sl_web_guard *guard,
                         sl_web_task *task) {
    const char *host = request->headers.host, *origin = request->headers.origin;
    if (!sl_web_guard_host(guard, host, request->local))
        refuse(task, 403,
               "this viewer does not go by that name: call it by its address, or give it the name "
               "with web_hosts");
    else if (origin && !sl_web_guard_origin(origin, host))
        refuse(task, 403, "another site's page may not ask for this");
    return task->what != SL_WEB_REFUSE;
}

void sl_web_request_read(const sl_web_request *request, const sl_web_guard *guard,
                         sl_web_task *task) {
    *task = (sl_web_task){.what = SL_WEB_HEALTH, .page = strcmp(request->path, "/") == 0};
    if (!check_sender(request, guard, task))
        return;
    find(request, task);
    if (task->what == SL_WEB_STREAM_PICTURES)
        choose_stream(request, task);
    if (task->what != SL_WEB_REFUSE)
        check_method(request, task);
    if (task->what != SL_WEB_REFUSE)
        check_site(request, task);
    if (task->what != SL_WEB_REFUSE)
        check_token(request, guard, task);
    task->download = request->query.download != NULL;
    task->cameras = request->query.camera;
    if (task->what == SL_WEB_STREAM_SEVERAL && !task->cameras)
        refuse(task, 400, "say of which cameras: /api/streams?camera=ID,ID");
    if (task->what == SL_WEB_RECORD && !ours(request))
        refuse(task, 403, "a post wants the header X-Sightline: 1, or the type application/json");
    if (task->what == SL_WEB_RECORD && request->body)
        read_record(request, task);
}
