/* cli: Ctrl-C and SIGTERM. */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#define INTERRUPTED_STATUS 130

static sl_cancel *watching;
static atomic_int signals;
static struct termios terminal_before;
static atomic_int terminal_fd = -1;

static void take_signal(int number) {
    (void)number;
    if (atomic_fetch_add(&signals, 1) == 0) {
        sl_cancel_trigger(watching);
        return;
    }
    int fd = atomic_load(&terminal_fd);
    if (fd >= 0)
        tcsetattr(fd, TCSANOW, &terminal_before);
    _exit(INTERRUPTED_STATUS);
}

void interrupt_watch(sl_cancel *cancel) {
    watching = cancel;
    struct sigaction action = {.sa_handler = take_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* nohup(1) has it ignored, and means it. */
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

bool interrupted(void) {
    return atomic_load(&signals) > 0;
}

void interrupt_restores(int fd, const struct termios *settings) {
    atomic_store(&terminal_fd, -1);
    if (!settings)
        return;
    terminal_before = *settings;
    atomic_store(&terminal_fd, fd);
}
