/* source: standard input ("-") or a named pipe: whatever libav can probe there. Nothing is left
 * out: a writer that is faster waits. */
#include "base/error.h"
#include "base/event.h"
#include "source/kind.h"
#include "source/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/mem.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

struct pipe {
    sl_source_shared *shared;
    int fd;
    uint8_t head[3]; /* the first bytes, which tell JPEG from the rest */
    int head_size, head_read;
    AVIOContext *io;
    sl_reader *reader;
};

static bool matches(const char *source) {
    struct stat status;
    return strcmp(source, "-") == 0 || (stat(source, &status) == 0 && S_ISFIFO(status.st_mode));
}

static const char *name_of(const struct pipe *pipe) {
    return pipe->fd == STDIN_FILENO ? "standard input" : pipe->shared->name;
}

static int read_some(struct pipe *pipe, uint8_t *bytes, int size) {
    for (;;) {
        if (sl_wait(pipe->fd, POLLIN, pipe->shared->cancel, -1) < 0)
            return AVERROR_EXIT;
        ssize_t got = read(pipe->fd, bytes, (size_t)size);
        if (got > 0)
            return (int)got;
        if (got == 0)
            return AVERROR_EOF;
        if (errno != EAGAIN && errno != EINTR)
            return AVERROR(errno);
    }
}

/* libav wants bytes. A pipe of its own could not be cancelled. */
static int read_bytes(void *opaque, uint8_t *bytes, int size) {
    struct pipe *pipe = opaque;
    int left = pipe->head_size - pipe->head_read;
    if (left == 0)
        return read_some(pipe, bytes, size);
    if (left > size)
        left = size;
    memcpy(bytes, pipe->head + pipe->head_read, (size_t)left);
    pipe->head_read += left;
    return left;
}

static int read_head(struct pipe *pipe) {
    while (pipe->head_size < (int)sizeof(pipe->head)) {
        int got = read_some(pipe, pipe->head + pipe->head_size,
                            (int)sizeof(pipe->head) - pipe->head_size);
        if (got == AVERROR_EXIT)
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        if (got < 0)
            return sl_fail(SL_ESOURCE, "%s ended before a video began: does its writer run?",
                           name_of(pipe));
        pipe->head_size += got;
    }
    return SL_OK;
}

static int open_descriptor(struct pipe *pipe, const char *source) {
    if (strcmp(source, "-") != 0) {
        /* Without waiting for its writer, so that waiting can be cancelled. */
        pipe->fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (pipe->fd < 0)
            return sl_fail(SL_ESOURCE, "the pipe %s can't be opened: %s", source, strerror(errno));
        return SL_OK;
    }
    if (fcntl(STDIN_FILENO, F_GETFD) < 0)
        return sl_fail(SL_ESOURCE, "there is no standard input to read video from");
    if (isatty(STDIN_FILENO))
        return sl_fail(SL_ESOURCE, "standard input is a terminal: send a video into it, as in "
                                   "ffmpeg … -f yuv4mpegpipe - | sightline send -");
    pipe->fd = STDIN_FILENO;
    return SL_OK;
}

static int open_reader(struct pipe *pipe) {
    AVDictionary *none = NULL;
    unsigned char *chunk = av_malloc(CHUNK_BYTES);
    if (!chunk)
        return sl_fail_memory();
    pipe->io = avio_alloc_context(chunk, CHUNK_BYTES, 0, pipe, read_bytes, NULL, NULL);
    if (!pipe->io) {
        av_free(chunk);
        return sl_fail_memory();
    }
    bool jpegs = memcmp(pipe->head, "\xff\xd8\xff", 3) == 0;
    sl_reader_settings settings = {
        .input = {.name = name_of(pipe),
                  .format = jpegs ? "mjpeg" : NULL,
                  .io = pipe->io,
                  .jpegs = jpegs,
                  .low_delay = true},
        /* They have no timestamps to resample by. */
        .live = jpegs,
    };
    return sl_reader_open(&pipe->reader, pipe->shared, &settings, &none);
}

static void close_pipe(void *state) {
    struct pipe *pipe = state;
    sl_reader_close(&pipe->reader);
    if (pipe->io)
        av_freep(&pipe->io->buffer);
    avio_context_free(&pipe->io);
    if (pipe->fd > STDIN_FILENO)
        close(pipe->fd);
    free(pipe);
}

static int open_pipe(void **state, sl_source_shared *shared, char *describe, size_t size) {
    struct pipe *pipe = calloc(1, sizeof(*pipe));
    if (!pipe)
        return sl_fail_memory();
    pipe->shared = shared;
    pipe->fd = -1;
    int code = open_descriptor(pipe, shared->settings.source);
    if (code >= 0)
        code = read_head(pipe);
    if (code >= 0)
        code = open_reader(pipe);
    if (code < 0) {
        close_pipe(pipe);
        return code;
    }
    sl_reader_describe(pipe->reader, describe, size);
    *state = pipe;
    return SL_OK;
}

static int read_pipe(void *state, sl_frame **frame) {
    struct pipe *pipe = state;
    int64_t pts_us;
    return sl_reader_read(pipe->reader, frame, &pts_us);
}

static bool is_live(const void *state) {
    (void)state;
    return false;
}

const sl_source_kind sl_source_pipe = {
    .name = "pipe",
    .matches = matches,
    .open = open_pipe,
    .read = read_pipe,
    .close = close_pipe,
    .live = is_live,
};
