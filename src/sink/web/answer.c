/* sink/web: responses, with the headers that all of them have. Used by server.c and api.c, on the
 * server's thread. */
#include "sink/web/server.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE_S (365 * 24 * 3600)

static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

static void count(sl_web *web, int status) {
    static const int statuses[] = SL_WEB_STATUSES;
    for (int i = 0; i < SL_WEB_STATUS_COUNT; i++)
        if (statuses[i] == status)
            atomic_fetch_add(&web->requests[i], 1);
}

enum MHD_Result sl_web_answer(sl_web_visit *visit, int status, struct MHD_Response *response) {
    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy",
                            visit->task.anywhere ? "cross-origin" : "same-origin");
    MHD_add_response_header(response, "Cache-Control",
                            visit->task.what == SL_WEB_FILE ? "no-cache" : "no-store");
    count(visit->web, status);
    enum MHD_Result queued = MHD_queue_response(visit->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

enum MHD_Result sl_web_answer_text(sl_web_visit *visit, int status, const char *type, char *text) {
    if (!text)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(text);
    else
        MHD_add_response_header(response, "Content-Type", type);
    return sl_web_answer(visit, status, response);
}

/* For a person: sentences have nothing in them that HTML would take for its own. */
static char *page_of(const char *sentence) {
    char *text;
    int size = asprintf(&text,
                        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                        "<meta name=\"viewport\" content=\"width=device-width\">"
                        "<title>Sightline</title><link rel=\"icon\" href=\"data:,\">"
                        "<link rel=\"stylesheet\" href=\"/style.css\"></head>"
                        "<body><main class=\"refusal\"><h1>Sightline</h1><p>Sorry, %s.</p></main>"
                        "</body></html>\n",
                        sentence);
    return size < 0 ? NULL : text;
}

enum MHD_Result sl_web_refuse(sl_web_visit *visit, int status, const char *sentence) {
    json_t *json = NULL;
    char *text;
    if (visit->task.page) {
        text = page_of(sentence);
    } else {
        json = json_pack("{s:s}", "error", sentence);
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    }
    json_decref(json);
    if (!text)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type",
                            visit->task.page ? "text/html; charset=utf-8" : "application/json");
    if (status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"Sightline\"");
    if (visit->task.allow)
        MHD_add_response_header(response, "Allow", visit->task.allow);
    return sl_web_answer(visit, status, response);
}

enum MHD_Result sl_web_answer_file(sl_web_visit *visit) {
    const sl_web_file *file = visit->task.file;
    const char *known =
        MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, "If-None-Match");
    bool same = known && strstr(known, file->tag);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        same ? 0 : file->size, (void *)(uintptr_t)file->bytes, MHD_RESPMEM_PERSISTENT);
    if (response) {
        MHD_add_response_header(response, "Content-Type", file->type);
        MHD_add_response_header(response, "ETag", file->tag);
    }
    return sl_web_answer(visit, same ? 304 : 200, response);
}

/* A browser that comes by another site's link sends no strict cookie while it is led on from here,
 * but does when a page of ours leads it. */
static struct MHD_Response *lead_on(const sl_web_visit *visit, int *status) {
    static char page[] = "<!DOCTYPE html><html lang=\"en\"><title>Sightline</title>"
                         "<meta http-equiv=\"refresh\" content=\"0;url=/\"></html>";
    const char *site =
        MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, "Sec-Fetch-Site");
    bool foreign = site && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(foreign ? strlen(page) : 0, page, MHD_RESPMEM_PERSISTENT);
    *status = foreign ? 200 : 303;
    if (response && foreign)
        MHD_add_response_header(response, "Content-Type", "text/html; charset=utf-8");
    else if (response)
        MHD_add_response_header(response, "Location", "/");
    return response;
}

enum MHD_Result sl_web_answer_log_in(sl_web_visit *visit) {
    const sl_web *web = visit->web;
    char cookie[SL_WEB_TOKEN_MAX + 128];
    int status;
    struct MHD_Response *response = lead_on(visit, &status);
    snprintf(cookie, sizeof(cookie),
             SL_WEB_COOKIE "%d=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
             sl_web_door_port(web->door), web->token, COOKIE_S, web->certificate ? "; Secure" : "");
    if (response)
        MHD_add_response_header(response, "Set-Cookie", cookie);
    return sl_web_answer(visit, status, response);
}
