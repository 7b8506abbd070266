/* tunnel: a program of somebody else's that works for us, and how it is started and ended so that
 * nothing of it outlives us. */
#ifndef TUNNEL_CHILD_H
#define TUNNEL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct sl_child {
    pid_t pid;      /* also of its session: it can't reach the terminal, nor Ctrl-C it; 0: none */
    int ended;      /* polls readable once it has ended */
    int complaints; /* its standard error, non-blocking; the other channels are /dev/null */
} sl_child;

/* Finds an executable in PATH. SL_EUNSUPPORTED when there is none. */
int sl_child_find(char *path, size_t size, const char *name);

/* Starts the program at `path`, its messages in English; `words` begin with its name and end with
 * NULL. It inherits no descriptor, no signal mask and no ignored signals, and is asked to end
 * (SIGTERM) should the calling thread die, which has to wait for it therefore. SL_ESYSTEM. */
int sl_child_start(sl_child *child, const char *path, char *const words[]);

/* Asks it and all that it started to end, makes it when it doesn't within the time, and frees all.
 * Returns what waitpid() tells, or -1 when somebody else has asked before. Safe when none runs. */
int sl_child_end(sl_child *child, int grace_ms);

#endif
