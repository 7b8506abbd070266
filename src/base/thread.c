/* base: threads with a name, all signals blocked. */
#include "base/thread.h"
#include "base/error.h"
#include "base/log.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct start {
    void (*run)(void *argument);
    void *argument;
    char name[16];
    char about[SL_LOG_ABOUT_SIZE];
};

static void *begin(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    sl_log_set_about(start.about);
    start.run(start.argument);
    return NULL;
}

int sl_thread_start(sl_thread *thread, const char *name, void (*run)(void *argument),
                    void *argument) {
    thread->running = false;
    struct start *start = malloc(sizeof(*start));
    if (!start)
        return sl_fail_memory();
    start->run = run;
    start->argument = argument;
    snprintf(start->name, sizeof(start->name), "%s", name);
    snprintf(start->about, sizeof(start->about), "%s", sl_log_about());

    /* Signals are for the host's own threads: the new one inherits a full mask. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread->id, NULL, begin, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure) {
        free(start);
        return sl_fail(SL_ESYSTEM, "cannot start the thread %s: %s", name, strerror(failure));
    }
    thread->running = true;
    return SL_OK;
}

void sl_thread_compute(void) {
    const struct sched_param usual = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_BATCH, &usual);
}

void sl_thread_join(sl_thread *thread) {
    if (thread->running)
        pthread_join(thread->id, NULL);
    thread->running = false;
}

int sl_thread_processors(void) {
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof(processors), &processors) == 0)
        return CPU_COUNT(&processors);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
