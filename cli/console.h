/* cli: what a person reads on standard error. All of it goes through here, from any thread, so
 * that log lines and the live line don't run into each other. Never writes data. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <sightline/log.h>
#include <stdbool.h>

/* How good the state is that the live line begins with; in colour where that is welcome: on a
 * terminal that knows colours, unless NO_COLOR is set. */
enum console_mood { CONSOLE_PLAIN, CONSOLE_GOOD, CONSOLE_WAITING, CONSOLE_BAD };

/* Finds out whether standard error is a terminal, and starts to take log lines. */
void console_open(void);

/* How much to tell: what the library logs, and below SL_LOG_WARNING no notices either. */
void console_set_level(sl_log_level wanted);

/* Whether lines are rewritten in place. */
bool console_live(void);

/* Says something worth knowing that is no failure. */
void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows the live line, in place of the one before; "" ends it. Nothing without a terminal. */
void console_progress(const char *line);

/* The same of two parts, the first of which is a state. */
void console_status(enum console_mood mood, const char *state, const char *rest);

/* Shows that a tunnel to `destination` is being set up; nothing when it is NULL. */
void console_connecting(const char *destination);

/* Ends the live line and says why the command failed. */
void console_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
