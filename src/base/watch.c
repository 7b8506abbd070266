/* base: the kernel's news of one file (inotify). Used by the gate, on its own thread.
 *
 * The folder is watched, since a file that is replaced is another one. */
#include "base/watch.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Nothing of a file that is being written, or was moved away to be written anew. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE)

int sl_watch_init(sl_watch *watch, const char *path) {
    char file[PATH_MAX], folder[PATH_MAX];
    if (!realpath(path, file))
        snprintf(file, sizeof(file), "%s", path);
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(name - file) : 1, slash ? file : ".");
    sl_text_copy(watch->name, name, sizeof(watch->name));
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd >= 0 && inotify_add_watch(watch->fd, folder, EVENTS | IN_ONLYDIR) >= 0)
        return SL_OK;
    int code = sl_fail(SL_ESYSTEM, "cannot watch the folder %s: %s", folder, strerror(errno));
    sl_watch_finish(watch);
    return code;
}

void sl_watch_finish(sl_watch *watch) {
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = -1;
}

bool sl_watch_take(sl_watch *watch) {
    _Alignas(struct inotify_event) char events[4096];
    bool changed = false;
    ssize_t size;
    while ((size = read(watch->fd, events, sizeof(events))) > 0) {
        const struct inotify_event *event;
        for (char *at = events; at < events + size; at += sizeof(*event) + event->len) {
            event = (const struct inotify_event *)(const void *)at;
            changed |= (event->mask & IN_Q_OVERFLOW) ||
                       (event->len > 0 && strcmp(event->name, watch->name) == 0);
        }
    }
    return changed;
}
