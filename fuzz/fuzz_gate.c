/* What a client of the gate says before it has logged in: its greeting and packets, up to the first
 * that would have to be encrypted. A client is a session and a thread, as in the gate. */
#include "fuzz.h"
#include "tunnel/gate_client.h"

#include <sightline/error.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static sl_gate_door door;
static ssh_bind bound;

/* Once: a key takes longer to make than an input to run. */
static void prepare(void) {
    bool off = false;
    ssh_key key;
    pthread_mutex_init(&door.lock, NULL);
    door.settings.max_connections = door.settings.max_attempts = 1;
    door.settings.login_timeout_s = 1;
    door.settings.buffer_kib = 64;
    bound = ssh_bind_new();
    if (!bound || sl_event_init(&door.gone) < 0 ||
        ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK ||
        ssh_bind_options_set(bound, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off) != 0 ||
        ssh_bind_options_set(bound, SSH_BIND_OPTIONS_IMPORT_KEY, key) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_gate_client *client;
    int ends[2];
    if (!bound)
        prepare();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        abort();
    /* What doesn't fit into the socket is cut off. */
    ssize_t sent = send(ends[1], data, size, MSG_NOSIGNAL);
    shutdown(ends[1], sent < 0 ? SHUT_RDWR : SHUT_WR);
    if (sl_gate_client_open(&client, &door, bound, ends[0]) < 0)
        abort();
    sl_gate_client_close(&client);
    close(ends[1]);
    if (door.inside != 0)
        abort();
    return 0;
}
