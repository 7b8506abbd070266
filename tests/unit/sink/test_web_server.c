/* The page's server as browsers meet it. */
#include "browser.h"
#include "fault.h"

#include <sys/stat.h>

static char head[2048], body[65536];

static void the_page_is_there(void **state) {
    (void)state;
    sl_web *web;
    char tag[64];
    assert_int_equal(open_web(&web, NULL), 0);
    assert_non_null(strstr(sl_web_link(web), "http://127.0.0.1:"));
    assert_int_equal(fetch(web, "/", "", head, body, sizeof(body)), 200);
    assert_non_null(strstr(body, "<html"));
    assert_non_null(strstr(head, "Content-Type: text/html"));
    assert_non_null(strstr(head, "Content-Security-Policy: default-src 'self';"));
    assert_non_null(strstr(head, "X-Content-Type-Options: nosniff"));
    assert_int_equal(sscanf(strstr(head, "ETag: "), "ETag: %60s", tag), 1);
    char known[128];
    snprintf(known, sizeof(known), "If-None-Match: %s\r\n", tag);
    assert_int_equal(status_of(web, "/", known), 304);
    assert_int_equal(status_of(web, "/app.js", ""), 200);
    assert_int_equal(status_of(web, "/healthz", ""), 200);
    assert_int_equal(status_of(web, "/../etc/passwd", ""), 404);
    assert_int_equal(status_of(web, "/%2e%2e/etc/passwd", ""), 404);
    assert_int_equal(status_of(web, "/", "Origin: http://evil.example\r\n"), 403);
    assert_int_equal(fetch(web, "/api/nothing", "", head, body, sizeof(body)), 404);
    assert_non_null(strstr(body, "{\"error\":\""));
    assert_int_equal(fetch(web, "/api/cameras", "", head, body, sizeof(body)), 200);
    assert_non_null(strstr(body, "\"id\":\"yard\""));
    assert_int_equal(figure(web, "sightline_http_requests_total{code=\"403\"}"), 1);
    sl_web_close(&web);
    assert_null(web);
    sl_web_close(&web);
}

static void others_names_are_refused(void **state) {
    (void)state;
    sl_web *web;
    static const char *const named[] = {"web_hosts", "cameras.example", NULL};
    assert_int_equal(open_web(&web, named), 0);
    int browser = dial(web, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_int_equal(read_response(browser, head, body, sizeof(body)), 403);
    browser = dial(web, "GET / HTTP/1.1\r\nHost: cameras.example\r\n\r\n");
    assert_int_equal(read_response(browser, head, body, sizeof(body)), 200);
    browser = dial(web, "GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(read_response(browser, head, body, sizeof(body)), 403);
    sl_web_close(&web);
}

static void a_token_opens(void **state) {
    (void)state;
    sl_web *web;
    char cookie[96];
    static const char *const closed[] = {"web_token", "abcdefgh", NULL};
    assert_int_equal(open_web(&web, closed), 0);
    assert_non_null(strstr(sl_web_link(web), "/?token=abcdefgh"));
    assert_int_equal(status_of(web, "/healthz", ""), 200);
    assert_int_equal(fetch(web, "/", "", head, body, sizeof(body)), 401);
    assert_non_null(strstr(body, "<html"));
    assert_int_equal(fetch(web, "/api/cameras", "", head, body, sizeof(body)), 401);
    assert_int_equal(fetch(web, "/?token=abcdefgh", "", head, body, sizeof(body)), 303);
    assert_non_null(strstr(head, "Location: /\r\n"));
    snprintf(cookie, sizeof(cookie), "Set-Cookie: sightline-%d=abcdefgh; Path=/; HttpOnly; ",
             port_of_link(web));
    assert_non_null(strstr(head, cookie));
    assert_non_null(strstr(head, "; SameSite=Strict"));
    assert_int_equal(status_of(web, "/", "Cookie: sightline-1=abcdefgh\r\n"), 200);
    assert_int_equal(status_of(web, "/metrics", "Authorization: Bearer abcdefgh\r\n"), 200);
    assert_int_equal(status_of(web, "/metrics?token=abcdefgh", ""), 200);
    assert_int_equal(status_of(web, "/metrics?token=abcdefgi", ""), 401);
    sl_web_close(&web);
}

static void what_can_not_be_served_is_said(void **state) {
    (void)state;
    sl_web *web;
    static const char *const wrong[][3] = {
        {"web_token", "short", NULL},
        {"web_certificate", "/nowhere", NULL},
        {"web", "nowhere", NULL},
        {"web", "192.0.2.1:0", NULL},
        {"web", "no-such-host.invalid:0", NULL},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(open_web(&web, wrong[i]), SL_EINVAL);
        assert_null(web);
    }
    static const char *const missing[] = {"web_certificate", "/nowhere/a", "web_key", "/nowhere/b",
                                          NULL};
    assert_int_equal(open_web(&web, missing), SL_ESYSTEM);
    assert_non_null(strstr(sl_error(), "/nowhere/"));
    static const char *const empty[] = {"web_certificate", "/dev/null", "web_key", "/dev/null",
                                        NULL};
    assert_int_equal(open_web(&web, empty), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "/dev/null"));
    assert_int_equal(open_web(&web, NULL), 0);
    char place[32];
    snprintf(place, sizeof(place), "%d", port_of_link(web));
    const char *const taken[] = {"web", place, NULL};
    sl_web *second;
    assert_int_equal(open_web(&second, taken), SL_EINUSE);
    sl_web_close(&web);
}

static void a_key_that_others_can_read_is_not_used(void **state) {
    (void)state;
    sl_web *web;
    char key[] = "/tmp/sightline-key-XXXXXX", sentence[128];
    int fd = mkstemp(key);
    assert_true(fd >= 0 && fchmod(fd, 0644) == 0);
    close(fd);
    const char *const exposed[] = {"web_certificate", key, "web_key", key, NULL};
    assert_int_equal(open_web(&web, exposed), SL_EINVAL);
    snprintf(sentence, sizeof(sentence), "the key of the page's certificate %s can be read by",
             key);
    assert_ptr_equal(strstr(sl_error(), sentence), sl_error());
    assert_int_equal(unlink(key), 0);
}

/* Elsewhere than on this machine a token is asked for whether one was chosen or not. */
static void outside_a_token_is_made(void **state) {
    (void)state;
    sl_web *web;
    static const char *const outside[] = {"web", "0.0.0.0:0", NULL};
    assert_int_equal(open_web(&web, outside), 0);
    const char *token = strstr(sl_web_link(web), "/?token=");
    assert_non_null(token);
    assert_int_equal(strlen(token), strlen("/?token=") + 32);
    sl_web_close(&web);
}

static void jpegs_pass_untouched(void **state) {
    (void)state;
    static struct record record;
    sl_web *web;
    assert_int_equal(open_web(&web, NULL), 0);
    assert_int_equal(sl_web_wants(web), SL_WEB_NOTHING);
    assert_int_equal(sl_web_wait(web, SL_WEB_NOTHING, NULL, 0), SL_EAGAIN);
    int browser = ask(web, "/api/cameras/door/stream?as=frames");
    await_wish(web, SL_WEB_CODED);
    assert_int_equal(read_head(browser, head, sizeof(head)), 200);
    assert_non_null(strstr(head, "application/vnd.sightline.frames"));
    for (int i = 0; i < 3; i++) {
        sl_frame *frame = jpeg(64, 48, i, 0);
        frame->captured_utc_us = 1000 + i;
        frame->sequence = (uint64_t)i;
        sl_web_take(web, frame);
        read_record(browser, &record);
        assert_int_equal(record.kind, 2);
        assert_int_equal(record.flags, 1);
        assert_int_equal(record.width, 64);
        assert_int_equal(record.height, 48);
        assert_int_equal(record.captured_us, 1000 + i);
        assert_int_equal(record.sequence, i);
        assert_int_equal(record.size, frame->size);
        assert_memory_equal(record.bytes, frame->planes[0], frame->size);
        sl_frame_unref(&frame);
    }
    close(browser);
    await_wish(web, SL_WEB_NOTHING); /* that nobody is there shows in the signs of life */
    sl_web_close(&web);
}

static void video_begins_with_a_keyframe(void **state) {
    (void)state;
    static struct record record;
    sl_web *web;
    refreshes = 0;
    assert_int_equal(open_web(&web, NULL), 0);
    int early = ask(web, "/api/cameras/yard/stream?as=frames");
    assert_int_equal(read_head(early, head, sizeof(head)), 200);
    assert_true(refreshes >= 1);
    take(web, video(1, false, 100));
    take(web, video(2, true, 70000 / 2));
    take(web, video(3, false, 100));
    read_record(early, &record);
    assert_int_equal(record.kind, 1);
    assert_int_equal(record.flags, 1);
    assert_int_equal(record.sequence, 2);
    assert_int_equal(record.size, 35000);
    assert_int_equal(record.bytes[34999], 2);
    read_record(early, &record);
    assert_int_equal(record.sequence, 3);
    assert_int_equal(record.flags, 0);
    int asked = refreshes;
    int late = ask(web, "/api/cameras/yard/stream?as=frames");
    assert_int_equal(read_head(late, head, sizeof(head)), 200);
    read_record(late, &record);
    assert_int_equal(record.sequence, 2);
    read_record(late, &record);
    assert_int_equal(record.sequence, 3);
    assert_int_equal(refreshes, asked);
    close(early);
    close(late);
    sl_web_close(&web);
}

/* Each begins with a keyframe of its own; one that isn't there has its place all the same. */
static void one_stream_carries_several_cameras(void **state) {
    (void)state;
    static struct record record;
    sl_web *web;
    assert_int_equal(open_web(&web, NULL), 0);
    assert_int_equal(status_of(web, "/api/streams?camera=cellar", ""), 404);
    assert_int_equal(status_of(web, "/api/streams?camera=", ""), 404);
    int browser = ask(web, "/api/streams?camera=yard,cellar,door");
    await_wish(web, SL_WEB_CODED);
    assert_int_equal(read_head(browser, head, sizeof(head)), 200);
    assert_int_equal((int)figure(web, "sightline_browsers"), 1);
    take(web, video(1, false, 100));
    take(web, jpeg(64, 48, 1, 0));
    read_record(browser, &record);
    assert_int_equal(record.place, 2);
    assert_int_equal(record.kind, 2);
    take(web, video(2, true, 100));
    read_record(browser, &record);
    assert_int_equal(record.place, 0);
    assert_int_equal(record.sequence, 2);
    for (int i = 0; i < 4; i++) {
        take(web, i % 2 ? video(3, true, 100) : jpeg(64, 48, 1, 0));
        read_record(browser, &record);
        assert_int_equal(record.place, i % 2 ? 0 : 2);
    }
    close(browser);
    await_wish(web, SL_WEB_NOTHING);
    sl_web_close(&web);
}

/* Reads a part of a stream of JPEGs; its length. */
static size_t read_part(int browser) {
    do {
        read_head(browser, head, sizeof(head));
    } while (!strstr(head, "Content-Length: "));
    size_t size = (size_t)atoi(strstr(head, "Content-Length: ") + strlen("Content-Length: "));
    assert_true(size > 100 && size < sizeof(body));
    read_exactly(browser, body, size);
    assert_memory_equal(body, "\xff\xd8", 2);
    assert_memory_equal(body + size - 2, "\xff\xd9", 2);
    return size;
}

static void pictures_are_coded_once_for_all(void **state) {
    (void)state;
    enum { BROWSERS = 5 };
    sl_web *web;
    int browsers[BROWSERS];
    assert_int_equal(open_web(&web, NULL), 0);
    for (int i = 0; i < BROWSERS; i++) {
        browsers[i] = ask(web, "/api/cameras/yard/stream");
        assert_int_equal(read_head(browsers[i], head, sizeof(head)), 200);
        assert_non_null(strstr(head, "multipart/x-mixed-replace; boundary="));
    }
    await_wish(web, SL_WEB_PICTURES);
    take(web, video(1, true, 100));
    sl_frame *pixels = picture(SL_FORMAT_I420, 64, 48, 7);
    assert_int_equal(sl_frame_set_port(pixels, "2"), 0);
    show(web, pixels);
    size_t size = 0;
    for (int i = 0; i < BROWSERS; i++) {
        size_t part = read_part(browsers[i]);
        assert_true(i == 0 || part == size);
        size = part;
    }
    assert_int_equal(figure(web, "sightline_coded_pictures_total"), 1);
    assert_int_equal(figure(web, "sightline_browsers"), BROWSERS);
    for (int i = 0; i < BROWSERS; i++)
        close(browsers[i]);
    sl_web_close(&web);
}

/* A camera that knew it could put parts of its own, of any type, into a JPEG. */
static void no_camera_knows_what_stands_between_pictures(void **state) {
    (void)state;
    sl_web *web;
    char boundaries[2][64];
    assert_int_equal(open_web(&web, NULL), 0);
    for (int i = 0; i < 2; i++) {
        int browser = ask(web, "/api/cameras/door/stream");
        assert_int_equal(read_head(browser, head, sizeof(head)), 200);
        const char *boundary = strstr(head, "boundary=");
        assert_non_null(boundary);
        assert_int_equal(sscanf(boundary, "boundary=%60[^\r]", boundaries[i]), 1);
        close(browser);
    }
    assert_int_equal(strlen(boundaries[0]), 32);
    assert_string_not_equal(boundaries[0], boundaries[1]);
    sl_web_close(&web);
}

/* What was never coded is, in both kinds of stream; what can't be is passed over. */
static void arrays_become_jpegs(void **state) {
    (void)state;
    static struct record record;
    static const int64_t no_picture[] = {3, 5, 7}, rgb[] = {48, 64, 3};
    sl_web *web;
    cameras[0].format = SL_FORMAT_ARRAY;
    assert_int_equal(open_web(&web, NULL), 0);
    int frames = ask(web, "/api/cameras/door/stream?as=frames");
    int pictures = ask(web, "/api/cameras/door/stream");
    assert_int_equal(read_head(frames, head, sizeof(head)), 200);
    assert_int_equal(read_head(pictures, head, sizeof(head)), 200);
    assert_int_equal(sl_web_wants(web), SL_WEB_CODED);
    take(web, array("float32", 3, no_picture));
    take(web, array("uint8", 3, rgb));
    read_record(frames, &record);
    assert_int_equal(record.kind, 2);
    assert_int_equal(record.width, 64);
    read_part(pictures);
    assert_int_equal(figure(web, "sightline_coded_pictures_total"), 1);
    close(frames);
    close(pictures);
    sl_web_close(&web);
    cameras[0].format = SL_FORMAT_JPEG;
}

static void snapshots_are_the_newest_picture(void **state) {
    (void)state;
    sl_web *web;
    assert_int_equal(open_web(&web, NULL), 0);
    int browser = ask(web, "/api/cameras/door/snapshot.jpg?download");
    await_wish(web, SL_WEB_CODED);
    sl_frame *frame = jpeg(64, 48, 3, 0);
    sl_web_take(web, frame);
    assert_int_equal(read_response(browser, head, body, sizeof(body)), 200);
    assert_memory_equal(body, frame->planes[0], frame->size);
    assert_non_null(strstr(head, "Content-Type: image/jpeg"));
    assert_non_null(strstr(head, "Content-Disposition: attachment; filename=\"door_20"));
    assert_null(strstr(head, "X-Sightline-Age-Ms"));
    cameras[0].state = SL_VIEW_GONE;
    assert_int_equal(fetch(web, "/api/cameras/door/snapshot.jpg", "", head, body, sizeof(body)),
                     200);
    assert_memory_equal(body, frame->planes[0], frame->size);
    assert_non_null(strstr(head, "X-Sightline-Age-Ms: "));
    cameras[0].state = SL_VIEW_LIVE;
    sl_frame_unref(&frame);
    cameras[1].state = SL_VIEW_LOST;
    assert_int_equal(status_of(web, "/api/cameras/yard/snapshot.jpg", ""), 503);
    cameras[1].state = SL_VIEW_LIVE;
    assert_int_equal(status_of(web, "/api/cameras/none/snapshot.jpg", ""), 404);
    assert_int_equal(status_of(web, "/api/cameras/yard/snapshot.jpg", ""), 504);
    await_wish(web, SL_WEB_NOTHING);
    sl_web_close(&web);
}

static void news_come_at_once_and_go_on(void **state) {
    (void)state;
    sl_web *web;
    assert_int_equal(open_web(&web, NULL), 0);
    int browser = ask(web, "/api/events");
    assert_int_equal(read_head(browser, head, sizeof(head)), 200);
    assert_non_null(strstr(head, "Content-Type: text/event-stream"));
    char text[8192] = "";
    size_t used = 0;
    for (int events = 0; events < 2;) {
        read_exactly(browser, text + used++, 1);
        assert_true(used + 1 < sizeof(text));
        text[used] = '\0';
        if (used > 4 && strcmp(text + used - 4, "}}\n\n") == 0)
            events++;
    }
    assert_memory_equal(text, "retry: 1000\n\nevent: cameras\ndata: {\"now\":", 41);
    assert_int_equal(sl_web_wants(web), SL_WEB_NOTHING); /* who only hears of them watches none */
    close(browser);
    sl_web_close(&web);
}

static void posts_are_bounded(void **state) {
    (void)state;
    static char text[16384];
    sl_web *web;
    assert_int_equal(open_web(&web, NULL), 0);
    static const struct {
        int length, status;
    } cases[] = {{12, 409}, {4096, 409}, {4097, 413}, {8000, 413}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int used = snprintf(text, sizeof(text),
                            "POST /api/cameras/door/record HTTP/1.1\r\nHost: localhost\r\n"
                            "X-Sightline: 1\r\nContent-Length: %d\r\n\r\naction=start",
                            cases[i].length);
        memset(text + used, '\n', (size_t)cases[i].length - 12);
        text[used + cases[i].length - 12] = '\0';
        int browser = dial(web, text);
        assert_int_equal(read_response(browser, head, body, sizeof(body)), cases[i].status);
    }
    sl_web_close(&web);
}

static int record(sl_web *web, const char *form) {
    return read_response(post(web, "/api/cameras/yard/record", form), head, body, sizeof(body));
}

static void recordings_begin_and_end(void **state) {
    (void)state;
    sl_web *web;
    sl_recorder_settings settings;
    sl_recorder_settings_init(&settings);
    settings.directory = folder;
    settings.idle = true;
    settings.viewer = &viewer;
    assert_int_equal(sl_recorder_open(&recorder, &settings), 0);
    assert_int_equal(open_web(&web, NULL), 0);
    assert_int_equal(record(web, "action=start"), 200);
    assert_non_null(strstr(body, "{\"state\":\"waiting\",\"since\":1"));
    assert_non_null(strstr(body, "\"reason\":\"waits for a frame that it can begin with\""));
    assert_non_null(strstr(body, "\"until\":null"));
    assert_int_equal(fetch(web, "/api/cameras", "", head, body, sizeof(body)), 200);
    assert_non_null(strstr(body, "\"recording\":{\"state\":\"waiting\""));
    assert_int_equal(record(web, "action=stop"), 200);
    assert_non_null(strstr(body, "{\"state\":\"off\",\"since\":null"));
    assert_int_equal(record(web, "action=event&seconds=600"), 200);
    assert_non_null(strstr(body, "\"until\":1"));
    assert_int_equal(record(web, "action=stop"), 200);
    assert_int_equal(record(web, "action=dance"), 400);
    sl_web_close(&web);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    sl_settings_finish(&settings);
}

/* All kinds of them, whether something is on its way or not. */
static void closing_ends_all(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/api/events", "/api/cameras/door/stream", "/api/cameras/door/stream?as=frames",
        "/api/streams?camera=yard,door", "/api/cameras/yard/snapshot.jpg"};
    enum { COUNT = sizeof(paths) / sizeof(paths[0]) };
    sl_web *web;
    int browsers[COUNT];
    assert_int_equal(open_web(&web, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        browsers[i] = ask(web, paths[i]);
    await_wish(web, SL_WEB_PICTURES);
    for (int i = 0; i < COUNT - 1; i++)
        read_head(browsers[i], head, sizeof(head));
    take(web, jpeg(64, 48, 1, 0));
    sl_web_close(&web);
    for (int i = 0; i < COUNT; i++) {
        while (recv(browsers[i], body, sizeof(body), 0) > 0)
            continue;
        close(browsers[i]);
    }
}

static void lack_of_memory_is_survived(void **state) {
    (void)state;
    sl_frame *frame = video(1, true, 100), *pixels = picture(SL_FORMAT_I420, 64, 48, 1);
    for (int nth = 0; fault_next(nth); nth++) {
        sl_web *web;
        int code = open_web(&web, NULL);
        assert_true(code == SL_OK || (code == SL_ENOMEM && fault_happened()));
        assert_true((code == SL_OK) == (web != NULL));
        if (web) {
            sl_web_take(web, frame);
            sl_web_take(web, pixels);
            sl_web_show(web, pixels);
        }
        sl_web_close(&web);
    }
    sl_frame_unref(&frame);
    sl_frame_unref(&pixels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_there),
        cmocka_unit_test(others_names_are_refused),
        cmocka_unit_test(a_token_opens),
        cmocka_unit_test(what_can_not_be_served_is_said),
        cmocka_unit_test(a_key_that_others_can_read_is_not_used),
        cmocka_unit_test(outside_a_token_is_made),
        cmocka_unit_test(jpegs_pass_untouched),
        cmocka_unit_test(video_begins_with_a_keyframe),
        cmocka_unit_test(one_stream_carries_several_cameras),
        cmocka_unit_test(pictures_are_coded_once_for_all),
        cmocka_unit_test(no_camera_knows_what_stands_between_pictures),
        cmocka_unit_test(arrays_become_jpegs),
        cmocka_unit_test(snapshots_are_the_newest_picture),
        cmocka_unit_test(news_come_at_once_and_go_on),
        cmocka_unit_test(posts_are_bounded),
        cmocka_unit_test(recordings_begin_and_end),
        cmocka_unit_test(closing_ends_all),
        cmocka_unit_test(lack_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
