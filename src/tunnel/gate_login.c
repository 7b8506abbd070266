/* tunnel: who may come through the gate, and where to. libssh calls in here on the client's thread,
 * while its session is driven.
 *
 * Granted are a log-in, a direct-tcpip channel to the link, and a session that is a pause and no
 * more. All other requests come to on_message() and are answered by libssh's refusal. */
#include "tunnel/gate_login.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/file.h"
#include "tunnel/authorized.h"
#include "tunnel/identity.h"
#include "tunnel/invited.h"
#include "tunnel/joiner.h"
#include "tunnel/known_hosts.h"
#include "tunnel/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PASSWORD_WAIT_MS 1000

/* One more log-in that was refused; too many end the connection. */
static int turn_away(sl_gate_client *client, const char *why) {
    sl_gate_refuse(client->door, "%s is not let in: %s", client->peer, why);
    if (++client->refused >= client->door->settings.max_attempts)
        client->over = true;
    return SSH_AUTH_DENIED;
}

/* How many are inside with that key. The door's lock is held. */
static int count_inside(const sl_gate_door *door, ssh_key key) {
    int count = 0;
    for (const sl_gate_client *other = door->insiders; other; other = other->next_inside)
        if (other->key && ssh_key_cmp(key, other->key, SSH_KEY_CMP_PUBLIC) == 0)
            count++;
    return count;
}

/* Takes a place among those who are inside, with a key (NULL: none), which is copied, and need not
 * be in the file yet when the client `joins`. NULL, or why there is none. */
static const char *take_place(sl_gate_client *client, ssh_key key, bool joins) {
    sl_gate_door *door = client->door;
    const char *why = NULL;
    pthread_mutex_lock(&door->lock);
    if (client->asked || door->inside >= door->settings.max_connections)
        why = "there are as many connections as gate_max_connections allows";
    else if (key && count_inside(door, key) >= door->settings.max_per_key)
        why = "there are as many connections with its key as gate_max_per_key allows";
    else if (key && !(client->key = ssh_key_dup(key)))
        why = "there is no memory for it";
    if (!why) {
        client->admitted = client->inside = true;
        client->joins = joins;
        client->next_inside = door->insiders;
        door->insiders = client;
        door->inside++;
    }
    pthread_mutex_unlock(&door->lock);
    return why;
}

/* Looks for the key of a client that has a place, as is done whenever the file changes from now on:
 * it may have been taken out when nobody looked for it yet. */
static int begin_to_look(sl_gate_client *client, ssh_key key) {
    sl_gate_door *door = client->door;
    const sl_gate_target link = sl_gate_door_target(door);
    char comment[2];
    pthread_mutex_lock(&door->lock);
    client->joins = false;
    pthread_mutex_unlock(&door->lock);
    return sl_authorized_look(door->authorized_keys, &link, key, comment, sizeof(comment));
}

static void give_place_back(sl_gate_client *client) {
    sl_gate_door *door = client->door;
    pthread_mutex_lock(&door->lock);
    sl_gate_client_leave(client);
    client->admitted = false;
    ssh_key_free(client->key);
    client->key = NULL;
    pthread_mutex_unlock(&door->lock);
}

/* Something for the client's user to read, as far as it gets there. */
static void say(const sl_gate_client *client, const char *text) {
    ssh_string words = ssh_string_from_char(text);
    if (words)
        ssh_send_issue_banner(client->session.ssh, words);
    ssh_string_free(words);
}

/* Hangs up: a camera comes again then, which it would not after a refused log-in. */
static int no_place(sl_gate_client *client, const char *why) {
    client->over = true;
    say(client, why);
    shutdown(client->session.descriptor, SHUT_RDWR);
    return turn_away(client, why);
}

static int welcome(const sl_gate_client *client, const char *how, const char *comment) {
    uint64_t more = 0;
    pthread_mutex_lock(&client->door->lock);
    bool pass = sl_log_limit_pass(&client->door->arrivals, &more);
    pthread_mutex_unlock(&client->door->lock);
    if (pass)
        sl_log(SL_LOG_INFO, "gate", "%s has logged in with %s%s%s", client->peer, how,
               comment[0] ? ", " : "", comment);
    return SSH_AUTH_SUCCESS;
}

static int let_in(sl_gate_client *client, ssh_key key, const char *how, const char *comment) {
    const char *why = take_place(client, key, false);
    if (!why && key && begin_to_look(client, key) < 0) {
        give_place_back(client);
        return turn_away(client, sl_error());
    }
    return why ? no_place(client, why) : welcome(client, how, comment);
}

/* Says to the client, too, why it is turned away, as far as that is about its invitation. */
static int decline(sl_gate_client *client, int code) {
    say(client, code == SL_EAUTH ? sl_error() : "it can't now, and its own log says why");
    return turn_away(client, sl_error());
}

bool sl_gate_target_is(const sl_gate_target *target, const char *host, int port) {
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", "[::1]", ""};
    bool here = target->address && strcasecmp(host, target->address) == 0;
    for (size_t i = 0; i < SL_COUNT(names) && !here; i++)
        here = strcasecmp(host, names[i]) == 0;
    bool meant = port == target->port;
    for (const int *other = target->others; other && *other && !meant; other++)
        meant = port == *other;
    return here && meant;
}

sl_gate_target sl_gate_door_target(const sl_gate_door *door) {
    return (sl_gate_target){.address = door->address, .port = door->port, .others = door->others};
}

/* Takes in the key of a camera that was invited. */
static int take_in(sl_gate_client *client, ssh_key token, const sl_joiner *joiner) {
    sl_gate_door *door = client->door;
    char comment[128], fingerprint[64], today[16];
    time_t now = time(NULL);
    struct tm parts;
    strftime(today, sizeof(today), "%Y-%m-%d", gmtime_r(&now, &parts));
    snprintf(comment, sizeof(comment), "%s paired %s", joiner->name[0] ? joiner->name : "camera",
             today);
    const sl_gate_target link = sl_gate_door_target(door);
    const char *why = take_place(client, joiner->key, true);
    if (why) /* first, so that no invitation is used up for nothing */
        return no_place(client, why);
    int code = sl_fingerprint(fingerprint, sizeof(fingerprint), joiner->key);
    if (code == SL_OK)
        code = sl_authorized_ready(door->authorized_keys);
    if (code == SL_OK)
        code = sl_invited_take(token);
    if (code == SL_OK)
        code = sl_authorized_add(door->authorized_keys, &link, joiner->key, comment);
    if (code == SL_OK)
        code = begin_to_look(client, joiner->key);
    if (code < 0) {
        give_place_back(client);
        return decline(client, code);
    }
    sl_log(SL_LOG_INFO, "pair",
           "a new camera, %s, was let in at %s with an invitation, which is used up; its key is %s",
           comment, client->peer, fingerprint);
    return SSH_AUTH_SUCCESS;
}

/* A log-in with the token of an invitation. */
static int on_joiner(sl_gate_client *client, const char *user, ssh_key token, char state) {
    sl_joiner joiner;
    int code = sl_joiner_read(user, &joiner);
    if (code == SL_OK)
        code = sl_invited_look(token);
    int answer = SSH_AUTH_SUCCESS; /* to be proved */
    if (code < 0)
        answer = decline(client, code);
    else if (state == SSH_PUBLICKEY_STATE_VALID)
        answer = take_in(client, token, &joiner);
    else if (state != SSH_PUBLICKEY_STATE_NONE)
        answer = turn_away(client, "its signature is wrong");
    ssh_key_free(joiner.key);
    return answer;
}

/* Asked twice for a key: whether it would do, and once the client has proved that it has it. */
static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state,
                  void *data) {
    sl_gate_client *client = data;
    char comment[160] = "", fingerprint[64] = "", text[512];
    (void)ssh;
    if (client->over || client->admitted)
        return SSH_AUTH_DENIED;
    if (sl_joiner_is(user))
        return on_joiner(client, user, key, state);
    sl_fingerprint(fingerprint, sizeof(fingerprint), key);
    const sl_gate_target target = sl_gate_door_target(client->door);
    int code =
        sl_authorized_look(client->door->authorized_keys, &target, key, comment, sizeof(comment));
    if (code < 0) {
        snprintf(text, sizeof(text), "%s: %.400s", fingerprint, sl_error());
        return turn_away(client, text);
    }
    if (state == SSH_PUBLICKEY_STATE_NONE)
        return SSH_AUTH_SUCCESS; /* to be proved */
    if (state != SSH_PUBLICKEY_STATE_VALID)
        return turn_away(client, "its signature is wrong");
    snprintf(text, sizeof(text), "the key %s", fingerprint);
    return let_in(client, key, text, comment);
}

/* In the same time for any two of the same length. */
static bool same(const char *one, const char *other) {
    size_t length = strlen(one), most = strlen(other);
    unsigned char differs = length != most;
    for (size_t i = 0; i < length; i++)
        differs |= (unsigned char)one[i] ^ (unsigned char)other[i < most ? i : most];
    return differs == 0;
}

static int read_password(const char *path, char *password, size_t size) {
    int code = sl_file_check_secret(path, "password file");
    return code < 0 ? code : sl_file_first_line(path, password, size, PASSWORD_WAIT_MS);
}

static int on_password(ssh_session ssh, const char *user, const char *given, void *data) {
    sl_gate_client *client = data;
    char password[SL_SECRET_MAX];
    (void)ssh, (void)user;
    if (client->over || client->admitted)
        return SSH_AUTH_DENIED;
    if (!client->door->password_file[0])
        return turn_away(client, "it came with a password, and only keys are taken");
    int code = read_password(client->door->password_file, password, sizeof(password));
    bool right = code == SL_OK && same(given, password);
    explicit_bzero(password, sizeof(password));
    if (right)
        return let_in(client, NULL, "the password", "");
    return turn_away(client, code < 0 ? sl_error() : "its password is wrong");
}

/* Without this libssh would look for the host's Kerberos keys. */
static ssh_string on_gssapi(ssh_session ssh, const char *user, int count, ssh_string *kinds,
                            void *data) {
    (void)ssh, (void)user, (void)count, (void)kinds;
    turn_away(data, "it wants Kerberos");
    return NULL;
}

/* Never says no: libssh would free all channels at once, which are still in use. */
static int on_service(ssh_session ssh, const char *service, void *data) {
    sl_gate_client *client = data;
    (void)ssh;
    if (strcmp(service, "ssh-userauth") != 0)
        client->over = true;
    return 0;
}

/* Opens a channel to the link. False to have it refused. */
static bool open_channel(sl_gate_client *client, ssh_message message) {
    const sl_gate_door *door = client->door;
    const char *host = ssh_message_channel_request_open_destination(message);
    int port = ssh_message_channel_request_open_destination_port(message);
    const sl_gate_target target = sl_gate_door_target(door);
    if (!host || !sl_gate_target_is(&target, host, port)) {
        sl_gate_refuse(client->door,
                       "%s may not have a connection to %.100s port %d: only to "
                       "localhost port %d",
                       client->peer, host ? host : "", port, door->port);
        return false;
    }
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++) {
        sl_forward *forward = &client->forwards[i];
        if (forward->state != SL_FORWARD_NONE)
            continue;
        /* -1 while the link makes its socket anew. */
        int local = sl_local_connect(door->socket_path);
        return sl_forward_accept(forward, &client->session, message, local) == SL_OK;
    }
    sl_gate_refuse(client->door, "%s wants more than %d connections at once", client->peer,
                   SL_GATE_FORWARDS_MOST);
    return false;
}

/* All that was not answered above. 1 has libssh refuse it. */
static int on_message(ssh_session ssh, ssh_message message, void *data) {
    sl_gate_client *client = data;
    int kind = ssh_message_type(message), what = ssh_message_subtype(message);
    (void)ssh;
    if (kind == SSH_REQUEST_AUTH) {
        bool sniffs = what == SSH_AUTH_METHOD_NONE && !client->sniffed;
        client->sniffed = true;
        if (!sniffs && !client->over)
            turn_away(client, "it wants a kind of log-in that is not offered");
        return 1;
    }
    if (!client->admitted || client->over)
        return 1;
    if (kind == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_DIRECT_TCPIP)
        return open_channel(client, message) ? 0 : 1;
    if (kind == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_SESSION &&
        sl_gate_pause_grant(&client->pause, message))
        return 0;
    if (kind == SSH_REQUEST_CHANNEL && sl_gate_pause_begin(&client->pause, message))
        return 0;
    sl_gate_refuse(client->door, "%s asks for something other than a connection to the viewer",
                   client->peer);
    return 1;
}

int sl_gate_login_init(sl_gate_client *client) {
    ssh_session ssh = client->session.ssh;
    bool passwords = client->door->password_file[0] != '\0';
    client->callbacks = (struct ssh_server_callbacks_struct){
        .userdata = client,
        .auth_pubkey_function = on_key,
        .auth_password_function = on_password,
        .gssapi_select_oid_function = on_gssapi,
        .service_request_function = on_service,
    };
    ssh_callbacks_init(&client->callbacks);
    ssh_set_auth_methods(ssh,
                         SSH_AUTH_METHOD_PUBLICKEY | (passwords ? SSH_AUTH_METHOD_PASSWORD : 0));
    ssh_set_message_callback(ssh, on_message, client);
    if (ssh_set_server_callbacks(ssh, &client->callbacks) != SSH_OK)
        return sl_fail_memory();
    return SL_OK;
}
