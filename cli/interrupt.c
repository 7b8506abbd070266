/* cli: Ctrl-C and SIGTERM. */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define INTERRUPTED_STATUS 130
#define SAME_MS            200 /* timeout(1) signals a process, and at once its group: one wish */

static sl_cancel *watching;
static atomic_int signals;
static atomic_int_fast64_t first_ms; /* when the first came */
static struct termios terminal_before;
static atomic_int terminal_fd = -1;

static int_fast64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int_fast64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_signal(int number) {
    (void)number;
    if (atomic_fetch_add(&signals, 1) == 0) {
        atomic_store(&first_ms, now_ms());
        sl_cancel_trigger(watching);
        return;
    }
    if (now_ms() - atomic_load(&first_ms) < SAME_MS)
        return;
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
