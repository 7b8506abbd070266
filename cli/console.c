/* cli: what a person reads on standard error. */
#include "console.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All below is under the lock. */
static bool terminal; /* one whose lines can be rewritten, */
static bool colours;  /* and coloured */
static sl_log_level level = SL_LOG_WARNING;
static char progress[512];
static size_t state_bytes; /* of the state that it begins with */
static enum console_mood state_mood;

/* Cuts a line of UTF-8 to the terminal's width, so that it stays one that can be rewritten. */
static int fitting_bytes(const char *line) {
    struct winsize window = {0};
    int columns = 80, bytes = 0;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        columns = window.ws_col;
    for (int used = 0; line[bytes]; bytes++) {
        bool begins = ((unsigned char)line[bytes] & 0xC0) != 0x80;
        if (begins && ++used >= columns)
            break;
    }
    return bytes;
}

static void show_progress(void) {
    static const char *const shades[] = {
        [CONSOLE_GOOD] = "\033[32m", [CONSOLE_WAITING] = "\033[33m", [CONSOLE_BAD] = "\033[31m"};
    int fit = fitting_bytes(progress), state = fit < (int)state_bytes ? fit : (int)state_bytes;
    bool coloured = colours && state_mood != CONSOLE_PLAIN;
    if (terminal && progress[0])
        fprintf(stderr, "\r\033[K%s%.*s%s%.*s", coloured ? shades[state_mood] : "", state, progress,
                coloured ? "\033[m" : "", fit - state, progress + state);
}

static void print_line(const char *line) {
    if (terminal && progress[0])
        fputs("\r\033[K", stderr);
    fprintf(stderr, "sightline: %s\n", line);
    show_progress();
    fflush(stderr);
}

/* How pairing goes is no warning, and worth knowing all the same. */
static bool is_notice(sl_log_level of, const char *room) {
    return of == SL_LOG_INFO && strcmp(room, "pair") == 0;
}

static void take_log_line(void *user, sl_log_level of, const char *room, const char *line) {
    static const char *const names[] = {"", "error", "warning", "info", "debug"};
    char text[1200];
    (void)user;
    snprintf(text, sizeof(text), "%s: %s: %s", names[of], room, line);
    pthread_mutex_lock(&lock);
    if (of <= level)
        print_line(text);
    else if (is_notice(of, room))
        print_line(line);
    pthread_mutex_unlock(&lock);
}

/* With warnings come notices. */
static void take_log(sl_log_level wanted) {
    sl_log_set(take_log_line, NULL, wanted == SL_LOG_WARNING ? SL_LOG_INFO : wanted);
}

void console_open(void) {
    /* Whole lines at once, also where two processes share the terminal. */
    static char buffer[4096];
    setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
    const char *kind = getenv("TERM"), *plain = getenv("NO_COLOR");
    terminal = isatty(STDERR_FILENO) && !(kind && strcmp(kind, "dumb") == 0);
    colours = terminal && kind && !(plain && *plain);
    take_log(level);
}

void console_set_level(sl_log_level wanted) {
    pthread_mutex_lock(&lock);
    level = wanted;
    pthread_mutex_unlock(&lock);
    take_log(wanted);
}

bool console_live(void) {
    pthread_mutex_lock(&lock);
    bool live = terminal && level >= SL_LOG_WARNING;
    pthread_mutex_unlock(&lock);
    return live;
}

void console_say(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    if (level >= SL_LOG_WARNING)
        print_line(text);
    pthread_mutex_unlock(&lock);
}

void console_status(enum console_mood mood, const char *state, const char *rest) {
    pthread_mutex_lock(&lock);
    bool ends = progress[0] && !*state && !*rest;
    if (terminal && level >= SL_LOG_WARNING) {
        snprintf(progress, sizeof(progress), "%s%s", state, rest);
        state_bytes = strlen(state);
        state_mood = mood;
    }
    if (ends && terminal)
        fputs("\r\033[K", stderr);
    show_progress();
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

void console_progress(const char *line) {
    console_status(CONSOLE_PLAIN, "", line);
}

void console_connecting(const char *destination) {
    char line[400];
    snprintf(line, sizeof(line), "connecting to %s", destination ? destination : "");
    if (destination)
        console_progress(line);
}

void console_fail(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    console_progress("");
    pthread_mutex_lock(&lock);
    print_line(text);
    pthread_mutex_unlock(&lock);
}
