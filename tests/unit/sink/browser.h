/* A browser for tests of the page's server, and a viewer without a receiver behind it. */
#ifndef TESTS_UNIT_SINK_BROWSER_H
#define TESTS_UNIT_SINK_BROWSER_H

#include "pictures.h"

#include <arpa/inet.h>
#include <endian.h>
#include <sightline/web.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

/* What the viewer knows: a camera that sends JPEG, and one that sends video. */
static sl_camera_view cameras[] = {
    {.id = "door", .name = "door", .state = SL_VIEW_LIVE, .format = SL_FORMAT_JPEG},
    {.id = "yard", .name = "yard", .port = "2", .state = SL_VIEW_LIVE, .format = SL_FORMAT_H264},
};
static atomic_int refreshes;

static inline void fake_stats(void *user, sl_stats *stats) {
    (void)user;
    *stats = (sl_stats){.connected = true};
}

static inline size_t fake_cameras(void *user, sl_camera_view *views, size_t room) {
    (void)user;
    size_t count = sizeof(cameras) / sizeof(cameras[0]);
    for (size_t i = 0; i < count && i < room; i++)
        views[i] = cameras[i];
    return count < room ? count : room;
}

static inline void fake_refresh(void *user, const char *port) {
    (void)user;
    refreshes += strcmp(port, "2") == 0;
}

static const sl_viewer viewer = {
    .stats = fake_stats, .cameras = fake_cameras, .refresh = fake_refresh};

static sl_recorder *recorder; /* of the servers that are opened; NULL: none */

/* A server at any port of loopback; `more` are option and value by turns, ended by NULL. */
static inline int open_web(sl_web **web, const char *const *more) {
    sl_web_settings settings;
    sl_web_settings_init(&settings);
    settings.viewer = &viewer;
    settings.recorder = recorder;
    settings.listen = "0";
    int code = SL_OK;
    for (; more && *more && code == SL_OK; more += 2)
        code = sl_settings_set(&settings, more[0], more[1]);
    if (code == SL_OK)
        code = sl_web_open(web, &settings);
    sl_settings_finish(&settings);
    return code;
}

static inline int port_of_link(const sl_web *web) {
    const char *colon = strrchr(sl_web_link(web), ':');
    return atoi(colon + 1);
}

/* A connection, with `text` sent; all waits of its end after a while that is never needed. */
static inline int dial(const sl_web *web, const char *text) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port_of_link(web)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int browser = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 60};
    setsockopt(browser, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(browser, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(browser, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return browser;
}

/* A request for a path, with more headers (each with its line's end). */
static inline int ask_with(const sl_web *web, const char *path, const char *headers) {
    char text[1024];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    return dial(web, text);
}

static inline int ask(const sl_web *web, const char *path) {
    return ask_with(web, path, "");
}

static inline void read_exactly(int browser, void *bytes, size_t size) {
    if (size > 0) /* for nothing, too, it would wait until something is there */
        assert_int_equal(recv(browser, bytes, size, MSG_WAITALL), size);
}

/* Reads a response's head; its status. */
static inline int read_head(int browser, char *head, size_t size) {
    size_t used = 0;
    while (used + 1 < size) {
        read_exactly(browser, head + used++, 1);
        head[used] = '\0';
        if (used >= 4 && strcmp(head + used - 4, "\r\n\r\n") == 0)
            return atoi(head + strlen("HTTP/1.1 "));
    }
    fail_msg("a response's head is too long");
    return 0;
}

/* All of a response that has a length, its body in `body`; its status. Closes. */
static inline int read_response(int browser, char *head, char *body, size_t size) {
    int status = read_head(browser, head, 2048);
    const char *length = strstr(head, "Content-Length: ");
    size_t bytes = length ? (size_t)atoi(length + strlen("Content-Length: ")) : 0;
    assert_true(bytes < size);
    read_exactly(browser, body, bytes);
    body[bytes] = '\0';
    close(browser);
    return status;
}

/* Both together. */
static inline int fetch(const sl_web *web, const char *path, const char *headers, char *head,
                        char *body, size_t size) {
    return read_response(ask_with(web, path, headers), head, body, size);
}

static inline int status_of(const sl_web *web, const char *path, const char *headers) {
    static char head[2048], body[65536];
    return fetch(web, path, headers, head, body, sizeof(body));
}

/* Posts a form. */
static inline int post(const sl_web *web, const char *path, const char *form) {
    char text[1024];
    snprintf(
        text, sizeof(text),
        "POST %s HTTP/1.1\r\nHost: localhost\r\nX-Sightline: 1\r\nContent-Length: %zu\r\n\r\n%s",
        path, strlen(form), form);
    return dial(web, text);
}

/* A figure of /metrics. */
static inline double figure(const sl_web *web, const char *name) {
    static char head[2048], body[65536];
    char line[128];
    assert_int_equal(fetch(web, "/metrics", "", head, body, sizeof(body)), 200);
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(body, line);
    assert_non_null(at);
    return atof(at + strlen(line));
}

struct record {
    uint32_t size;
    int kind, flags, width, height, place;
    uint64_t captured_us, sequence;
    uint8_t bytes[65536];
};

/* The next of a stream of frames; signs of life are passed over. */
static inline void read_record(int browser, struct record *record) {
    do {
        uint8_t head[28];
        read_exactly(browser, head, sizeof(head));
        memcpy(&record->size, head, 4);
        record->size = be32toh(record->size);
        record->kind = head[4];
        record->flags = head[5];
        record->width = head[6] << 8 | head[7];
        record->height = head[8] << 8 | head[9];
        record->place = head[10] << 8 | head[11];
        memcpy(&record->captured_us, head + 12, 8);
        memcpy(&record->sequence, head + 20, 8);
        record->captured_us = be64toh(record->captured_us);
        record->sequence = be64toh(record->sequence);
        assert_true(record->size <= sizeof(record->bytes));
        read_exactly(browser, record->bytes, record->size);
    } while (record->kind == 0);
}

/* Coded video as far as it matters here: bytes. */
static inline sl_frame *video(uint64_t sequence, bool keyframe, size_t size) {
    sl_buffer *bytes;
    sl_frame *frame;
    assert_int_equal(sl_buffer_new(&bytes, size), 0);
    memset(bytes->data, (int)sequence, size);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_H264, bytes), 0);
    assert_int_equal(sl_frame_set_port(frame, "2"), 0);
    sl_buffer_unref(&bytes);
    frame->keyframe = keyframe;
    frame->sequence = sequence;
    return frame;
}

/* Hands a frame over, and gives it away. */
static inline void take(sl_web *web, sl_frame *frame) {
    sl_web_take(web, frame);
    sl_frame_unref(&frame);
}

static inline void show(sl_web *web, sl_frame *frame) {
    sl_web_show(web, frame);
    sl_frame_unref(&frame);
}

/* Waits until that is wanted. */
static inline void await_wish(sl_web *web, sl_web_wish wish) {
    while (sl_web_wants(web) != wish)
        assert_int_equal(sl_web_wait(web, sl_web_wants(web), NULL, 60000), 0);
}

#endif
