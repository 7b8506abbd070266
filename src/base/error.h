/* base: failing with a sentence. The only way a room reports what went wrong. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <sightline/error.h>
#include <stdbool.h>

/* Keeps the formatted sentence for sl_error() in this thread, and returns `code`, so that a
 * function can say: return sl_fail(SL_ESYSTEM, "…"). The sentence says what failed, for whom, and
 * what to try; it has no full stop and at most 511 bytes. */
int sl_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* SL_ENOMEM with its sentence. */
int sl_fail_memory(void);

/* Forgets this thread's last sentence, to tell afterwards whether a call left one. */
void sl_error_clear(void);
bool sl_error_said(void);

#endif
