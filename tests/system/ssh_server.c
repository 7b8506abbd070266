/* An SSH server for tests: accepts one password, by the methods it is told, and forwards
 * connections (direct-tcpip) to loopback. No shell, no account. The tests build and run it.
 *
 *     ssh_server HOST-KEY PASSWORD password|keyboard-interactive|mute|curt
 *
 * Prints the port it listens on as its first line. One process a session; all end with the first.
 */
#define SSH_SUPPRESS_DEPRECATED /* reading a password by message is what is wanted here */
#include <arpa/inet.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536

struct login {
    const char *password;
    bool keyboard;
    bool mute;
};

static bool curt; /* hangs up as soon as there is something to pass on */

struct forward {
    ssh_event event;
    ssh_channel channel;
    int descriptor;
    struct ssh_channel_callbacks_struct callbacks;
};

static void finish_forward(struct forward *forward) {
    if (forward->descriptor < 0)
        return;
    ssh_event_remove_fd(forward->event, forward->descriptor);
    close(forward->descriptor);
    forward->descriptor = -1;
    ssh_channel_close(forward->channel);
}

static int from_peer(ssh_session session, ssh_channel channel, void *data, uint32_t size,
                     int is_stderr, void *user) {
    struct forward *forward = user;
    (void)session, (void)channel, (void)is_stderr;
    size_t sent = 0;
    if (curt)
        _exit(0);
    while (forward->descriptor >= 0 && sent < size) {
        ssize_t step = send(forward->descriptor, (char *)data + sent, size - sent, MSG_NOSIGNAL);
        if (step <= 0)
            finish_forward(forward);
        else
            sent += (size_t)step;
    }
    return (int)size;
}

static void peer_closed(ssh_session session, ssh_channel channel, void *user) {
    (void)session, (void)channel;
    finish_forward(user);
}

static int from_socket(socket_t descriptor, int events, void *user) {
    struct forward *forward = user;
    char chunk[CHUNK];
    (void)events;
    ssize_t size = read(descriptor, chunk, sizeof chunk);
    if (size <= 0 || ssh_channel_write(forward->channel, chunk, (uint32_t)size) < 0)
        finish_forward(forward);
    return SSH_OK;
}

static int connect_loopback(int port) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, (struct sockaddr *)&place, sizeof place) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static int open_forward(ssh_message message, ssh_event event) {
    int descriptor = connect_loopback(ssh_message_channel_request_open_destination_port(message));
    if (descriptor < 0)
        return 1; /* libssh refuses it for us */
    struct forward *forward = calloc(1, sizeof *forward);
    if (!forward) {
        close(descriptor);
        return 1;
    }
    forward->event = event;
    forward->descriptor = descriptor;
    forward->channel = ssh_message_channel_request_open_reply_accept(message);
    forward->callbacks.userdata = forward;
    forward->callbacks.channel_data_function = from_peer;
    forward->callbacks.channel_eof_function = peer_closed;
    forward->callbacks.channel_close_function = peer_closed;
    ssh_callbacks_init(&forward->callbacks);
    ssh_set_channel_callbacks(forward->channel, &forward->callbacks);
    ssh_event_add_fd(event, descriptor, POLLIN, from_socket, forward);
    return 0;
}

static int on_message(ssh_session session, ssh_message message, void *user) {
    (void)session;
    if (ssh_message_type(message) == SSH_REQUEST_CHANNEL_OPEN &&
        ssh_message_subtype(message) == SSH_CHANNEL_DIRECT_TCPIP)
        return open_forward(message, user);
    return 1;
}

/* Answers one request to log in; true once it was the right one. */
static bool log_in(ssh_session session, ssh_message message, const struct login *login) {
    int method = ssh_message_subtype(message);
    int wanted = login->keyboard ? SSH_AUTH_METHOD_INTERACTIVE : SSH_AUTH_METHOD_PASSWORD;
    const char *given = NULL;

    if (ssh_message_type(message) == SSH_REQUEST_AUTH && method == wanted) {
        if (login->keyboard && !ssh_message_auth_kbdint_is_response(message)) {
            const char *prompts[] = {"Secret: "};
            char echo[] = {0};
            ssh_message_auth_interactive_request(message, "Test", "Say it", 1, prompts, echo);
            return false;
        }
        given = login->keyboard ? ssh_userauth_kbdint_getanswer(session, 0)
                                : ssh_message_auth_password(message);
    }
    if (given && strcmp(given, login->password) == 0) {
        ssh_message_auth_reply_success(message, 0);
        return true;
    }
    if (ssh_message_type(message) == SSH_REQUEST_AUTH)
        ssh_message_auth_set_methods(message, wanted);
    ssh_message_reply_default(message);
    return false;
}

/* Instead of libssh, which would answer what asks whether it is there. */
static void hear_question(ssh_session session, ssh_message message, void *user) {
    (void)session, (void)message, (void)user;
}

static struct ssh_callbacks_struct mute = {.global_request_function = hear_question};

static int serve(ssh_session session, const struct login *login) {
    bool welcome = false;
    ssh_set_auth_methods(session,
                         login->keyboard ? SSH_AUTH_METHOD_INTERACTIVE : SSH_AUTH_METHOD_PASSWORD);
    if (ssh_handle_key_exchange(session) != SSH_OK)
        return 1;
    while (!welcome) {
        ssh_message message = ssh_message_get(session);
        if (!message)
            return 1;
        welcome = log_in(session, message, login);
        ssh_message_free(message);
    }
    fprintf(stderr, "logged in\n");
    ssh_event event = ssh_event_new();
    if (login->mute)
        ssh_set_callbacks(session, &mute);
    ssh_set_message_callback(session, on_message, event);
    ssh_event_add_session(event, session);
    while (ssh_event_dopoll(event, -1) == SSH_OK && ssh_is_connected(session))
        continue;
    return 0;
}

static ssh_bind listen_loopback(const char *host_key) {
    ssh_bind listener = ssh_bind_new();
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    unsigned int any = 0;
    bool defaults = false;

    if (!listener)
        return NULL;
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_PROCESS_CONFIG, &defaults);
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDPORT, &any);
    ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HOSTKEY, host_key);
    if (ssh_bind_listen(listener) != SSH_OK ||
        getsockname(ssh_bind_get_fd(listener), (struct sockaddr *)&place, &size) < 0) {
        fprintf(stderr, "cannot listen: %s\n", ssh_get_error(listener));
        ssh_bind_free(listener);
        return NULL;
    }
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    struct login login = {.password = argv[2],
                          .keyboard = strcmp(argv[3], "keyboard-interactive") == 0,
                          .mute = strcmp(argv[3], "mute") == 0};
    curt = strcmp(argv[3], "curt") == 0;
    ssh_callbacks_init(&mute);
    signal(SIGCHLD, SIG_IGN);
    ssh_bind listener = listen_loopback(argv[1]);
    while (listener) {
        ssh_session session = ssh_new();
        if (!session || ssh_bind_accept(listener, session) != SSH_OK)
            break;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(serve(session, &login));
        }
        ssh_silent_disconnect(session);
        ssh_free(session);
    }
    ssh_bind_free(listener);
    return 1;
}
