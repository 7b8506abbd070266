/* tunnel: the libssh back-end: dialling, verifying, logging in, forwarding, one after the other.
 * Called by the supervisor. */
#include "base/clock.h"
#include "base/error.h"
#include "tunnel/auth.h"
#include "tunnel/dial.h"
#include "tunnel/hostkey.h"
#include "tunnel/inward.h"
#include "tunnel/jump.h"
#include "tunnel/known_hosts.h"
#include "tunnel/measure.h"
#include "tunnel/pump.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    sl_tunnel_job *job;
    sl_identity identity;
    int family; /* of the pinned host key, once it was seen; else -1 */
    sl_session session;
    sl_pump pump;
    int lost; /* the connection that was lost last; -1: none */
};

static int open_client(void **state, sl_tunnel_job *job) {
    int code = sl_session_check_library();
    if (code < 0)
        return code;
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return sl_fail_memory();
    client->job = job;
    client->family = -1;
    client->identity.plan = &job->plan;
    client->session.descriptor = -1;
    client->lost = -1;
    *state = client;
    return SL_OK;
}

static void tell_host_key(const sl_tunnel_job *job, ssh_key key) {
    char fingerprint[64];
    if (sl_fingerprint(fingerprint, sizeof(fingerprint), key) == SL_OK)
        sl_tunnel_tell(job, SL_TUNNEL_HOST_KEY, fingerprint);
}

/* Connects and compares the host key. `family` is that of the key that the server showed, if it
 * came that far; else -1. */
static int connect_offering(struct client *client, const char *algorithms, int *family) {
    sl_tunnel_job *job = client->job;
    int descriptor;
    int64_t deadline_us = sl_deadline_us(1000 * job->plan.settings.connect_timeout_s);
    *family = -1;
    int code = sl_dial(&descriptor, job, deadline_us);
    if (code < 0)
        return code;
    sl_tunnel_report(job, SL_TUNNEL_VERIFYING, NULL);
    code = sl_session_open(&client->session, job, descriptor, algorithms, deadline_us);
    if (code < 0)
        return code;
    ssh_key key = NULL;
    if (ssh_get_server_publickey(client->session.ssh, &key) != SSH_OK) {
        code = sl_fail_memory();
    } else {
        *family = sl_host_key_family_of(key);
        tell_host_key(job, key);
        code = sl_host_key_check(&job->plan, key);
    }
    ssh_key_free(key);
    if (code < 0)
        sl_session_close(&client->session);
    return code;
}

/* The pinned key may be any of the server's: looks at those of the other families too. */
static int connect_pinned(struct client *client, int shown) {
    char sentence[512];
    snprintf(sentence, sizeof(sentence), "%s", sl_error());
    for (int family = 0; family < SL_HOST_KEY_FAMILIES; family++) {
        int seen;
        if (family == shown)
            continue;
        int code = connect_offering(client, sl_host_key_family(family), &seen);
        if (code == SL_OK)
            client->family = family;
        if (code != SL_EHOSTKEY)
            return code;
    }
    return sl_fail(SL_EHOSTKEY, "%s", sentence);
}

static int connect_verified(struct client *client) {
    char algorithms[256];
    int shown = -1;
    int code = SL_OK;
    if (client->family >= 0)
        snprintf(algorithms, sizeof(algorithms), "%s", sl_host_key_family(client->family));
    else
        code = sl_host_key_algorithms(&client->job->plan, algorithms, sizeof(algorithms));
    if (code == SL_OK)
        code = connect_offering(client, algorithms, &shown);
    if (code == SL_EHOSTKEY && client->job->plan.settings.host_key && shown >= 0)
        code = connect_pinned(client, shown);
    return code;
}

/* For whoever examines the way: before anything is carried, since what asks the server then has to
 * be alone in asking it. */
static int measure(struct client *client) {
    const sl_tunnel_witness *witness = client->job->plan.witness;
    sl_tunnel_measures measures;
    if (!witness || !witness->measured || client->job->was_up || client->job->plan.jump)
        return SL_OK;
    sl_tunnel_tell(client->job, SL_TUNNEL_FORWARDS, "yes");
    int code = sl_measure(&client->session, &measures);
    if (code == SL_OK)
        witness->measured(witness->user, &measures);
    if (code == SL_OK || code == SL_ECANCELED || sl_session_lost(&client->session))
        return code;
    sl_log(SL_LOG_INFO, "tunnel", "the way to the SSH server was not measured: %s", sl_error());
    return SL_OK; /* it carries all the same */
}

/* Has the server's half of the lost connection die at last. It may not have noticed anything: its
 * own tries to get through come later and later, and all that while its session holds the port that
 * it listens on, and the viewer a peer that says nothing. */
static void bury_lost(struct client *client) {
    const struct linger at_once = {.l_onoff = 1};
    if (client->lost < 0)
        return;
    setsockopt(client->lost, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* by a reset */
    close(client->lost);
    client->lost = -1;
}

/* Keeps the connection, in order to bury it when the server can be reached again. TCP is not to
 * give it up before. */
static void keep_lost(struct client *client) {
    bury_lost(client);
    int kept = fcntl(client->session.descriptor, F_DUPFD_CLOEXEC, 3);
    if (kept >= 0 && setsockopt(kept, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){0}, sizeof(int)) < 0) {
        close(kept); /* it is no TCP */
        return;
    }
    client->lost = kept;
}

static int connect_reached(struct client *client) {
    sl_tunnel_job *job = client->job;
    int code = connect_verified(client);
    if (code < 0)
        return code;
    bury_lost(client);
    sl_tunnel_report(job, SL_TUNNEL_AUTHENTICATING, NULL);
    code = sl_authenticate(&client->session, &client->identity);
    if (code == SL_OK) {
        sl_tunnel_report(job, SL_TUNNEL_FORWARDING, NULL);
        sl_pump_init(&client->pump, &client->session);
        int64_t deadline_us = sl_deadline_us(1000 * job->plan.settings.connect_timeout_s);
        code = job->plan.link_path ? sl_inward_listen(&client->pump, deadline_us)
                                   : sl_pump_probe(&client->pump, deadline_us);
        if (code == SL_OK)
            code = measure(client);
        if (code < 0)
            sl_pump_finish(&client->pump);
    }
    if (code < 0)
        sl_session_close(&client->session);
    return code;
}

static int connect_client(void *state) {
    struct client *client = state;
    int code = sl_jump_reach(client->job);
    return code < 0 ? code : sl_jump_explain(client->job, connect_reached(client));
}

/* Others may look at how far the bytes in it have got. */
static void share_carrier(struct client *client, int descriptor) {
    pthread_mutex_lock(&client->job->lock);
    client->job->carrier_fd = descriptor;
    pthread_mutex_unlock(&client->job->lock);
}

static int carry(void *state) {
    struct client *client = state;
    share_carrier(client, client->session.descriptor);
    int code = sl_jump_explain(client->job, sl_pump_run(&client->pump));
    share_carrier(client, -1);
    if (code < 0) /* who comes through here asks for the reason once the connections end */
        sl_tunnel_report(client->job, SL_TUNNEL_WAITING, sl_error());
    sl_pump_finish(&client->pump);
    if (code < 0)
        keep_lost(client);
    sl_session_close(&client->session);
    return code;
}

static void close_client(void *state) {
    struct client *client = state;
    bury_lost(client);
    sl_identity_finish(&client->identity);
    free(client);
}

const sl_tunnel_backend sl_tunnel_libssh = {
    .name = "libssh",
    .open = open_client,
    .connect = connect_client,
    .carry = carry,
    .close = close_client,
};
