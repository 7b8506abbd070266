/* tunnel: starting and ending a program. Used by the OpenSSH back-end, on the tunnel's thread. */
#include "tunnel/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/event.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_EXECUTED 127 /* as a shell says it */

int sl_child_find(char *path, size_t size, const char *name) {
    const char *folder = getenv("PATH");
    if (!folder || !folder[0])
        folder = "/usr/bin:/bin";
    while (*folder) {
        int length = (int)strcspn(folder, ":");
        struct stat status;
        if (length > 0 && (size_t)snprintf(path, size, "%.*s/%s", length, folder, name) < size &&
            access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode))
            return SL_OK;
        folder += length + (folder[length] ? 1 : 0);
    }
    return sl_fail(SL_EUNSUPPORTED, "there is no program %s in PATH", name);
}

/* Our environment, but in English, and without anything that could ask somebody. Borrows ours. */
static char **make_environment(void) {
    static const char *const replaced[] = {"LC_ALL=", "LANGUAGE=", "SSH_ASKPASS_REQUIRE="};
    size_t count = 0, kept = 0;
    while (environ && environ[count])
        count++;
    char **words = calloc(count + 3, sizeof(*words));
    for (size_t i = 0; words && i < count; i++) {
        bool keep = true;
        for (size_t j = 0; j < SL_COUNT(replaced); j++)
            keep = keep && strncmp(environ[i], replaced[j], strlen(replaced[j])) != 0;
        if (keep)
            words[kept++] = environ[i];
    }
    if (words) {
        words[kept++] = (char *)"LC_ALL=C";
        words[kept] = (char *)"SSH_ASKPASS_REQUIRE=never";
    }
    return words;
}

/* In the child, where other threads' locks may be held for ever: system calls only. */
static _Noreturn void become(const char *path, char *const words[], char *const environment[],
                             pid_t parent, int complaints) {
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &usual, NULL);
    sigemptyset(&none);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &none, NULL);
    complaints = fcntl(complaints, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int nothing = open("/dev/null", O_RDWR);
    if (getppid() == parent && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
        dup2(nothing, STDOUT_FILENO) >= 0 && dup2(complaints, STDERR_FILENO) >= 0) {
        /* What the host forgot to mark, on kernels that can. */
        close_range(STDERR_FILENO + 1, ~0U, 0);
        execve(path, words, environment);
    }
    _exit(NOT_EXECUTED);
}

int sl_child_start(sl_child *child, const char *path, char *const words[]) {
    *child = (sl_child){.ended = -1, .complaints = -1};
    int ends[2];
    char **environment = make_environment();
    if (!environment)
        return sl_fail_memory();
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(environment);
        return sl_fail(SL_ESYSTEM, "cannot make a pipe for %s: %s", path, strerror(errno));
    }
    /* The host's handlers must not run in the child. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        become(path, words, environment, parent, ends[1]);
    int failure = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(environment);
    close(ends[1]);
    child->complaints = ends[0];
    if (child->pid > 0) {
        fcntl(child->complaints, F_SETFL, O_NONBLOCK);
        child->ended = (int)syscall(SYS_pidfd_open, child->pid, 0);
        failure = errno;
    }
    if (child->ended >= 0)
        return SL_OK;
    child->pid = child->pid > 0 ? child->pid : 0;
    sl_child_end(child, 0);
    return sl_fail(SL_ESYSTEM, "cannot start %s: %s", path, strerror(failure));
}

/* Whether nobody has waited for it: till then its number, and that of its group, can be nobody
 * else's. The program that we are in may wait for any child, or have the kernel do so. */
static bool is_ours(const sl_child *child) {
    siginfo_t info;
    return child->ended < 0 ||
           waitid(P_PIDFD, (id_t)child->ended, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int sl_child_end(sl_child *child, int grace_ms) {
    int status = -1;
    if (child->pid > 0 && is_ours(child)) {
        kill(-child->pid, SIGTERM);
        if (grace_ms > 0)
            sl_wait(child->ended, POLLIN, NULL, sl_deadline_us(grace_ms));
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL); /* had it no group of its own yet */
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    if (child->ended >= 0)
        close(child->ended);
    if (child->complaints >= 0)
        close(child->complaints);
    *child = (sl_child){.ended = -1, .complaints = -1};
    return status;
}
