/* base: log lines. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <sightline/log.h>
#include <stdbool.h>
#include <stdint.h>

/* Writes one line to the callback, if there is one that wants this level. Any thread. Keeps
 * errno and sl_error() as they were. Control characters in the text are made harmless. */
void sl_log(sl_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SL_LOG_ABOUT_SIZE 160

/* What the calling thread's lines are about, put before each of them; "" (at first) is nothing.
 * Threads that it starts with sl_thread_start() begin with the same. */
void sl_log_set_about(const char *text);
const char *sl_log_about(void);

/* Lets a repeated message through at most once a second: fill with zeros; true when it may be
 * logged now, and then `suppressed` is how many were held back since. One thread at a time. */
typedef struct sl_log_limit {
    int64_t next_us;
    uint64_t held_back;
} sl_log_limit;
bool sl_log_limit_pass(sl_log_limit *limit, uint64_t *suppressed);

#endif
