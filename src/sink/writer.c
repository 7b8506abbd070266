/* sink: writing to a descriptor that is not ours. Used by pipe.c. */
#include "sink/writer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct sl_writer {
    int fd;
    sl_thread thread;
    sl_event work; /* set by the caller: there are parts, or it is over */
    sl_event done; /* set by the thread: `failure` says how it went */
    int ended;     /* caller: what the last write failed with, or SL_OK */

    /* Under the lock, though never wanted by both at once. */
    pthread_mutex_t lock;
    struct iovec *parts;
    size_t count;
    bool stop;
    int failure; /* errno */
};

/* The only places where the thread may be cancelled: it holds nothing there. */
static ssize_t cancellable_write(int fd, const struct iovec *parts, size_t count) {
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    ssize_t written = writev(fd, parts, count > IOV_MAX ? IOV_MAX : (int)count);
    int failure = errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    errno = failure;
    return written;
}

static void cancellable_wait(int fd) {
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    poll(&polled, 1, -1);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

/* Returns 0 or errno. */
static int write_all(int fd, struct iovec *parts, size_t count) {
    while (count > 0) {
        if (parts->iov_len == 0) {
            parts++;
            count--;
            continue;
        }
        ssize_t written = cancellable_write(fd, parts, count);
        if (written < 0 && errno == EAGAIN) /* whoever shares it made it non-blocking */
            cancellable_wait(fd);
        else if (written < 0 && errno != EINTR)
            return errno;
        size_t left = written > 0 ? (size_t)written : 0;
        while (count > 0 && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return 0;
}

static void run(void *argument) {
    sl_writer *writer = argument;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    for (;;) {
        sl_wait(writer->work.fd, POLLIN, NULL, sl_deadline_us(-1));
        sl_event_clear(&writer->work);
        pthread_mutex_lock(&writer->lock);
        bool stopped = writer->stop;
        struct iovec *parts = writer->parts;
        size_t count = writer->count;
        pthread_mutex_unlock(&writer->lock);
        if (stopped)
            return;
        int failure = write_all(writer->fd, parts, count);
        pthread_mutex_lock(&writer->lock);
        writer->failure = failure;
        pthread_mutex_unlock(&writer->lock);
        sl_event_set(&writer->done);
    }
}

int sl_writer_open(sl_writer **writer, int fd) {
    sl_writer *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->fd = fd;
    opened->work.fd = opened->done.fd = -1;
    pthread_mutex_init(&opened->lock, NULL);
    int code = sl_event_init(&opened->work);
    if (code == SL_OK)
        code = sl_event_init(&opened->done);
    if (code == SL_OK)
        code = sl_thread_start(&opened->thread, "sl-pipe", run, opened);
    if (code < 0) {
        sl_writer_close(&opened);
        return code;
    }
    *writer = opened;
    return SL_OK;
}

/* Ends the thread between two writes. */
static void stop(sl_writer *writer) {
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_mutex_unlock(&writer->lock);
    sl_event_set(&writer->work);
}

/* Ends it inside a write, too, which may never end by itself. */
static void abandon(sl_writer *writer) {
    stop(writer);
    pthread_cancel(writer->thread.id);
    sl_thread_join(&writer->thread);
}

static int failed(int failure) {
    if (failure == 0)
        return SL_OK;
    if (failure == EPIPE || failure == ECONNRESET)
        return sl_fail(SL_EEND, "the reader of standard output went away");
    if (failure == ENOSPC)
        return sl_fail(SL_ESINK, "the disk that standard output goes to is full");
    return sl_fail(SL_ESINK, "cannot write to standard output: %s", strerror(failure));
}

int sl_writer_write(sl_writer *writer, struct iovec *parts, size_t count, const sl_cancel *cancel,
                    int64_t deadline_us) {
    if (writer->ended < 0)
        return sl_fail(writer->ended, "standard output is not written to any more");
    pthread_mutex_lock(&writer->lock);
    writer->parts = parts;
    writer->count = count;
    pthread_mutex_unlock(&writer->lock);
    sl_event_set(&writer->work);
    int code = sl_wait(writer->done.fd, POLLIN, cancel, deadline_us);
    if (code < 0) {
        abandon(writer);
    } else {
        sl_event_clear(&writer->done);
        pthread_mutex_lock(&writer->lock);
        code = failed(writer->failure);
        pthread_mutex_unlock(&writer->lock);
    }
    writer->ended = code;
    return code;
}

void sl_writer_close(sl_writer **writer) {
    sl_writer *closed = *writer;
    if (!closed)
        return;
    if (closed->thread.running) {
        stop(closed);
        sl_thread_join(&closed->thread);
    }
    sl_event_finish(&closed->work);
    sl_event_finish(&closed->done);
    pthread_mutex_destroy(&closed->lock);
    free(closed);
    *writer = NULL;
}
