/* Streams by URL, from a small web server of our own: live ones that break off and come back,
 * stored ones, and URLs that lead nowhere. */
#include "footage.h"
#include "base/event.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define PHOTO OPENCV_DATA "fruits.jpg"

/* Answers one request at a time. /live sends `pictures` JPEGs as a camera does and breaks off,
 * /hang sends some and then nothing, /stored a file, /torn half of it at first and then nothing,
 * /noise one whose pictures can't be decoded; everything else is 404. */
struct server {
    int fd;
    int port;
    uint8_t *photo;
    size_t photo_size;
    char *stored;
    size_t stored_size;
    int pictures;
    atomic_int requests;
    sl_cancel *stop;
    sl_thread thread;
};

static bool say(int fd, const void *bytes, size_t size) {
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool say_text(int fd, const char *text) {
    return say(fd, text, strlen(text));
}

static void send_live(struct server *server, int fd, int pictures) {
    char part[128];
    say_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=cut\r\n\r\n");
    snprintf(part, sizeof(part), "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
             server->photo_size);
    for (int i = 0; i < pictures; i++) {
        say_text(fd, part);
        say(fd, server->photo, server->photo_size);
        if (!say_text(fd, "\r\n"))
            return;
    }
}

/* The parts of a camera's stream are JPEGs that are cut off. */
static void send_noise(struct server *server, int fd) {
    size_t whole = server->photo_size;
    server->photo_size = 2000;
    send_live(server, fd, 20);
    server->photo_size = whole;
}

static void answer(struct server *server, int fd) {
    char request[4096], head[128];
    ssize_t size = recv(fd, request, sizeof(request) - 1, 0);
    if (size <= 0)
        return;
    request[size] = '\0';
    atomic_fetch_add(&server->requests, 1);
    if (strncmp(request, "GET /live", 9) == 0) {
        send_live(server, fd, server->pictures);
    } else if (strncmp(request, "GET /hang", 9) == 0) {
        send_live(server, fd, 3);
        sl_wait(-1, 0, server->stop, -1);
    } else if (strncmp(request, "GET /stored", 11) == 0) {
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                 server->stored_size);
        say_text(fd, head);
        say(fd, server->stored, server->stored_size);
    } else if (strncmp(request, "GET /torn", 9) == 0 && atomic_load(&server->requests) == 1) {
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                 server->stored_size);
        say_text(fd, head);
        say(fd, server->stored, server->stored_size / 2);
    } else if (strncmp(request, "GET /noise", 10) == 0) {
        send_noise(server, fd);
    } else {
        say_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
}

static void serve(void *argument) {
    struct server *server = argument;
    while (sl_wait(server->fd, POLLIN, server->stop, -1) == 0) {
        int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        answer(server, fd);
        close(fd);
    }
}

static int bind_somewhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int start_server(void **state) {
    static struct server server;
    memset(&server, 0, sizeof(server));
    server.fd = bind_somewhere(&server.port);
    assert_int_equal(listen(server.fd, 8), 0);
    server.photo = load(PHOTO, &server.photo_size);
    server.stored = make_y4m(64, 48, 5, 50, &server.stored_size);
    server.pictures = 4;
    assert_int_equal(sl_cancel_open(&server.stop), 0);
    assert_int_equal(sl_thread_start(&server.thread, "server", serve, &server), 0);
    *state = &server;
    return 0;
}

static int stop_server(void **state) {
    struct server *server = *state;
    sl_cancel_trigger(server->stop);
    sl_thread_join(&server->thread);
    sl_cancel_close(&server->stop);
    close(server->fd);
    free(server->photo);
    free(server->stored);
    return 0;
}

static const char *url_of(const struct server *server, const char *path) {
    static char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", server->port, path);
    return url;
}

static void a_live_stream_comes_back(void **state) {
    struct server *server = *state;
    sl_source_settings settings = settings_for(url_of(server, "live"));
    sl_source *source = open_source(&settings);
    sl_source_stats stats;
    assert_true(sl_source_live(source));
    uint64_t last = 0;
    /* The server breaks off after each four pictures. */
    do {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_JPEG);
        assert_int_equal(frame->size, server->photo_size);
        assert_true(last == 0 || frame->sequence > last);
        last = frame->sequence;
        sl_frame_unref(&frame);
        sl_source_stats_get(source, &stats);
    } while (stats.reopened < 2);
    assert_true(atomic_load(&server->requests) >= 3);
    sl_source_close(&source);
}

static void a_silent_stream_can_be_left(void **state) {
    struct server *server = *state;
    sl_cancel *cancel;
    sl_frame *frame;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    sl_source_settings settings = settings_for(url_of(server, "hang"));
    settings.cancel = cancel;
    sl_source *source = open_source(&settings);
    frame = next_frame(source);
    sl_frame_unref(&frame);
    while (sl_source_read(source, &frame, 50) == 0)
        sl_frame_unref(&frame);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_source_read(source, &frame, -1), SL_ECANCELED);
    sl_source_close(&source);
    sl_cancel_close(&cancel);
}

static void a_stored_file_is_played(void **state) {
    struct server *server = *state;
    sl_source_settings settings = settings_for(url_of(server, "stored.y4m"));
    sl_source *source = open_source(&settings);
    sl_frame *frame;
    assert_false(sl_source_live(source));
    for (int i = 0; i < 5; i++) {
        frame = next_frame(source);
        assert_int_equal(frame->planes[0][0], 50 + i);
        sl_frame_unref(&frame);
    }
    assert_int_equal(sl_source_read(source, &frame, PATIENCE_MS), SL_EEND);
    sl_source_close(&source);
}

static void a_stored_file_that_breaks_off_is_not_played_again(void **state) {
    struct server *server = *state;
    int end;
    sl_source_settings settings = settings_for(url_of(server, "torn.y4m"));
    sl_source *source = open_source(&settings);
    uint64_t count = count_frames(source, &end);
    assert_int_equal(end, SL_ESOURCE);
    if (!strstr(sl_error(), "torn.y4m"))
        fail_msg("%s", sl_error());
    assert_true(count >= 1 && count <= 3); /* half of five */
    sl_source_close(&source);
}

static void what_never_gives_a_picture_is_not_waited_for(void **state) {
    struct server *server = *state;
    sl_source_settings settings = settings_for(url_of(server, "noise"));
    sl_source *source;
    int code = sl_source_open(&source, &settings);
    if (code == SL_OK) {
        sl_frame *frame;
        code = sl_source_read(source, &frame, PATIENCE_MS);
    }
    assert_int_equal(code, SL_ESOURCE);
    assert_non_null(strstr(sl_error(), "noise"));
    sl_source_close(&source);
}

static void a_live_stream_is_thinned_out(void **state) {
    struct server *server = *state;
    server->pictures = 1000000;
    sl_source_settings settings = settings_for(url_of(server, "live"));
    settings.fps = 20;
    sl_source *source = open_source(&settings);
    int64_t first_us = 0, last_us = 0;
    for (int i = 0; i < 5; i++) {
        sl_frame *frame = next_frame(source);
        last_us = frame->captured_monotonic_us;
        first_us = i ? first_us : last_us;
        sl_frame_unref(&frame);
    }
    /* One may come half a step early, but none stays early. */
    assert_true(last_us - first_us >= 4 * 50000 - 50000 / 2);
    sl_source_close(&source);
}

static void says_what_is_wrong(void **state) {
    struct server *server = *state;
    int port;
    char url[128];
    sl_source_settings settings = settings_for(url_of(server, "nothing"));
    refused(&settings, SL_ESOURCE, "404 Not Found");
    /* Bound, but nobody listens. */
    int fd = bind_somewhere(&port);
    snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/live", port);
    settings = settings_for(url);
    refused(&settings, SL_ESOURCE, "refused");
    assert_null(strstr(sl_error(), "secret"));
    snprintf(url, sizeof(url), "rtsp://me:secret@127.0.0.1:%d/live", port);
    refused(&settings, SL_ESOURCE, "refused");
    assert_null(strstr(sl_error(), "secret"));
    close(fd);
    settings = settings_for("http://name.invalid/live");
    refused(&settings, SL_ESOURCE, "name.invalid");
    settings = settings_for("gopher2://host/");
    refused(&settings, SL_ESOURCE, "gopher2");
    settings = settings_for(url_of(server, "stored"));
    settings.unpaced = true;
    refused(&settings, SL_EINVAL, "is a stream");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_live_stream_comes_back, start_server, stop_server),
        cmocka_unit_test_setup_teardown(a_silent_stream_can_be_left, start_server, stop_server),
        cmocka_unit_test_setup_teardown(a_stored_file_is_played, start_server, stop_server),
        cmocka_unit_test_setup_teardown(a_stored_file_that_breaks_off_is_not_played_again,
                                        start_server, stop_server),
        cmocka_unit_test_setup_teardown(what_never_gives_a_picture_is_not_waited_for, start_server,
                                        stop_server),
        cmocka_unit_test_setup_teardown(a_live_stream_is_thinned_out, start_server, stop_server),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, start_server, stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
