/* source: libav's log and its reasons. */
#include "source/libav.h"
#include "base/log.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 256

/* A line may come in pieces; only its newline ends it. */
static _Thread_local char line[LINE_MAX_BYTES];
static _Thread_local char last_error[LINE_MAX_BYTES];

static void take_line(int level) {
    size_t length = strlen(line);
    while (length &&
           (line[length - 1] == '\n' || line[length - 1] == ' ' || line[length - 1] == '.'))
        line[--length] = '\0';
    if (length && level <= AV_LOG_ERROR)
        snprintf(last_error, sizeof(last_error), "%s", line);
    if (length)
        sl_log(SL_LOG_DEBUG, "libav", "%s", line);
    line[0] = '\0';
}

static void log_line(void *context, int level, const char *format, va_list arguments) {
    (void)context;
    if (level > AV_LOG_INFO)
        return;
    size_t used = strlen(line);
    vsnprintf(line + used, sizeof(line) - used, format, arguments);
    size_t length = strlen(line);
    if (strchr(line + used, '\n') || length == sizeof(line) - 1)
        take_line(level);
}

static void prepare_once(void) {
    av_log_set_callback(log_line);
}

void sl_libav_prepare(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_once);
}

void sl_libav_forget(void) {
    line[0] = '\0';
    last_error[0] = '\0';
}

bool sl_libav_said(void) {
    return last_error[0] != '\0';
}

const char *sl_libav_reason(int error, char *text, size_t size) {
    if (sl_libav_said())
        snprintf(text, size, "%s", last_error);
    else
        av_strerror(error, text, size);
    return text;
}

void sl_libav_block_signals(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void sl_libav_restore_signals(const sigset_t *before) {
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
