/* stream: how many threads code at once, for both ends. */
#ifndef STREAM_THREADS_H
#define STREAM_THREADS_H

#include "base/thread.h"

#define SL_THREADS_MAX       16
#define SL_THREADS_AUTOMATIC 4 /* at most, when the user doesn't say */

static inline int sl_threads(int wanted) {
    int processors = sl_thread_processors();
    if (wanted > 0)
        return wanted;
    return processors < SL_THREADS_AUTOMATIC ? processors : SL_THREADS_AUTOMATIC;
}

#endif
