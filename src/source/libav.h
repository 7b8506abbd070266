/* source: what every file that calls libav needs: its log, and its reasons. */
#ifndef SOURCE_LIBAV_H
#define SOURCE_LIBAV_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Sends libav's log lines, which would go to standard error, to ours at debug level. libav has one
 * log for the whole process. Any thread, any number of times. */
void sl_libav_prepare(void);

/* Forgets the last error that libav told this thread, before a call that may fail. */
void sl_libav_forget(void);

/* Whether it has told one since. */
bool sl_libav_said(void);

/* Why libav failed: what it last told this thread as an error, else the text of the code. */
const char *sl_libav_reason(int error, char *text, size_t size);

/* Blocks all signals in this thread around what makes libav start threads, which inherit that:
 * signals are for the host's own threads. `before` is for restoring. */
void sl_libav_block_signals(sigset_t *before);
void sl_libav_restore_signals(const sigset_t *before);

#endif
