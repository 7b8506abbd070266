/* Pipes: standard input and named ones, whole, cut off, silent, and full. */
#include "footage.h"
#include "base/thread.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#define PHOTO OPENCV_DATA "fruits.jpg"

/* Bytes on their way into a pipe, written by a thread of their own. */
struct writer {
    int fd;
    const char *bytes;
    size_t size;
    size_t written;
    sl_thread thread;
};

static void write_all(void *argument) {
    struct writer *writer = argument;
    while (writer->written < writer->size) {
        ssize_t wrote =
            write(writer->fd, writer->bytes + writer->written, writer->size - writer->written);
        if (wrote <= 0)
            break;
        writer->written += (size_t)wrote;
    }
    close(writer->fd);
}

static int kept_stdin = -1;

/* Puts the reading end of a new pipe in the place of standard input; returns the other end. */
static int pipe_into_stdin(void) {
    int ends[2];
    if (kept_stdin < 0)
        kept_stdin = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    return ends[1];
}

static void restore_stdin(void) {
    dup2(kept_stdin, STDIN_FILENO);
}

static void start_writer(struct writer *writer, int fd, const void *bytes, size_t size) {
    *writer = (struct writer){.fd = fd, .bytes = bytes, .size = size};
    assert_int_equal(sl_thread_start(&writer->thread, "writer", write_all, writer), 0);
}

static void reads_y4m(void **state) {
    (void)state;
    int end;
    size_t size;
    struct writer writer;
    char *y4m = make_y4m(320, 240, 40, 50, &size);
    start_writer(&writer, pipe_into_stdin(), y4m, size);
    sl_source_settings settings = settings_for("-");
    sl_source *source = open_source(&settings);
    assert_false(sl_source_live(source));
    assert_string_equal(sl_source_describe(source), "320x240, 25 frames/s, YUV420P");
    for (int i = 0; i < 20; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_I420);
        assert_int_equal(frame->sequence, i);
        sl_frame_unref(&frame);
    }
    uint64_t rest = 0;
    sl_frame *frame;
    while ((end = sl_source_read(source, &frame, PATIENCE_MS)) == 0) {
        rest++;
        sl_frame_unref(&frame);
    }
    assert_int_equal(end, SL_EEND);
    assert_int_equal(rest, 20);
    sl_source_close(&source);
    sl_thread_join(&writer.thread);
    assert_int_equal(writer.written, size);
    restore_stdin();
    free(y4m);
}

static void a_fast_writer_waits(void **state) {
    (void)state;
    size_t size;
    struct writer writer;
    char *y4m = make_y4m(640, 480, 100, 50, &size);
    int fd = pipe_into_stdin();
    struct pollfd full = {.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .events = POLLOUT};
    start_writer(&writer, fd, y4m, size);
    sl_source_settings settings = settings_for("-");
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 10; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->sequence, i);
        assert_int_equal(frame->planes[0][0] > 50 + i - 20, 1);
        sl_frame_unref(&frame);
    }
    /* Nobody reads now, so the pipe stays full: it is not drained into memory. */
    while (poll(&full, 1, 0) == 1 && full.revents & POLLOUT)
        continue;
    assert_int_equal(poll(&full, 1, 50), 0);
    close(full.fd);
    sl_source_close(&source);
    /* Our end of the pipe goes; the writer is told. */
    restore_stdin();
    sl_thread_join(&writer.thread);
    assert_true(writer.written < size);
    free(y4m);
}

static void passes_jpeg_on(void **state) {
    (void)state;
    size_t size;
    struct writer writer;
    uint8_t *photo = load(PHOTO, &size);
    uint8_t *three = malloc(size * 3);
    assert_non_null(three);
    for (int i = 0; i < 3; i++)
        memcpy(three + size * (size_t)i, photo, size);
    start_writer(&writer, pipe_into_stdin(), three, size * 3);
    sl_source_settings settings = settings_for("-");
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 3; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_JPEG);
        assert_int_equal(frame->size, size);
        assert_memory_equal(frame->planes[0], photo, size);
        sl_frame_unref(&frame);
    }
    sl_source_close(&source);
    sl_thread_join(&writer.thread);
    restore_stdin();
    free(three);
    free(photo);
}

/* The picture is there with its last byte, and not when the next one begins. */
static void jpegs_are_not_held_back(void **state) {
    (void)state;
    size_t size;
    struct writer writer;
    uint8_t *photo = load(PHOTO, &size);
    int fd = pipe_into_stdin();
    for (int way = 0; way < 2; way++) {
        sl_source_settings settings = settings_for("-");
        settings.deliver = way ? SL_DELIVER_BGR : SL_DELIVER_ANY;
        start_writer(&writer, dup(fd), photo, size);
        sl_source *source = open_source(&settings);
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->width, 512);
        assert_int_equal(frame->height, 480);
        sl_frame_unref(&frame);
        sl_source_close(&source);
        sl_thread_join(&writer.thread);
    }
    close(fd);
    restore_stdin();
    free(photo);
}

static void silence_times_out_and_can_be_cancelled(void **state) {
    (void)state;
    size_t size;
    sl_cancel *cancel;
    sl_frame *frame;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    char *y4m = make_y4m(64, 48, 3, 50, &size);
    int fd = pipe_into_stdin();
    /* The third picture is never finished. */
    assert_int_equal(write(fd, y4m, size - 100), (ssize_t)(size - 100));
    sl_source_settings settings = settings_for("-");
    settings.cancel = cancel;
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 2; i++) {
        frame = next_frame(source);
        sl_frame_unref(&frame);
    }
    assert_int_equal(sl_source_read(source, &frame, 10), SL_EAGAIN);
    assert_int_equal(sl_source_read(source, &frame, 0), SL_EAGAIN);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_source_read(source, &frame, -1), SL_ECANCELED);
    sl_source_close(&source);
    close(fd);
    restore_stdin();
    sl_cancel_close(&cancel);
    free(y4m);
}

static void trigger(void *cancel) {
    sl_cancel_trigger(cancel);
}

static void opening_can_be_cancelled(void **state) {
    (void)state;
    sl_cancel *cancel;
    sl_thread thread;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    int fd = pipe_into_stdin();
    sl_source_settings settings = settings_for("-");
    settings.cancel = cancel;
    assert_int_equal(sl_thread_start(&thread, "trigger", trigger, cancel), 0);
    refused(&settings, SL_ECANCELED, "cancelled");
    sl_thread_join(&thread);
    close(fd);
    restore_stdin();
    sl_cancel_close(&cancel);
}

static void says_what_is_wrong(void **state) {
    (void)state;
    sl_source_settings settings = settings_for("-");
    int fd = pipe_into_stdin();
    close(fd);
    refused(&settings, SL_ESOURCE, "standard input ended before a video began");
    fd = pipe_into_stdin();
    assert_int_equal(write(fd, "no video at all\n", 16), 16);
    close(fd);
    refused(&settings, SL_ESOURCE, "standard input can't be opened");
    restore_stdin();
    settings.loop = true;
    refused(&settings, SL_EINVAL, "only a file can be looped");
}

static void reads_named_pipes(void **state) {
    (void)state;
    size_t size;
    struct writer writer;
    char *y4m = make_y4m(64, 48, 3, 50, &size), path[512];
    snprintf(path, sizeof(path), "%s", file_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    /* What is in a pipe that nobody has open is lost: keep it. */
    start_writer(&writer, dup(fd), y4m, size);
    sl_source_settings settings = settings_for(path);
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 3; i++) {
        sl_frame *frame = next_frame(source);
        sl_frame_unref(&frame);
    }
    sl_source_close(&source);
    sl_thread_join(&writer.thread);
    close(fd);
    forget_file("pipe");
    free(y4m);
}

static int ignore_broken_pipes(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int clean_up(void **state) {
    (void)state;
    forget_files();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_y4m),
        cmocka_unit_test(a_fast_writer_waits),
        cmocka_unit_test(passes_jpeg_on),
        cmocka_unit_test(jpegs_are_not_held_back),
        cmocka_unit_test(silence_times_out_and_can_be_cancelled),
        cmocka_unit_test(opening_can_be_cancelled),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(reads_named_pipes),
    };
    return cmocka_run_group_tests(tests, ignore_broken_pipes, clean_up);
}
