/* base: hearing that a file has changed. */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include <stdbool.h>

typedef struct sl_watch {
    int fd;         /* polls readable when something happened in the file's folder; -1: not known */
    char name[256]; /* of the file in it */
} sl_watch;

/* Starts to watch the file, which need not be there yet; its folder has to. SL_ESYSTEM; then the fd
 * is -1, which poll() passes over. */
int sl_watch_init(sl_watch *watch, const char *path);
void sl_watch_finish(sl_watch *watch);

/* Takes what has happened. Whether the file was written to its end, replaced or removed. Doesn't
 * wait. */
bool sl_watch_take(sl_watch *watch);

#endif
