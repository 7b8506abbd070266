/* What browsers ask for, and what comes of that. */
#include "sink/web/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const sl_web_guard open_guard = {0};
static const sl_web_guard closed_guard = {.token = "0123456789abcdef"};

/* A request as a browser on this machine makes it. */
static sl_web_request get(const char *path) {
    return (sl_web_request){
        .method = "GET", .path = path, .local = "127.0.0.1", .headers.host = "127.0.0.1:8080"};
}

static sl_web_request post(const char *path, const char *body) {
    sl_web_request request = get(path);
    request.method = "POST";
    request.headers.mark = "1";
    request.body = body;
    return request;
}

static sl_web_task read_by(const sl_web_request *request, const sl_web_guard *guard) {
    sl_web_task task;
    sl_web_request_read(request, guard, &task);
    if (task.what == SL_WEB_REFUSE) {
        assert_true(task.status >= 400);
        assert_non_null(task.sentence);
        assert_int_equal(task.status == 405, task.allow != NULL);
    }
    return task;
}

static sl_web_task read(const sl_web_request *request) {
    return read_by(request, &open_guard);
}

static void assert_refused(const sl_web_request *request, int status) {
    sl_web_task task = read(request);
    assert_int_equal(task.what, SL_WEB_REFUSE);
    assert_int_equal(task.status, status);
}

static void paths_lead_somewhere(void **state) {
    (void)state;
    static const struct {
        const char *path;
        sl_web_what what;
        const char *id;
    } cases[] = {
        {"/", SL_WEB_FILE, ""},
        {"/index.html", SL_WEB_FILE, ""},
        {"/app.js", SL_WEB_FILE, ""},
        {"/api/cameras", SL_WEB_CAMERAS, ""},
        {"/api/events", SL_WEB_EVENTS, ""},
        {"/metrics", SL_WEB_METRICS, ""},
        {"/healthz", SL_WEB_HEALTH, ""},
        {"/api/cameras/front-door_2.a/snapshot.jpg", SL_WEB_SNAPSHOT, "front-door_2.a"},
        {"/api/cameras/a/stream", SL_WEB_STREAM_PICTURES, "a"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sl_web_request request = get(cases[i].path);
        sl_web_task task = read(&request);
        assert_int_equal(task.what, cases[i].what);
        assert_string_equal(task.id, cases[i].id);
    }
}

static void other_paths_lead_nowhere(void **state) {
    (void)state;
    static const char *const paths[] = {
        "",
        "index.html",
        "//",
        "/../etc/passwd",
        "/..",
        "/app.js/",
        "/api",
        "/api/cameras/",
        "/api/cameras/a",
        "/api/cameras/a/",
        "/api/cameras//stream",
        "/api/cameras/../stream",
        "/api/cameras/.a/stream",
        "/api/cameras/a b/stream",
        "/api/cameras/a/b/stream",
        "/api/cameras/a/stream/",
        "/api/cameras/\xff/stream",
        "/api/cameras/a//api/cameras",
        "snapshot.jpg",
        "stream",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        sl_web_request request = get(paths[i]);
        assert_refused(&request, 404);
    }
    char path[512];
    snprintf(path, sizeof(path), "/api/cameras/%0200d/stream", 1);
    sl_web_request request = get(path);
    assert_refused(&request, 404);
}

static void methods_matter(void **state) {
    (void)state;
    sl_web_request request = get("/api/cameras");
    request.method = "HEAD";
    assert_int_equal(read(&request).what, SL_WEB_CAMERAS);
    request.method = "POST";
    assert_refused(&request, 405);
    request.method = "OPTIONS";
    assert_refused(&request, 405);
    request = get("/api/cameras/a/record");
    assert_refused(&request, 405);
    assert_string_equal(read(&request).allow, "POST");
}

static void streams_come_in_two_forms(void **state) {
    (void)state;
    sl_web_request request = get("/api/cameras/a/stream");
    request.query.as = "frames";
    assert_int_equal(read(&request).what, SL_WEB_STREAM_FRAMES);
    request.query.as = "mjpeg";
    assert_int_equal(read(&request).what, SL_WEB_STREAM_PICTURES);
    request.query.as = "";
    assert_refused(&request, 400);
    request = get("/api/cameras/a/snapshot.jpg");
    request.query.download = "";
    assert_true(read(&request).download);
}

static void several_cameras_are_named(void **state) {
    (void)state;
    sl_web_request request = get("/api/streams");
    assert_refused(&request, 400);
    request.query.camera = "a,b";
    assert_int_equal(read(&request).what, SL_WEB_STREAM_SEVERAL);
    assert_string_equal(read(&request).cameras, "a,b");
    assert_int_equal(read_by(&request, &closed_guard).status, 401);
}

static void foreign_names_and_pages_are_refused(void **state) {
    (void)state;
    sl_web_request request = get("/");
    request.headers.host = "evil.example";
    assert_refused(&request, 403);
    assert_true(read(&request).page);
    request = get("/api/cameras");
    request.headers.origin = "http://evil.example";
    assert_refused(&request, 403);
    request.headers.origin = "http://127.0.0.1:8080";
    assert_int_equal(read(&request).what, SL_WEB_CAMERAS);
    request.headers.fetch_site = "cross-site";
    assert_refused(&request, 403);
    request.headers.fetch_site = "same-origin";
    assert_int_equal(read(&request).what, SL_WEB_CAMERAS);
    request = post("/api/cameras/a/record", "action=start");
    request.headers.fetch_site = "cross-site";
    assert_refused(&request, 403);
}

/* A picture in their pages, and a link to the page, are what other sites may have. */
static void other_sites_show_pictures(void **state) {
    (void)state;
    sl_web_request request = get("/api/cameras/a/stream");
    request.headers.fetch_site = "cross-site";
    assert_int_equal(read(&request).what, SL_WEB_STREAM_PICTURES);
    assert_true(read(&request).anywhere);
    request.query.as = "frames";
    assert_refused(&request, 403);
    assert_false(read(&request).anywhere);
    request.query.as = NULL;
    request.path = "/api/cameras/a/snapshot.jpg";
    assert_int_equal(read(&request).what, SL_WEB_SNAPSHOT);
    request.path = "/";
    assert_refused(&request, 403);
    request.headers.fetch_mode = "navigate";
    assert_int_equal(read(&request).what, SL_WEB_FILE);
    request.path = "/metrics";
    assert_refused(&request, 403);
}

static void tokens_are_asked_for(void **state) {
    (void)state;
    static const char *const paths[] = {"/",
                                        "/metrics",
                                        "/api/cameras",
                                        "/api/events",
                                        "/api/cameras/a/stream",
                                        "/api/cameras/a/snapshot.jpg"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        sl_web_request request = get(paths[i]);
        sl_web_task task = read_by(&request, &closed_guard);
        assert_int_equal(task.what, SL_WEB_REFUSE);
        assert_int_equal(task.status, 401);
        assert_int_equal(task.page, i == 0);
        request.headers.authorization = "Bearer 0123456789abcdef";
        assert_int_not_equal(read_by(&request, &closed_guard).what, SL_WEB_REFUSE);
        request.headers.authorization = NULL;
        request.headers.cookie = "sightline-8080=0123456789abcdef";
        assert_int_not_equal(read_by(&request, &closed_guard).what, SL_WEB_REFUSE);
        request.headers.cookie = NULL;
        request.query.token = "0123456789abcdef";
        assert_int_equal(read_by(&request, &closed_guard).what == SL_WEB_LOG_IN, i == 0);
        assert_int_not_equal(read_by(&request, &closed_guard).what, SL_WEB_REFUSE);
        request.query.token = "0123456789abcdeX";
        assert_int_equal(read_by(&request, &closed_guard).status, 401);
    }
    sl_web_request request = get("/healthz");
    assert_int_equal(read_by(&request, &closed_guard).what, SL_WEB_HEALTH);
    request.path = "/style.css";
    assert_int_equal(read_by(&request, &closed_guard).what, SL_WEB_FILE);
}

static void recordings_are_ordered(void **state) {
    (void)state;
    sl_web_request request = post("/api/cameras/a/record", "action=start");
    assert_int_equal(read(&request).action, SL_WEB_RECORD_START);
    request.body = "action=stop";
    assert_int_equal(read(&request).action, SL_WEB_RECORD_STOP);
    request.body = "action=event&seconds=2.5";
    assert_int_equal(read(&request).action, SL_WEB_RECORD_EVENT);
    assert_float_equal(read(&request).seconds, 2.5, 0);
    request.body = "action=event";
    assert_float_equal(read(&request).seconds, SL_WEB_EVENT_SECONDS, 0);
    request.body = " {\"action\": \"event\", \"seconds\": 10}";
    assert_int_equal(read(&request).action, SL_WEB_RECORD_EVENT);
    assert_float_equal(read(&request).seconds, 10, 0);
    request.body = "";
    request.query.action = "event";
    request.query.seconds = "7";
    assert_float_equal(read(&request).seconds, 7, 0);
}

static void other_orders_are_refused(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "action=",
        "action=begin",
        "seconds=1",
        "action=event&seconds=",
        "action=event&seconds=0",
        "action=event&seconds=-1",
        "action=event&seconds=nan",
        "action=event&seconds=inf",
        "action=event&seconds=86401",
        "action=event&seconds=1x",
        "{",
        "{}",
        "{\"action\": 1}",
        "{\"action\": \"begin\"}",
        "{\"action\": \"event\", \"seconds\": \"1\"}",
        "{\"action\": \"event\", \"seconds\": -1}",
        "{\"action\": \"start\", \"action\": \"stop\"}",
        "[\"action\"]",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        sl_web_request request = post("/api/cameras/a/record", bodies[i]);
        assert_refused(&request, 400);
    }
}

/* What any site's form can post is refused. */
static void posts_come_from_our_page(void **state) {
    (void)state;
    sl_web_request request = post("/api/cameras/a/record", "action=start");
    request.headers.mark = NULL;
    assert_refused(&request, 403);
    static const char *const foreign[] = {"application/x-www-form-urlencoded", "text/plain",
                                          "text/plain; application/json", "application/jsonx", ""};
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        request.headers.content_type = foreign[i];
        assert_refused(&request, 403);
    }
    static const char *const own[] = {"application/json", "Application/JSON; charset=utf-8"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        request.headers.content_type = own[i];
        assert_int_equal(read(&request).what, SL_WEB_RECORD);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_somewhere),
        cmocka_unit_test(other_paths_lead_nowhere),
        cmocka_unit_test(methods_matter),
        cmocka_unit_test(streams_come_in_two_forms),
        cmocka_unit_test(several_cameras_are_named),
        cmocka_unit_test(foreign_names_and_pages_are_refused),
        cmocka_unit_test(other_sites_show_pictures),
        cmocka_unit_test(tokens_are_asked_for),
        cmocka_unit_test(recordings_are_ordered),
        cmocka_unit_test(other_orders_are_refused),
        cmocka_unit_test(posts_come_from_our_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
