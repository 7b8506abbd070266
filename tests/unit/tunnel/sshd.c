/* tests: a real sshd in a temporary folder. */
#include "sshd.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_S 60

const char *sshd_path(const struct sshd *server, const char *name) {
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", server->folder, name);
    return path;
}

static pid_t spawn(const char *const *arguments, int output) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        execv(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    return pid;
}

void run_program(const char *const *arguments) {
    int status, nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid = spawn(arguments, nowhere);
    close(nowhere);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void make_key(const char *path, const char *type) {
    run_program((const char *[]){"/usr/bin/ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test",
                                 "-f", path, NULL});
}

static void copy_file(const char *from, const char *to) {
    char text[4096];
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t size = read(source, text, sizeof(text));
    assert_true(size > 0 && write(target, text, (size_t)size) == size);
    close(source);
    close(target);
}

int listen_somewhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* With one connection in a queue of none, the kernel drops what comes after it. */
void listen_in_silence(int holders[2], int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    holders[0] = listen_somewhere(port);
    assert_int_equal(listen(holders[0], 0), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)*port);
    holders[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(holders[1], (struct sockaddr *)&address, sizeof(address)), 0);
}

bool sshd_has_ipv6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has =
        descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (descriptor >= 0)
        close(descriptor);
    return has;
}

static void *read_log(void *argument) {
    struct sshd *server = argument;
    char chunk[4096];
    ssize_t size;
    while ((size = read(server->output, chunk, sizeof(chunk))) > 0) {
        pthread_mutex_lock(&server->lock);
        server->log = realloc(server->log, server->log_size + (size_t)size + 1);
        memcpy(server->log + server->log_size, chunk, (size_t)size);
        server->log_size += (size_t)size;
        server->log[server->log_size] = '\0';
        pthread_cond_broadcast(&server->more);
        pthread_mutex_unlock(&server->lock);
    }
    pthread_mutex_lock(&server->lock);
    server->ended = true;
    pthread_cond_broadcast(&server->more);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static int count(const char *log, const char *text) {
    int found = 0;
    while (log && (log = strstr(log, text))) {
        log += strlen(text);
        found++;
    }
    return found;
}

void sshd_wait_log(struct sshd *server, const char *text, int times) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int failure = 0;
    pthread_mutex_lock(&server->lock);
    while (count(server->log, text) < times && failure == 0 && !server->ended)
        failure = pthread_cond_timedwait(&server->more, &server->lock, &until);
    bool found = count(server->log, text) >= times;
    pthread_mutex_unlock(&server->lock);
    if (!found)
        fail_msg("sshd did not say \"%s\", but:\n%s", text, server->log ? server->log : "");
}

void sshd_resume(struct sshd *server) {
    int ends[2];
    free(server->log);
    server->log = NULL;
    server->log_size = 0;
    server->ended = false;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    server->output = ends[0];
    server->pid = spawn((const char *[]){"/usr/sbin/sshd", "-D", "-e", "-f",
                                         sshd_path(server, "sshd_config"), NULL},
                        ends[1]);
    close(ends[1]);
    assert_int_equal(pthread_create(&server->reader, NULL, read_log, server), 0);
    sshd_wait_log(server, "Server listening on", 1);
}

void sshd_start(struct sshd *server, const char *options) {
    *server = (struct sshd){.output = -1};
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->more, NULL);
    strcpy(server->folder, "/tmp/sl-sshd-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    setenv("HOME", server->folder, 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("SSH_AUTH_SOCK");
    if (geteuid() == 0)
        mkdir("/run/sshd", 0755); /* Debian's sshd wants it for its unprivileged half */

    make_key(sshd_path(server, "host_ed25519"), "ed25519");
    make_key(sshd_path(server, "host_ecdsa"), "ecdsa");
    make_key(sshd_path(server, "id"), "ed25519");
    copy_file(sshd_path(server, "id.pub"), sshd_path(server, "authorized_keys"));
    close(listen_somewhere(&server->port));
    char both[64] = "";
    if (sshd_has_ipv6())
        snprintf(both, sizeof(both), "ListenAddress [::1]:%d", server->port);
    snprintf(server->config, sizeof(server->config),
             "%s\n%s\nListenAddress 127.0.0.1:%d\nHostKey %s\nHostKey %s\nAuthorizedKeysFile %s\n"
             "PidFile none\nUsePAM no\nStrictModes no\nLogLevel VERBOSE\nMaxStartups 200\n"
             "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
             options, both, server->port, sshd_path(server, "host_ed25519"),
             sshd_path(server, "host_ecdsa"), sshd_path(server, "authorized_keys"));
    FILE *file = fopen(sshd_path(server, "sshd_config"), "we");
    assert_non_null(file);
    fputs(server->config, file);
    fclose(file);

    char line[1024] = "", key[512];
    file = fopen(sshd_path(server, "host_ed25519.pub"), "re");
    assert_non_null(fgets(key, sizeof(key), file));
    fclose(file);
    snprintf(line, sizeof(line), "[127.0.0.1]:%d %s", server->port, key);
    file = fopen(sshd_path(server, "known_hosts"), "we");
    fputs(line, file);
    fclose(file);
    sshd_resume(server);
}

/* Kills the children of a process, theirs first. */
static int kill_children(pid_t pid) {
    char path[64], line[4096] = "";
    int killed = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (!fgets(line, sizeof(line), file))
        line[0] = '\0';
    fclose(file);
    char *rest = line;
    for (long child; (child = strtol(rest, &rest, 10)) > 0; killed++) {
        kill_children((pid_t)child);
        kill((pid_t)child, SIGKILL);
    }
    return killed;
}

int sshd_kill_sessions(struct sshd *server) {
    return kill_children(server->pid);
}

void sshd_halt(struct sshd *server) {
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGSTOP); /* so that nobody new comes */
    kill_children(server->pid);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    pthread_join(server->reader, NULL);
    close(server->output);
    server->pid = 0;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk) {
    (void)status, (void)flag, (void)walk;
    return remove(path);
}

void sshd_finish(struct sshd *server) {
    sshd_halt(server);
    nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(server->log);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->more);
    *server = (struct sshd){.output = -1};
}

void sshd_settings(struct sshd *server, sl_tunnel_settings *settings) {
    static char destination[128], key[128], known[128];
    *settings = (sl_tunnel_settings){.connect_timeout_s = 60};
    snprintf(destination, sizeof(destination), "%s@127.0.0.1:%d", getpwuid(geteuid())->pw_name,
             server->port);
    snprintf(key, sizeof(key), "%s/id", server->folder);
    snprintf(known, sizeof(known), "%s/known_hosts", server->folder);
    settings->destination = destination;
    settings->key_file = key;
    settings->known_hosts = known;
}

int connect_endpoint(const char *endpoint) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", endpoint + strlen("ipc://"));
    for (int tries = 0; tries < PATIENCE_S * 100; tries++) {
        int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(descriptor >= 0);
        if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0)
            return descriptor;
        close(descriptor);
        usleep(10000); /* nothing tells when a socket appears */
    }
    fail_msg("nobody listens at %s", endpoint);
    return -1;
}

const char *fingerprint_of(const char *public_key_path) {
    static char text[64];
    char command[256], line[256];
    snprintf(command, sizeof(command), "ssh-keygen -lf %s", public_key_path);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof(line), pipe));
    pclose(pipe);
    assert_int_equal(sscanf(line, "%*d %63s", text), 1);
    return text;
}

int count_entries(const char *path) {
    int entries = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        entries++;
    closedir(folder);
    return entries;
}

void wait_for_threads(int most) {
    for (int tries = 0; tries < PATIENCE_S * 100; tries++) {
        if (count_entries("/proc/self/task") <= most)
            return;
        usleep(10000); /* nothing tells when the kernel has cleared a joined one away */
    }
    fail_msg("threads are left: %d in place of %d", count_entries("/proc/self/task"), most);
}
