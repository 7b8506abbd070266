/* base: threads with a name, all signals blocked. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

typedef struct sl_thread {
    pthread_t id;
    bool running;
} sl_thread;

/* Starts `run(argument)` on a thread called `name` (at most 15 bytes). SL_ESYSTEM. */
int sl_thread_start(sl_thread *thread, const char *name, void (*run)(void *argument),
                    void *argument);

/* The calling thread computes for long: when it is woken it doesn't push aside who runs already,
 * but still runs at once where a processor is free (SCHED_BATCH, see sched(7)). Without effect
 * where the system refuses. */
void sl_thread_compute(void);

/* Waits for its end. Safe when it was never started. */
void sl_thread_join(sl_thread *thread);

/* How many processors this process may use, at least 1. */
int sl_thread_processors(void);

#endif
