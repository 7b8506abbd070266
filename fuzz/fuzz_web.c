/* What a browser asks for: the fields of a request, a line each, and behind them its body.
 * Whatever they say, there is an answer that can be given, and nothing is allowed to a stranger. */
#include "fuzz.h"
#include "sink/web/request.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN "0123456789abcdef"

/* The next line, or NULL where it is empty or there is none: a field that isn't there. */
static const char *next(char **rest) {
    char *line = strsep(rest, "\n");
    return line && *line ? line : NULL;
}

static sl_web_request read_fields(char *text) {
    sl_web_request request = {.method = next(&text)};
    request.path = next(&text);
    request.headers.host = next(&text);
    request.headers.origin = next(&text);
    request.headers.fetch_site = next(&text);
    request.headers.fetch_mode = next(&text);
    request.headers.authorization = next(&text);
    request.headers.cookie = next(&text);
    request.headers.content_type = next(&text);
    request.headers.mark = next(&text);
    request.query.token = next(&text);
    request.query.as = next(&text);
    request.query.action = next(&text);
    request.query.seconds = next(&text);
    request.query.download = next(&text);
    request.query.camera = next(&text);
    request.body = text ? text : "";
    request.local = "127.0.0.1";
    if (!request.method)
        request.method = "";
    if (!request.path)
        request.path = "";
    return request;
}

static int knows_token(const sl_web_request *request) {
    return (request->query.token && strcmp(request->query.token, TOKEN) == 0) ||
           (request->headers.authorization && strstr(request->headers.authorization, TOKEN)) ||
           (request->headers.cookie && strstr(request->headers.cookie, TOKEN));
}

static void check(const sl_web_request *request, const sl_web_guard *guard) {
    sl_web_task task;
    sl_web_request_read(request, guard, &task);
    if (memchr(task.id, '\0', sizeof(task.id)) == NULL || task.id[0] == '.' || strchr(task.id, '/'))
        abort();
    if (task.what == SL_WEB_REFUSE) {
        if (task.status < 400 || task.status > 499 || !task.sentence)
            abort();
        return;
    }
    bool open = task.what == SL_WEB_HEALTH || (task.what == SL_WEB_FILE && !task.page);
    if (!request->headers.host || (guard->token && !open && !knows_token(request)))
        abort();
    if (task.what == SL_WEB_STREAM_SEVERAL && !task.cameras)
        abort();
    if (task.what == SL_WEB_RECORD && (strcmp(request->method, "POST") != 0 ||
                                       !(task.seconds > 0 && task.seconds <= SL_WEB_SECONDS_MAX)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const sl_web_guard guards[] = {{0}, {TOKEN, "viewer.example,cameras.example"}};
    if (size > SL_WEB_BODY_MAX)
        return 0;
    for (int i = 0; i < 2; i++) {
        char *text = malloc(size + 1);
        if (!text)
            return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        sl_web_request request = read_fields(text);
        check(&request, &guards[i]);
        free(text);
    }
    return 0;
}
