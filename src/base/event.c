/* base: events, cancel objects, and waiting for them. */
#include "base/event.h"
#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int sl_event_init(sl_event *event) {
    event->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event->fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot make an event: %s", strerror(errno));
    return SL_OK;
}

void sl_event_finish(sl_event *event) {
    if (event->fd >= 0)
        close(event->fd);
    event->fd = -1;
}

void sl_event_set(sl_event *event) {
    int saved_errno = errno;
    uint64_t one = 1;
    /* It can only fail because the event is set already. */
    ssize_t written = write(event->fd, &one, sizeof(one));
    (void)written;
    errno = saved_errno;
}

void sl_event_clear(sl_event *event) {
    int saved_errno = errno;
    uint64_t count;
    /* It can only fail because the event is not set. */
    ssize_t taken = read(event->fd, &count, sizeof(count));
    (void)taken;
    errno = saved_errno;
}

int sl_wait(int fd, short events, const sl_cancel *cancel, int64_t deadline_us) {
    struct pollfd polled[2] = {
        {.fd = fd, .events = events},
        {.fd = sl_cancel_fd(cancel), .events = POLLIN},
    };
    for (;;) {
        int ready = poll(polled, 2, sl_remaining_ms(deadline_us));
        if (ready < 0 && errno != EINTR)
            return sl_fail(SL_ESYSTEM, "cannot wait: %s", strerror(errno));
        if (ready > 0 && polled[1].revents)
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        if (ready > 0)
            return SL_OK;
        if (sl_remaining_ms(deadline_us) == 0)
            return SL_EAGAIN;
    }
}
