/* Log lines, all through one callback. The library itself never prints. */
#ifndef SIGHTLINE_LOG_H
#define SIGHTLINE_LOG_H

#include <sightline/export.h>

typedef enum sl_log_level {
    SL_LOG_NONE,
    SL_LOG_ERROR,
    SL_LOG_WARNING,
    SL_LOG_INFO,
    SL_LOG_DEBUG,
} sl_log_level;

/* Called with one line, without a newline. `room` is a short static name such as "tunnel".
 * May be called from any thread, one call at a time. It must not call back into the library. */
typedef void sl_log_function(void *user, sl_log_level level, const char *room, const char *line);

/* Sends lines up to `level` to `function`; NULL switches logging off, which is how it starts.
 * Process-wide. Returns once no call to the former function is under way. */
SL_API void sl_log_set(sl_log_function *function, void *user, sl_log_level level);

#endif
