/* tunnel: opening and closing the gate, and the thread that takes connections. Called by the stream
 * room.
 *
 * Clients that have not logged in have few places, and the oldest makes way for a newer one: a
 * log-in takes a moment, and who sits there longer keeps nobody out. */
#include "tunnel/gate.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/listen.h"
#include "base/watch.h"
#include "tunnel/authorized.h"
#include "tunnel/cipher.h"
#include "tunnel/gate_client.h"
#include "tunnel/known_hosts.h"
#include "tunnel/own_key.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS        100  /* when the system has no descriptor left for a connection */
#define LOOK_MS         1000 /* until keys that could not be read are looked at again */
#define HOST_KEY_NAME   "gate_ed25519"
#define HOST_KEY_WHAT   "the gate's host key"
#define AUTHORIZED_NAME "authorized_keys"

/* Cheap ones, without files of primes: somebody who has not logged in makes us compute them. */
#define KEY_EXCHANGES                                                                              \
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"        \
    "ecdh-sha2-nistp521"

struct sl_gate {
    sl_gate_door door;
    sl_gate_place place;
    char folder[96];    /* private; holds the link's socket */
    char endpoint[128]; /* that socket, as ZeroMQ writes it */
    sl_listeners listeners;
    sl_watch watch; /* of the authorized keys */
    sl_cancel *stop;
    sl_thread thread;

    /* The accepting thread's. */
    ssh_bind bind;
    sl_gate_client *clients; /* the newest first */
    int64_t look_us;         /* when their keys are to be looked at again; -1: once they change */
};

static int set(ssh_bind bind, enum ssh_bind_options_e option, const void *value) {
    if (ssh_bind_options_set(bind, option, value) == 0)
        return SL_OK;
    return sl_fail(SL_ESYSTEM, "libssh does not take the gate's options: %s", ssh_get_error(bind));
}

static int get_host_key(ssh_key *key) {
    char path[4096];
    *key = NULL;
    int code = sl_state_path(path, sizeof(path), HOST_KEY_NAME);
    return code < 0 ? code : sl_own_key_get(key, path, HOST_KEY_WHAT);
}

int sl_gate_fingerprint(char *text, size_t size) {
    ssh_key key;
    int code = get_host_key(&key);
    if (code == SL_OK)
        code = sl_fingerprint(text, size, key);
    ssh_key_free(key);
    return code;
}

/* What all sessions begin with. Nothing is read from the system's own configuration. */
static int make_bind(sl_gate *gate) {
    bool off = false;
    ssh_key key = NULL;
    if (!(gate->bind = ssh_bind_new()))
        return sl_fail_memory();
    int code = get_host_key(&key);
    if (code == SL_OK)
        code = sl_fingerprint(gate->place.host_key, sizeof(gate->place.host_key), key);
    if (code == SL_OK)
        code = set(gate->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off);
    if (code == SL_OK)
        code = set(gate->bind, SSH_BIND_OPTIONS_KEY_EXCHANGE, KEY_EXCHANGES);
    if (code == SL_OK)
        code = set(gate->bind, SSH_BIND_OPTIONS_CIPHERS_C_S, sl_cipher_order());
    if (code == SL_OK)
        code = set(gate->bind, SSH_BIND_OPTIONS_CIPHERS_S_C, sl_cipher_order());
    if (code == SL_OK)
        code = set(gate->bind, SSH_BIND_OPTIONS_IMPORT_KEY, key);
    if (code < 0)
        ssh_key_free(key); /* else the bind's */
    return code;
}

/* Frees what has ended; all, which were told to end, when `all`. */
static void reap(sl_gate *gate, bool all) {
    for (sl_gate_client **at = &gate->clients; *at;) {
        sl_gate_client *client = *at;
        pthread_mutex_lock(&gate->door.lock);
        bool ended = client->ended;
        pthread_mutex_unlock(&gate->door.lock);
        if (!ended && !all) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        sl_gate_client_close(&client);
    }
}

/* Whether there is a place for one more. Asks the oldest that has not logged in to make way if
 * there are many of those; while those that were asked are not gone yet, new ones have to wait. */
static bool make_room(sl_gate *gate) {
    const sl_gate_settings *settings = &gate->door.settings;
    sl_gate_client *oldest = NULL;
    int strangers = 0, leaving = 0;
    pthread_mutex_lock(&gate->door.lock);
    for (sl_gate_client *client = gate->clients; client; client = client->next) {
        if (client->inside)
            continue;
        if (client->asked || client->ended) {
            leaving++;
            continue;
        }
        strangers++;
        oldest = client;
    }
    /* A camera that finds no place comes again, which it would not after a refused log-in. */
    bool room =
        leaving <= settings->max_unauthenticated && gate->door.inside < settings->max_connections;
    if (room && strangers >= settings->max_unauthenticated && oldest) {
        oldest->asked = true;
        sl_cancel_trigger(oldest->stop);
    } else {
        oldest = NULL;
    }
    pthread_mutex_unlock(&gate->door.lock);
    if (oldest)
        sl_gate_refuse(&gate->door, "%s has to make way, without having logged in: others wait",
                       oldest->peer);
    return room;
}

static void take(sl_gate *gate, int listener) {
    sl_gate_client *client;
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            sl_gate_refuse(&gate->door, "nobody more can be let in: %s", strerror(errno));
            sl_wait(-1, 0, gate->stop, sl_deadline_us(PAUSE_MS));
        }
        return;
    }
    if (!make_room(gate)) {
        sl_gate_refuse(&gate->door, "too many connect at once; one is turned away");
        close(descriptor);
        return;
    }
    if (sl_gate_client_open(&client, &gate->door, gate->bind, descriptor) < 0) {
        sl_gate_refuse(&gate->door, "a connection is turned away: %s", sl_error());
        return;
    }
    client->next = gate->clients;
    gate->clients = client;
}

/* Whether a client's key lets it in still. Where that can't be told now, it is looked at later. */
static bool may_stay(sl_gate *gate, const sl_gate_client *client, ssh_key key) {
    sl_gate_door *door = &gate->door;
    const sl_gate_target link = sl_gate_door_target(door);
    char comment[2];
    int code = sl_authorized_look(door->authorized_keys, &link, key, comment, sizeof(comment));
    if (code == SL_OK)
        return true;
    if (code != SL_ESYSTEM || errno == ENOENT) {
        sl_gate_refuse(door, "%s may not stay: %s", client->peer, sl_error());
        return false;
    }
    sl_gate_refuse(door, "%s stays for now: %s", client->peer, sl_error());
    gate->look_us = sl_deadline_us(LOOK_MS);
    return true;
}

/* A copy of the key that let a client in, which may give it back at any time; NULL: it has none
 * that can be looked for in the file. */
static ssh_key copy_key(sl_gate *gate, const sl_gate_client *client) {
    pthread_mutex_lock(&gate->door.lock);
    bool listed = client->inside && client->key && !client->joins;
    ssh_key key = listed ? ssh_key_dup(client->key) : NULL;
    pthread_mutex_unlock(&gate->door.lock);
    if (listed && !key)
        gate->look_us = sl_deadline_us(LOOK_MS);
    return key;
}

/* Ends the connections whose keys let nobody in any more. */
static void look_again(sl_gate *gate) {
    gate->look_us = -1;
    for (sl_gate_client *client = gate->clients; client; client = client->next) {
        ssh_key key = copy_key(gate, client);
        if (key && !may_stay(gate, client, key))
            sl_cancel_trigger(client->stop);
        ssh_key_free(key);
    }
}

static void run(void *argument) {
    sl_gate *gate = argument;
    enum { STOP, GONE, KEYS, LISTENERS };
    struct pollfd polled[LISTENERS + SL_LISTENERS_MOST] = {
        [STOP] = {.fd = sl_cancel_fd(gate->stop), .events = POLLIN},
        [GONE] = {.fd = gate->door.gone.fd, .events = POLLIN},
        [KEYS] = {.fd = gate->watch.fd, .events = POLLIN}};
    const sl_listeners *listeners = &gate->listeners;
    for (int i = 0; i < listeners->count; i++)
        polled[LISTENERS + i] = (struct pollfd){.fd = listeners->descriptors[i], .events = POLLIN};
    while (!sl_cancel_triggered(gate->stop)) {
        if (poll(polled, (nfds_t)(LISTENERS + listeners->count), sl_remaining_ms(gate->look_us)) <
            0)
            continue;
        if (polled[GONE].revents) {
            sl_event_clear(&gate->door.gone);
            reap(gate, false);
        }
        bool changed = polled[KEYS].revents && sl_watch_take(&gate->watch);
        if (changed || sl_remaining_ms(gate->look_us) == 0)
            look_again(gate);
        for (int i = 0; i < listeners->count; i++)
            if (polled[LISTENERS + i].revents)
                take(gate, listeners->descriptors[i]);
    }
    for (sl_gate_client *client = gate->clients; client; client = client->next)
        sl_cancel_trigger(client->stop);
    reap(gate, true);
}

int sl_gate_authorized_keys(const sl_gate_settings *settings, char *path, size_t size) {
    if (!settings->authorized_keys)
        return sl_config_path(path, size, AUTHORIZED_NAME);
    if ((size_t)snprintf(path, size, "%s", settings->authorized_keys) >= size)
        return sl_fail(SL_EINVAL, "the path of the authorized keys is too long");
    return SL_OK;
}

/* Says now what would keep everybody out. */
static void check_keys(const char *path) {
    FILE *file;
    int code = sl_authorized_open(&file, path);
    if (code == SL_OK)
        fclose(file);
    else if (code == SL_ESYSTEM && errno == ENOENT && sl_authorized_ready(path) == SL_OK)
        sl_log(SL_LOG_INFO, "pair",
               "nobody can log in yet: invite cameras with `sightline pair`, or put their public "
               "keys into %s",
               path);
    else
        sl_log(SL_LOG_WARNING, "gate", "nobody can log in, or be invited: %s", sl_error());
}

/* Where files are, and whether anybody could come in. */
static int find_files(sl_gate *gate, const sl_gate_settings *settings) {
    sl_gate_door *door = &gate->door;
    int code =
        sl_gate_authorized_keys(settings, door->authorized_keys, sizeof(door->authorized_keys));
    if (code == SL_OK && sl_watch_init(&gate->watch, door->authorized_keys) < 0)
        sl_log(SL_LOG_WARNING, "gate", "a key that is taken out keeps its connections: %s",
               sl_error());
    if (settings->password_file)
        snprintf(door->password_file, sizeof(door->password_file), "%s", settings->password_file);
    else if (code == SL_OK)
        check_keys(door->authorized_keys);
    return code;
}

static int listen_at(sl_gate *gate, const char *text, const sl_cancel *cancel) {
    char host[256];
    int port;
    int code = sl_listen_parse("gate", text, host, sizeof(host), &port);
    if (code == SL_OK)
        code = sl_listen(&gate->listeners, "gate", host, port, cancel);
    if (code < 0)
        return code;
    gate->place.port = gate->listeners.port;
    snprintf(gate->place.address, sizeof(gate->place.address), "%.63s", host);
    return SL_OK;
}

static int start(sl_gate *gate, const sl_gate_settings *settings, const sl_gate_target *target,
                 const sl_cancel *cancel) {
    sl_gate_door *door = &gate->door;
    door->settings = *settings;
    door->settings.listen = door->settings.authorized_keys = door->settings.password_file = NULL;
    door->port = gate->place.link_port = target->port;
    for (size_t i = 0; target->others && target->others[i] && i + 1 < SL_GATE_PORTS_MAX; i++)
        door->others[i] = target->others[i];
    snprintf(door->address, sizeof(door->address), "%s", target->address ? target->address : "");
    int code = sl_session_check_library();
    if (code == SL_OK)
        code = find_files(gate, settings);
    if (code == SL_OK)
        code = sl_event_init(&door->gone);
    if (code == SL_OK)
        code = sl_cancel_open(&gate->stop);
    if (code == SL_OK)
        code = make_bind(gate);
    if (code == SL_OK)
        code = listen_at(gate, settings->listen, cancel);
    if (code == SL_OK && (code = sl_private_directory(gate->folder, sizeof(gate->folder))) < 0)
        gate->folder[0] = '\0';
    if (code < 0)
        return code;
    snprintf(door->socket_path, sizeof(door->socket_path), "%s/link", gate->folder);
    snprintf(gate->endpoint, sizeof(gate->endpoint), "ipc://%s", door->socket_path);
    return sl_thread_start(&gate->thread, "sl-gate", run, gate);
}

int sl_gate_open(sl_gate **gate, const sl_gate_settings *settings, const sl_gate_target *target,
                 const sl_cancel *cancel) {
    *gate = NULL;
    sl_gate *opening = calloc(1, sizeof(*opening));
    if (!opening)
        return sl_fail_memory();
    opening->door.gone.fd = opening->watch.fd = -1;
    opening->look_us = -1;
    pthread_mutex_init(&opening->door.lock, NULL);
    int code = start(opening, settings, target, cancel);
    if (code < 0) {
        sl_gate_close(&opening, 0);
        return code;
    }
    *gate = opening;
    return SL_OK;
}

const char *sl_gate_endpoint(const sl_gate *gate) {
    return gate->endpoint;
}

void sl_gate_place_get(const sl_gate *gate, sl_gate_place *place) {
    *place = gate->place;
}

void sl_gate_close(sl_gate **gate, int linger_ms) {
    sl_gate *closing = *gate;
    if (!closing)
        return;
    *gate = NULL;
    atomic_store(&closing->door.linger_ms, linger_ms);
    if (closing->stop)
        sl_cancel_trigger(closing->stop);
    sl_thread_join(&closing->thread);
    sl_listeners_close(&closing->listeners);
    if (closing->bind)
        ssh_bind_free(closing->bind);
    if (closing->folder[0]) {
        unlink(closing->door.socket_path);
        rmdir(closing->folder);
    }
    sl_watch_finish(&closing->watch);
    sl_event_finish(&closing->door.gone);
    sl_cancel_close(&closing->stop);
    pthread_mutex_destroy(&closing->door.lock);
    free(closing);
}
