/* cli: asks a person for a secret. */
#include "ask.h"
#include "console.h"
#include "interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sightline/cancel.h>
#include <sightline/error.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Two tunnels may want to know something at once. */
static pthread_mutex_t terminal_lock = PTHREAD_MUTEX_INITIALIZER;

static int open_terminal(void) {
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Whether there is a terminal to ask on. */
static bool can_ask(void) {
    int terminal = open_terminal();
    if (terminal >= 0)
        close(terminal);
    return terminal >= 0;
}

static void put(int terminal, const char *text) {
    /* Where the prompt can't be shown, the answer can't be read either. */
    ssize_t written = write(terminal, text, strlen(text));
    (void)written;
}

/* Reads one line, of at most size - 1 bytes, without its end. */
static int read_line(int terminal, const sl_cancel *cancel, char *answer, size_t size) {
    struct pollfd polled[2] = {
        {.fd = terminal, .events = POLLIN},
        {.fd = sl_cancel_fd(cancel), .events = POLLIN},
    };
    size_t length = 0;
    for (;;) {
        char byte;
        if (poll(polled, 2, -1) < 0)
            continue;
        if (polled[1].revents)
            return SL_ECANCELED;
        if (read(terminal, &byte, 1) != 1)
            return SL_ESYSTEM;
        if (byte == '\n')
            break;
        if (length + 1 >= size)
            return SL_EINVAL;
        answer[length++] = byte;
    }
    answer[length] = '\0';
    return SL_OK;
}

/* Under the lock. */
static int ask_alone(void *user, const char *prompt, bool echo, char *answer, size_t size) {
    struct termios before, quiet;
    int terminal = open_terminal();
    if (terminal < 0)
        return SL_EUNSUPPORTED;
    console_progress("");
    int code = SL_ESYSTEM;
    if (tcgetattr(terminal, &before) < 0)
        goto out;
    quiet = before;
    if (!echo)
        quiet.c_lflag &= ~(tcflag_t)ECHO;
    interrupt_restores(terminal, &before);
    tcsetattr(terminal, TCSAFLUSH, &quiet);
    put(terminal, prompt);
    put(terminal, " ");
    code = read_line(terminal, user, answer, size);
    tcsetattr(terminal, TCSANOW, &before);
    interrupt_restores(-1, NULL);
    if (!echo)
        put(terminal, "\n");
out:
    close(terminal);
    return code;
}

int ask(void *user, const char *prompt, bool echo, char *answer, size_t size) {
    pthread_mutex_lock(&terminal_lock);
    int code = ask_alone(user, prompt, echo, answer, size);
    pthread_mutex_unlock(&terminal_lock);
    return code;
}

bool ask_for(sl_tunnel_settings *tunnel, sl_cancel *cancel, char *sentence, size_t size) {
    tunnel->ask = ask;
    tunnel->ask_user = cancel;
    if (!tunnel->password_file || strcmp(tunnel->password_file, "-") != 0 || can_ask())
        return true;
    snprintf(sentence, size,
             "there is no terminal to ask for the password on; give --ssh-password-file a file");
    return false;
}
