/*
 * libssh alone: how fast its client pushes bytes through a real SSH server to somebody who throws
 * them away, or into a server that does so itself. 256 KiB a write, nothing else on the thread.
 *
 *   bench-ssh USER HOST PORT KEY CIPHERS
 */
#include "bench.h"

#include <arpa/inet.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITE_BYTES (256 * 1024)
#define WARM_US     300000
#define WINDOW_US   1500000

/* A child that accepts one connection and reads it to its end; returns its port. */
static int start_sink(pid_t *child) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        bench_fail("cannot listen");
    *child = fork();
    if (*child == 0) {
        char *bytes = malloc(WRITE_BYTES);
        int peer = accept(listener, NULL, NULL);
        while (bytes && recv(peer, bytes, WRITE_BYTES, 0) > 0)
            ;
        _exit(0);
    }
    close(listener);
    return ntohs(address.sin_port);
}

static ssh_session log_in(char **argv) {
    ssh_session session = ssh_new();
    ssh_key key = NULL;
    int port = atoi(argv[3]), nodelay = 1, no = 0;
    if (!session)
        bench_fail("out of memory");
    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
    ssh_options_set(session, SSH_OPTIONS_USER, argv[1]);
    ssh_options_set(session, SSH_OPTIONS_HOST, argv[2]);
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
    ssh_options_set(session, SSH_OPTIONS_NODELAY, &nodelay);
    ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, argv[5]);
    ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, argv[5]);
    if (ssh_connect(session) != SSH_OK)
        bench_fail("%s", ssh_get_error(session));
    if (ssh_pki_import_privkey_file(argv[4], NULL, NULL, NULL, &key) != SSH_OK ||
        ssh_userauth_publickey(session, NULL, key) != SSH_AUTH_SUCCESS)
        bench_fail("log-in with %s failed", argv[4]);
    ssh_key_free(key);
    return session;
}

static double push(ssh_channel channel) {
    static char bytes[WRITE_BYTES];
    size_t total = 0;
    int64_t now_us = bench_now_us(), start_us = 0, warm_us = now_us + WARM_US;
    while (!start_us || now_us - start_us < WINDOW_US) {
        int written = ssh_channel_write(channel, bytes, WRITE_BYTES);
        if (written <= 0)
            bench_fail("the channel broke");
        now_us = bench_now_us();
        if (start_us)
            total += (size_t)written;
        else if (now_us >= warm_us)
            start_us = now_us;
    }
    return (double)total / ((double)(now_us - start_us) / 1e6);
}

int main(int argc, char **argv) {
    pid_t child;
    if (argc != 6)
        bench_fail("usage: bench-ssh USER HOST PORT KEY CIPHERS");
    int port = start_sink(&child);
    ssh_session session = log_in(argv);
    ssh_channel channel = ssh_channel_new(session);
    if (!channel || ssh_channel_open_forward(channel, "127.0.0.1", port, "127.0.0.1", 0) != SSH_OK)
        bench_fail("forwarding: %s", ssh_get_error(session));
    double rate = push(channel);
    printf("{\"bytes_per_s\": %.0f, \"cipher\": \"%s\"}\n", rate, ssh_get_cipher_out(session));
    ssh_channel_free(channel);
    ssh_disconnect(session);
    ssh_free(session);
    kill(child, SIGTERM); /* it still waits if the server forwards nothing */
    waitpid(child, NULL, 0);
    return 0;
}
