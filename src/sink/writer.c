/* sink: writing to a descriptor that is not ours. Used by pipe.c. */
#include "sink/writer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WHOLE_MS 500 /* for the reader to take the rest of what was begun, once cancelled */

struct sl_writer {
    int fd;
    int own;     /* the same pipe, non-blocking, or -1 */
    bool socket; /* which can be told with each call not to block */
    bool waits;  /* may wait for a reader, in pieces of PIPE_BUF */
    int ended;   /* what the last write failed with, or SL_OK */
};

int sl_writer_open(sl_writer **writer, int fd) {
    struct stat status;
    if (fstat(fd, &status) < 0)
        return sl_fail(SL_ESINK, "standard output is closed: %s", strerror(errno));
    sl_writer *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->fd = fd;
    opened->own = -1;
    opened->socket = S_ISSOCK(status.st_mode);
    if (S_ISFIFO(status.st_mode)) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        opened->own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        opened->waits = opened->own < 0;
    }
    *writer = opened;
    return SL_OK;
}

/* As many of the parts as hold at most PIPE_BUF bytes, the last one shortened. */
static ssize_t write_piece(int fd, const struct iovec *parts, size_t count) {
    struct iovec piece[16];
    size_t used = 0, left = PIPE_BUF;
    for (; used < count && used < 16 && left > 0; used++) {
        piece[used] = parts[used];
        if (piece[used].iov_len > left)
            piece[used].iov_len = left;
        left -= piece[used].iov_len;
    }
    return writev(fd, piece, (int)used);
}

/* One call's worth. EAGAIN when it would have to wait. */
static ssize_t write_some(const sl_writer *writer, struct iovec *parts, size_t count) {
    size_t most = count > IOV_MAX ? IOV_MAX : count;
    if (writer->socket) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = most};
        return sendmsg(writer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (writer->waits) {
        struct pollfd polled = {.fd = writer->fd, .events = POLLOUT};
        if (poll(&polled, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        return write_piece(writer->fd, parts, count);
    }
    return writev(writer->own >= 0 ? writer->own : writer->fd, parts, (int)most);
}

/* The same, and takes back the SIGPIPE that a pipe without a reader raises in this thread. */
static ssize_t write_quietly(const sl_writer *writer, struct iovec *parts, size_t count) {
    sigset_t broken, before, pending;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    ssize_t written = write_some(writer, parts, count);
    int failure = errno;
    if (written < 0 && failure == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&broken, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failure;
    return written;
}

static int failed(int failure) {
    if (failure == EPIPE || failure == ECONNRESET)
        return sl_fail(SL_EEND, "the reader of standard output went away");
    if (failure == ENOSPC || failure == EDQUOT)
        return sl_fail(SL_ESINK, "the disk that standard output goes to is full: no space is left");
    return sl_fail(SL_ESINK, "cannot write to standard output: %s", strerror(failure));
}

/* Takes what was written off the parts; true when nothing is left of them. */
static bool advance(struct iovec **parts, size_t *count, size_t written) {
    while (*count > 0 && written >= (*parts)->iov_len) {
        written -= (*parts)->iov_len;
        ++*parts;
        --*count;
    }
    if (*count > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + written;
        (*parts)->iov_len -= written;
    }
    return *count == 0;
}

static int write_all(const sl_writer *writer, struct iovec *parts, size_t count,
                     const sl_cancel *cancel, int64_t deadline_us) {
    bool begun = false, cancelled = false;
    for (;;) {
        ssize_t written = write_quietly(writer, parts, count);
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return failed(errno);
        begun = begun || written > 0;
        if (written > 0 && advance(&parts, &count, (size_t)written))
            return cancelled ? SL_ECANCELED : SL_OK;
        if (written > 0 || errno == EINTR)
            continue;
        int code = sl_wait(writer->fd, POLLOUT, cancelled ? NULL : cancel, deadline_us);
        if (code == SL_ECANCELED && begun) { /* what is begun should end whole, if that is soon */
            cancelled = true;
            deadline_us = sl_deadline_us(WHOLE_MS);
        } else if (code < 0) {
            return cancelled ? SL_ECANCELED : code;
        }
    }
}

int sl_writer_write(sl_writer *writer, struct iovec *parts, size_t count, const sl_cancel *cancel,
                    int64_t deadline_us) {
    if (writer->ended < 0)
        return sl_fail(writer->ended, "standard output is not written to any more");
    writer->ended = write_all(writer, parts, count, cancel, deadline_us);
    return writer->ended;
}

void sl_writer_close(sl_writer **writer) {
    sl_writer *closed = *writer;
    if (!closed)
        return;
    if (closed->own >= 0)
        close(closed->own);
    free(closed);
    *writer = NULL;
}
