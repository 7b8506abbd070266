/* tests: a real sshd in a temporary folder, on a free port of loopback, as the current user, with
 * keys made on the spot; and somebody who listens behind it. Any failure here ends the test. */
#ifndef TESTS_UNIT_TUNNEL_SSHD_H
#define TESTS_UNIT_TUNNEL_SSHD_H

#include <pthread.h>
#include <sightline/tunnel.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sshd {
    char folder[64]; /* holds id, id.pub, authorized_keys, host_ed25519, host_ecdsa, known_hosts */
    char config[4096];
    int port;
    pid_t pid; /* 0: not running */
    int output;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t more;
    char *log;
    size_t log_size;
    bool ended; /* it will say no more */
};

/* Makes folder and keys, chooses a port, and starts it with `options` added to its
 * configuration. HOME is that folder from then on. */
void sshd_start(struct sshd *server, const char *options);

/* Whether it listens at ::1 too, which takes a machine with IPv6. */
bool sshd_has_ipv6(void);

/* Stops it, the sessions too, and starts it again on the same port. */
void sshd_halt(struct sshd *server);
void sshd_resume(struct sshd *server);

/* Kills all processes that serve sessions, not the one that listens. How many there were. */
int sshd_kill_sessions(struct sshd *server);

/* Waits until the log has the text `times` times. */
void sshd_wait_log(struct sshd *server, const char *text, int times);

/* Stops it and removes its folder. */
void sshd_finish(struct sshd *server);

/* Settings that let one in: destination, key and known_hosts. They point into `server` and to
 * static memory. */
void sshd_settings(struct sshd *server, sl_tunnel_settings *settings);

/* The path of a file in its folder; static memory, a few at a time. */
const char *sshd_path(const struct sshd *server, const char *name);

/* Runs a program and waits for it; its output goes nowhere. */
void run_program(const char *const *arguments);

/* A listening socket on loopback, and its port. */
int listen_somewhere(int *port);

/* A port on loopback that takes no connection and refuses none; `holders` are to be closed. */
void listen_in_silence(int holders[2], int *port);

/* A connected socket to an "ipc://" endpoint; waits until somebody listens there. */
int connect_endpoint(const char *endpoint);

/* How many entries a folder has. */
int count_entries(const char *path);

/* Waits until this process has no more entries in /proc/self/task than that: one that was joined
 * may still have its own. */
void wait_for_threads(int most);

/* "SHA256:…" of a public key file. Static memory, one at a time. */
const char *fingerprint_of(const char *public_key_path);

#endif
