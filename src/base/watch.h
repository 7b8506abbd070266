/* base: hearing that a file has changed. */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include <stdbool.h>

#define SL_WATCH_PLACES_MOST 9 /* the file, and links on the way to it */

typedef struct sl_watch {
    int fd; /* polls readable when something happened in one of the folders; -1: not known */
    char path[4096];
    struct sl_watch_place {
        int folder; /* the kernel's number for it */
        char name[256];
    } places[SL_WATCH_PLACES_MOST]; /* where it is decided which file that is */
    int count;
} sl_watch;

/* Starts to watch the file, which need not be there yet; its folder has to. Links on the way to it
 * are watched too. SL_ESYSTEM; then the fd is -1, which poll() passes over. */
int sl_watch_init(sl_watch *watch, const char *path);
void sl_watch_finish(sl_watch *watch);

/* Takes what has happened. Whether the file was written to its end, replaced or removed, or a link
 * leads to another one. Doesn't wait. */
bool sl_watch_take(sl_watch *watch);

#endif
