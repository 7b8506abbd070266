/* base: log lines, all through one callback of the whole process. */
#include "base/log.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define LINE_SIZE 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under the lock. */
static sl_log_function *callback;
static void *callback_user;
/* Written under the lock, read without it, so that lines nobody wants cost nothing. */
static atomic_int wanted = SL_LOG_NONE;

/* After fork() none is left of the threads that may have been writing a line, and held the lock. */
static void renew_in_child(void) {
    pthread_mutex_init(&lock, NULL);
}

__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(NULL, NULL, renew_in_child);
}

static _Thread_local char about[SL_LOG_ABOUT_SIZE];

void sl_log_set_about(const char *text) {
    sl_text_copy(about, text, sizeof(about));
}

const char *sl_log_about(void) {
    return about;
}

void sl_log_set(sl_log_function *function, void *user, sl_log_level level) {
    pthread_mutex_lock(&lock);
    callback = function;
    callback_user = user;
    atomic_store(&wanted, function ? (int)level : SL_LOG_NONE);
    pthread_mutex_unlock(&lock);
}

void sl_log(sl_log_level level, const char *room, const char *format, ...) {
    if ((int)level > atomic_load_explicit(&wanted, memory_order_relaxed))
        return;
    int saved_errno = errno;
    char line[LINE_SIZE];
    va_list arguments;
    int used = snprintf(line, sizeof(line), "%s%s", about, about[0] ? ": " : "");
    va_start(arguments, format);
    vsnprintf(line + used, sizeof(line) - (size_t)used, format, arguments);
    va_end(arguments);
    sl_text_harmless(line);
    pthread_mutex_lock(&lock);
    if (callback && (int)level <= atomic_load(&wanted))
        callback(callback_user, level, room, line);
    pthread_mutex_unlock(&lock);
    errno = saved_errno;
}

bool sl_log_limit_pass(sl_log_limit *limit, uint64_t *suppressed) {
    int64_t now_us = sl_now_us();
    if (now_us < limit->next_us) {
        limit->held_back++;
        return false;
    }
    *suppressed = limit->held_back;
    limit->held_back = 0;
    limit->next_us = now_us + SL_SECOND_US;
    return true;
}
