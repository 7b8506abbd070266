/*
 * libssh alone, the other way: how fast its server takes bytes from a channel and throws them away.
 * Prints its port, lets one client in with whatever key it has, grants it a channel, and ends with
 * it. Nothing else is on the thread.
 *
 *   bench-receiver HOSTKEY CIPHERS
 */
#include "bench.h"

#include <arpa/inet.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int throw_away(ssh_session session, ssh_channel channel, void *data, uint32_t size,
                      int is_stderr, void *user) {
    (void)session, (void)channel, (void)data, (void)is_stderr, (void)user;
    return (int)size;
}

static struct ssh_channel_callbacks_struct channel_callbacks = {.channel_data_function =
                                                                    throw_away};

static int let_in(ssh_session session, const char *user, struct ssh_key_struct *key, char state,
                  void *data) {
    (void)session, (void)user, (void)key, (void)state, (void)data;
    return SSH_AUTH_SUCCESS;
}

static struct ssh_server_callbacks_struct callbacks = {.auth_pubkey_function = let_in};

/* Grants a channel; 1 has libssh refuse anything else. */
static int answer(ssh_session session, ssh_message message, void *data) {
    (void)session, (void)data;
    if (ssh_message_type(message) != SSH_REQUEST_CHANNEL_OPEN)
        return 1;
    ssh_channel channel = ssh_message_channel_request_open_reply_accept(message);
    if (!channel || ssh_set_channel_callbacks(channel, &channel_callbacks) != SSH_OK)
        bench_fail("cannot grant a channel");
    return 0;
}

/* The connection of the one client. */
static int wait_client(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int nodelay = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        bench_fail("cannot listen");
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    int client = accept(listener, NULL, NULL);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
    close(listener);
    return client;
}

static ssh_session greet(char **argv) {
    bool off = false;
    ssh_bind bind = ssh_bind_new();
    ssh_session session = ssh_new();
    if (!bind || !session)
        bench_fail("out of memory");
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_CIPHERS_C_S, argv[2]);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_CIPHERS_S_C, argv[2]);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_HOSTKEY, argv[1]);
    if (ssh_bind_accept_fd(bind, session, wait_client()) != SSH_OK)
        bench_fail("%s", ssh_get_error(bind));
    ssh_callbacks_init(&callbacks);
    ssh_callbacks_init(&channel_callbacks);
    ssh_set_server_callbacks(session, &callbacks);
    ssh_set_message_callback(session, answer, NULL);
    ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
    if (ssh_handle_key_exchange(session) != SSH_OK)
        bench_fail("%s", ssh_get_error(session));
    ssh_bind_free(bind);
    return session;
}

int main(int argc, char **argv) {
    if (argc != 3)
        bench_fail("usage: bench-receiver HOSTKEY CIPHERS");
    ssh_session session = greet(argv);
    ssh_event event = ssh_event_new();
    if (!event || ssh_event_add_session(event, session) != SSH_OK)
        bench_fail("out of memory");
    while (ssh_is_connected(session) && ssh_event_dopoll(event, -1) != SSH_ERROR)
        ;
    ssh_event_free(event);
    ssh_free(session);
    return 0;
}
