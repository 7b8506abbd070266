/* Y4M on standard output: every byte, slow readers, and readers that leave. */
#include "pictures.h"

#include "base/clock.h"
#include "base/thread.h"

#include <fcntl.h>
#include <poll.h>
#include <sightline/cancel.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Standard output is a pipe while a test runs, with a thread that keeps what comes out of it. */
static int saved_output = -1;
static int reading_end = -1;
static char *taken;
static size_t taken_size, taken_room;
static sl_thread reader;

static void take_all(void *argument) {
    (void)argument;
    char bytes[65536];
    ssize_t count;
    while ((count = read(reading_end, bytes, sizeof(bytes))) > 0) {
        if (taken_size + (size_t)count > taken_room)
            taken = realloc(taken, taken_room = 2 * (taken_size + (size_t)count));
        memcpy(taken + taken_size, bytes, (size_t)count);
        taken_size += (size_t)count;
    }
}

static int redirect(void **state) {
    (void)state;
    int ends[2];
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    saved_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    reading_end = ends[0];
    taken = NULL;
    taken_size = taken_room = 0;
    return 0;
}

static void start_reader(void) {
    assert_int_equal(sl_thread_start(&reader, "reader", take_all, NULL), 0);
}

/* The pipe's last writer goes; the reader has all there will ever be. */
static void restore_output(void) {
    dup2(saved_output, STDOUT_FILENO);
    sl_thread_join(&reader);
}

static int clean(void **state) {
    (void)state;
    dup2(saved_output, STDOUT_FILENO);
    close(saved_output);
    if (reading_end >= 0)
        close(reading_end);
    free(taken);
    return 0;
}

/* Compares what came with a head and the frame's rows, from *at on. */
static void expect_text(size_t *at, const char *text) {
    assert_true(taken_size >= *at + strlen(text));
    assert_memory_equal(taken + *at, text, strlen(text));
    *at += strlen(text);
}

static void expect_frame(size_t *at, const sl_frame *frame) {
    expect_text(at, "FRAME\n");
    for (int plane = 0; plane < sl_format_planes(frame->format); plane++) {
        size_t width = (size_t)sl_plane_width(frame->format, plane, frame->width);
        for (int row = 0; row < sl_plane_height(frame->format, plane, frame->height); row++) {
            assert_true(taken_size >= *at + width);
            assert_memory_equal(taken + *at,
                                frame->planes[plane] + (size_t)row * frame->strides[plane], width);
            *at += width;
        }
    }
}

static void every_byte_is_right(sl_format format, const char *chroma) {
    sl_sink *sink;
    char head[160];
    size_t at = 0;
    start_reader();
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    for (int i = 0; i < 7; i++) {
        sl_frame *frame = picture(format, 643, 481, i); /* no multiple of anything */
        frame->captured_monotonic_us = 1000000 + i * 40000 + (i % 2) * 900;
        assert_int_equal(put(sink, frame), 0);
    }
    assert_int_equal(sl_sink_close(&sink), 0);
    restore_output();
    snprintf(head, sizeof(head), "YUV4MPEG2 W643 H481 F25:1 Ip A1:1 C%s XCOLORRANGE=FULL\n",
             chroma);
    expect_text(&at, head);
    for (int i = 0; i < 7; i++) {
        sl_frame *frame = picture(format, 643, 481, i);
        expect_frame(&at, frame);
        sl_frame_unref(&frame);
    }
    assert_int_equal(at, taken_size);
}

static void i420_is_exact(void **state) {
    (void)state;
    every_byte_is_right(SL_FORMAT_I420, "420jpeg");
}

static void i422_is_exact(void **state) {
    (void)state;
    every_byte_is_right(SL_FORMAT_I422, "422");
}

static void i444_is_exact(void **state) {
    (void)state;
    every_byte_is_right(SL_FORMAT_I444, "444");
}

static void gray_is_exact(void **state) {
    (void)state;
    every_byte_is_right(SL_FORMAT_GRAY, "mono");
}

static void a_set_rate_needs_no_waiting(void **state) {
    (void)state;
    sl_sink *sink;
    sl_sink_settings settings;
    size_t at = 0;
    start_reader();
    sl_sink_settings_init(&settings);
    settings.sink = "-";
    settings.fps = 29.97;
    assert_int_equal(sl_sink_open(&sink, &settings), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_BGR, 64, 48, 1)), 0);
    assert_int_equal(put(sink, array("float32", 2, (int64_t[]){48, 64})), 0);
    assert_int_equal(sl_sink_dropped(sink), 1);
    assert_int_equal(put(sink, picture(SL_FORMAT_I444, 640, 480, 1)), 0); /* scaled */
    assert_int_equal(sl_sink_close(&sink), 0);
    restore_output();
    expect_text(&at, "YUV4MPEG2 W64 H48 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n");
    for (int i = 0; i < 2; i++) {
        expect_text(&at, "FRAME\n");
        at += 64 * 48 * 3 / 2;
    }
    assert_int_equal(at, taken_size);
}

static void a_short_stream_comes_whole(void **state) {
    (void)state;
    sl_sink *sink;
    size_t at = 0;
    start_reader();
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 64, 48, 1)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    restore_output();
    expect_text(&at, "YUV4MPEG2 W64 H48 F30:1 Ip A1:1 Cmono XCOLORRANGE=FULL\nFRAME\n");
    assert_int_equal(at + 64 * 48, taken_size);
}

static int write_until_it_fails(sl_sink *sink) {
    for (;;) {
        int code = put(sink, picture(SL_FORMAT_I420, 640, 480, 1));
        if (code < 0)
            return code;
    }
}

static void a_reader_that_leaves_is_the_end(void **state) {
    (void)state;
    sl_sink *sink;
    close(reading_end);
    reading_end = -1;
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    assert_int_equal(write_until_it_fails(sink), SL_EEND);
    assert_int_equal(write_until_it_fails(sink), SL_EEND);
    assert_int_equal(sl_sink_close(&sink), 0);
}

/* Cancels once the pipe is full, so that a write is under way or about to be. */
static void cancel_when_full(void *argument) {
    struct pollfd polled = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while (poll(&polled, 1, 0) == 1)
        usleep(1000);
    sl_cancel_trigger(argument);
}

static void a_reader_that_sleeps_can_be_left(void **state) {
    (void)state;
    sl_sink *sink;
    sl_cancel *cancel;
    sl_thread thread;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    assert_int_equal(open_sink(&sink, "-", cancel), 0);
    assert_int_equal(sl_thread_start(&thread, "cancel", cancel_when_full, cancel), 0);
    assert_int_equal(write_until_it_fails(sink), SL_ECANCELED);
    assert_int_equal(sl_sink_close(&sink), 0);
    sl_thread_join(&thread);
    sl_cancel_close(&cancel);
}

static void a_sleeping_reader_does_not_hold_up_the_end(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_I444, 1280, 720, 1)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void a_pipe_that_never_blocks_is_waited_for(void **state) {
    (void)state;
    sl_sink *sink;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    assert_int_equal(fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK), 0);
    start_reader();
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(put(sink, picture(SL_FORMAT_I444, 1280, 720, i)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    restore_output();
    assert_true(taken_size > 10 * 1280 * 720 * 3);
}

/* As under another user's pipe, which may not be opened once more. */
static void a_pipe_that_is_not_ours_is_written_to(void **state) {
    bool root = geteuid() == 0;
    assert_int_equal(fchmod(STDOUT_FILENO, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    a_short_stream_comes_whole(state);
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void sleeping_reader_of_such_a_pipe(void **state) {
    bool root = geteuid() == 0;
    assert_int_equal(fchmod(STDOUT_FILENO, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    a_reader_that_sleeps_can_be_left(state);
    if (root)
        assert_int_equal(seteuid(0), 0);
}

static void use_socket(void) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    dup2(ends[0], STDOUT_FILENO);
    dup2(ends[1], reading_end);
    close(ends[0]);
    close(ends[1]);
}

static void a_socket_is_written_to(void **state) {
    use_socket();
    a_pipe_that_never_blocks_is_waited_for(state);
}

static void a_socket_that_sleeps_can_be_left(void **state) {
    use_socket();
    a_reader_that_sleeps_can_be_left(state);
}

static void a_full_disk_is_said(void **state) {
    (void)state;
    sl_sink *sink;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    dup2(full, STDOUT_FILENO);
    close(full);
    assert_int_equal(open_sink(&sink, "-", NULL), 0);
    assert_int_equal(write_until_it_fails(sink), SL_ESINK);
    assert_non_null(strstr(sl_error(), "full"));
    assert_int_equal(sl_sink_close(&sink), 0);
}

#define REDIRECTED(test) cmocka_unit_test_setup_teardown(test, redirect, clean)

int main(void) {
    const struct CMUnitTest tests[] = {
        REDIRECTED(i420_is_exact),
        REDIRECTED(i422_is_exact),
        REDIRECTED(i444_is_exact),
        REDIRECTED(gray_is_exact),
        REDIRECTED(a_set_rate_needs_no_waiting),
        REDIRECTED(a_short_stream_comes_whole),
        REDIRECTED(a_reader_that_leaves_is_the_end),
        REDIRECTED(a_reader_that_sleeps_can_be_left),
        REDIRECTED(a_sleeping_reader_does_not_hold_up_the_end),
        REDIRECTED(a_pipe_that_never_blocks_is_waited_for),
        REDIRECTED(a_pipe_that_is_not_ours_is_written_to),
        REDIRECTED(sleeping_reader_of_such_a_pipe),
        REDIRECTED(a_socket_is_written_to),
        REDIRECTED(a_socket_that_sleeps_can_be_left),
        REDIRECTED(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
