/* base: the kernel's news of one file (inotify). Used by the gate, on its own thread.
 *
 * Folders are watched, since a file that is replaced is another one: the file's, and that of each
 * link on the way to it, which may be led elsewhere. */
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

/* Nothing of a file that is being written, or was moved away to be written anew. What was made may
 * be a link. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_CREATE)

static int fail_watch(const char *what) {
    return sl_fail(SL_ESYSTEM, "cannot watch %s: %s", what, strerror(errno));
}

/* Watches a name in a folder. */
static int add(sl_watch *watch, const char *folder, const char *name) {
    struct sl_watch_place *place = &watch->places[watch->count];
    if (watch->count == SL_WATCH_PLACES_MOST) {
        errno = ELOOP;
        return fail_watch(folder);
    }
    place->folder = inotify_add_watch(watch->fd, folder, EVENTS | IN_ONLYDIR);
    if (place->folder < 0)
        return fail_watch(folder);
    sl_text_copy(place->name, name, sizeof(place->name));
    watch->count++;
    return SL_OK;
}

/* The way to the file. */
struct way {
    char folder[PATH_MAX]; /* with its slash; no link leads to it any more */
    char name[256];        /* the next one in it */
    char here[PATH_MAX];   /* both */
    char left[PATH_MAX];   /* what comes after */
};

/* A path that is too long is none. */
static void put_together(char path[PATH_MAX], const char *start, const char *end) {
    if (snprintf(path, PATH_MAX, "%s%s", start, end) >= PATH_MAX)
        path[0] = '\0';
}

/* False at its end. */
static bool take_name(struct way *way) {
    const char *name = way->left + strspn(way->left, "/");
    size_t length = strcspn(name, "/");
    if (name > way->left)
        put_together(way->folder, "/", "");
    snprintf(way->name, sizeof(way->name), "%.*s", (int)length, name);
    put_together(way->here, way->folder, way->name);
    const char *rest = name + length + strspn(name + length, "/");
    memmove(way->left, rest, strlen(rest) + 1);
    return length > 0;
}

/* Where a link leads to; false for what is none. */
static bool read_link(const struct way *way, char target[PATH_MAX]) {
    ssize_t size = readlink(way->here, target, PATH_MAX - 2);
    if (size > 0)
        snprintf(target + size, 2, "/");
    return size > 0;
}

/* Goes the way as the kernel does, and watches each link on it and the last name. */
static int follow(sl_watch *watch) {
    struct way way = {.folder = "./"};
    char target[PATH_MAX], after[PATH_MAX];
    put_together(way.left, watch->path, "");
    watch->count = 0;
    while (take_name(&way)) {
        bool can_change = !way.left[0] || read_link(&way, target);
        int code = can_change ? add(watch, way.folder, way.name) : SL_OK;
        if (code < 0)
            return code;
        if (can_change && read_link(&way, target)) { /* as it is now that it is watched */
            put_together(after, way.left, "");
            put_together(way.left, target, after);
        } else {
            put_together(way.folder, way.here, "/");
        }
    }
    return SL_OK;
}

static bool watches(const sl_watch *watch, int folder, const char *name) {
    for (int i = 0; i < watch->count; i++)
        if (watch->places[i].folder == folder && (!name || !strcmp(watch->places[i].name, name)))
            return true;
    return false;
}

/* Whether the way is another one now. */
static bool follow_again(sl_watch *watch) {
    const sl_watch before = *watch;
    follow(watch); /* where it ends too soon, what was watched up to there is still */
    bool other = watch->count != before.count;
    for (int i = 0; i < before.count; i++) {
        const struct sl_watch_place *place = &before.places[i];
        other |= !watches(watch, place->folder, place->name);
        if (!watches(watch, place->folder, NULL))
            inotify_rm_watch(watch->fd, place->folder);
    }
    return other;
}

int sl_watch_init(sl_watch *watch, const char *path) {
    sl_text_copy(watch->path, path, sizeof(watch->path));
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int code = watch->fd < 0 ? fail_watch(path) : follow(watch);
    if (code < 0)
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
    bool touched = false, changed = false;
    ssize_t size;
    while ((size = read(watch->fd, events, sizeof(events))) > 0) {
        const struct inotify_event *event;
        for (char *at = events; at < events + size; at += sizeof(*event) + event->len) {
            event = (const struct inotify_event *)(const void *)at;
            bool lost = event->mask & IN_Q_OVERFLOW;
            bool ours = lost || (event->len > 0 && watches(watch, event->wd, event->name));
            touched |= ours;
            changed |= ours && !(event->mask & IN_CREATE);
        }
    }
    return touched && (follow_again(watch) || changed);
}
