/* tunnel: one client's thread: one poll() waits for its session and its channels' local ends. Used
 * by the gate.
 *
 * What came from the client and the link has not taken is bounded: past gate_buffer its connection
 * is not read, so that its own TCP makes it wait. */
#include "tunnel/gate_client.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "tunnel/dial.h"
#include "tunnel/gate_clock.h"
#include "tunnel/gate_login.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS       250          /* how often ends that wait for the other side are seen to */
#define BREATH_US     SL_SECOND_US /* between reads of a client that the link has no room for */
#define DEAD_AFTER_MS 15000        /* nothing acknowledged for that long: its place is free again */
#define CHUNK         ((size_t)64 * 1024) /* what goes out is replies */
#define LOGIN_PACKETS 64 /* come before a log-in at most, and two more for each attempt */
#define NAME_UNSET    "somebody"

enum { STOP, SESSION, FORWARDS };

struct round {
    struct pollfd polled[FORWARDS + SL_GATE_FORWARDS_MOST];
    int64_t linger_until_us; /* when stopping: until then bytes may leave; 0: not stopping */
};

void sl_gate_refuse(sl_gate_door *door, const char *format, ...) {
    char line[768];
    uint64_t more = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&door->lock);
    bool pass = sl_log_limit_pass(&door->refusals, &more);
    pthread_mutex_unlock(&door->lock);
    if (pass && more)
        sl_log(SL_LOG_WARNING, "gate", "%s (and %llu more)", line, (unsigned long long)more);
    else if (pass)
        sl_log(SL_LOG_WARNING, "gate", "%s", line);
}

void sl_gate_client_leave(sl_gate_client *client) {
    sl_gate_client **at = &client->door->insiders;
    if (!client->inside)
        return;
    while (*at != client)
        at = &(*at)->next_inside;
    *at = client->next_inside;
    client->door->inside--;
    client->inside = false;
}

/* Sends our greeting, and has the session driven by its event from here on. */
static int greet(sl_gate_client *client) {
    sl_session *session = &client->session;
    int code = sl_gate_login_init(client);
    if (code < 0)
        return code;
    ssh_set_blocking(session->ssh, 0);
    ssh_set_counters(session->ssh, &session->socket_counter, &session->packet_counter);
    if (ssh_handle_key_exchange(session->ssh) == SSH_ERROR)
        return sl_fail(SL_EUNREACHABLE, "%s", ssh_get_error(session->ssh));
    fcntl(session->descriptor, F_SETFL, O_NONBLOCK);
    if (!(session->event = ssh_event_new()) ||
        ssh_event_add_session(session->event, session->ssh) != SSH_OK)
        return sl_fail_memory();
    return SL_OK;
}

/* Whether so much waits for the link that no more is to be read. But that the client takes more
 * from us has to be read too, or each side could wait for the other; then the channels' windows
 * bound what comes. */
static bool full(const sl_gate_client *client) {
    size_t held = 0;
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++) {
        const sl_forward *forward = &client->forwards[i];
        if (forward->state == SL_FORWARD_OPEN && ssh_channel_window_size(forward->channel) == 0)
            return false;
        held += sl_forward_held(forward);
    }
    return held >= 1024 * (size_t)client->door->settings.buffer_kib;
}

/* A full client is read but now and then: what asks whether this end lives has to be answered.
 * What comes meanwhile is bounded by the channels' windows. */
static bool rests(const sl_gate_client *client) {
    return full(client) && sl_remaining_ms(client->read_us + BREATH_US) > 0;
}

static bool writable(const sl_gate_client *client) {
    return !(ssh_get_status(client->session.ssh) & SSH_WRITE_PENDING);
}

static int timeout_ms(const sl_gate_client *client, const struct round *round) {
    int least = client->admitted ? sl_gate_pause_remaining_ms(&client->pause)
                                 : sl_remaining_ms(client->login_by_us);
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++)
        if (client->forwards[i].ended_remote && (least < 0 || TICK_MS < least))
            least = TICK_MS;
    if (rests(client)) {
        int breath_ms = sl_remaining_ms(client->read_us + BREATH_US);
        least = least < 0 || breath_ms < least ? breath_ms : least;
    }
    if (round->linger_until_us) {
        int left = sl_remaining_ms(round->linger_until_us);
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

static void wait_for_work(sl_gate_client *client, struct round *round) {
    bool takes_more = writable(client);
    short wanted = sl_session_events(&client->session);
    round->polled[STOP] = (struct pollfd){
        .fd = round->linger_until_us ? -1 : sl_cancel_fd(client->stop), .events = POLLIN};
    /* Without events too: that the connection has broken is told all the same. */
    round->polled[SESSION] =
        (struct pollfd){.fd = client->session.descriptor,
                        .events = (short)(rests(client) ? wanted & ~POLLIN : wanted)};
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++) {
        short events = sl_forward_events(&client->forwards[i], takes_more);
        round->polled[FORWARDS + i] =
            (struct pollfd){.fd = events ? client->forwards[i].local : -1, .events = events};
    }
    if (poll(round->polled, FORWARDS + SL_GATE_FORWARDS_MOST, timeout_ms(client, round)) < 0)
        for (int i = 0; i < FORWARDS + SL_GATE_FORWARDS_MOST; i++)
            round->polled[i].revents = 0;
}

/* One channel's turn. */
static void step(sl_gate_client *client, sl_forward *forward, short happened, bool stopping) {
    if (forward->state == SL_FORWARD_NONE)
        return;
    if (forward->local < 0) { /* the link does not listen now: the client may try again */
        sl_forward_close(forward);
        return;
    }
    bool leaves = (happened & (POLLIN | POLLHUP | POLLERR)) || stopping ||
                  forward->out_start < forward->out_end;
    if (leaves && writable(client))
        sl_forward_send(forward, CHUNK, false);
    if (happened & (POLLOUT | POLLHUP | POLLERR))
        sl_forward_receive(forward);
    if (sl_forward_pass_ends(forward))
        sl_forward_close(forward);
}

static bool idle(const sl_gate_client *client) {
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++)
        if (client->forwards[i].state != SL_FORWARD_NONE)
            return false;
    return writable(client);
}

static bool too_late(sl_gate_client *client) {
    if (client->admitted || sl_now_us() < client->login_by_us)
        return false;
    sl_gate_refuse(client->door, "%s has not logged in within %d s", client->peer,
                   client->door->settings.login_timeout_s);
    return true;
}

/* libssh drops a wrong signature without a word to anybody, and checking it takes its time. */
static bool too_much(sl_gate_client *client) {
    uint64_t most = LOGIN_PACKETS + 2 * (uint64_t)client->door->settings.max_attempts;
    if (client->admitted || client->session.packet_counter.in_packets <= most)
        return false;
    sl_gate_refuse(client->door, "%s is not let in: it sends more than a log-in needs",
                   client->peer);
    return true;
}

/* Serves until the client goes, has to go, or the gate stops. */
static void serve(sl_gate_client *client) {
    struct round round = {0};
    while (!client->over && !too_late(client) && !too_much(client)) {
        wait_for_work(client, &round);
        if (round.polled[STOP].revents && !client->admitted)
            return;
        if (round.polled[STOP].revents)
            round.linger_until_us = sl_deadline_us(atomic_load(&client->door->linger_ms));
        if (round.polled[SESSION].revents) {
            client->read_us = sl_now_us();
            if (!sl_session_drive(&client->session))
                return;
        }
        for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++)
            step(client, &client->forwards[i], round.polled[FORWARDS + i].revents,
                 round.linger_until_us != 0);
        sl_gate_pause_check(&client->pause);
        if (sl_session_lost(&client->session))
            return;
        if (round.linger_until_us && (idle(client) || sl_remaining_ms(round.linger_until_us) == 0))
            return;
    }
}

static void tell_gone(const sl_gate_client *client) {
    uint64_t more = 0;
    pthread_mutex_lock(&client->door->lock);
    bool pass = sl_log_limit_pass(&client->door->departures, &more);
    pthread_mutex_unlock(&client->door->lock);
    if (pass)
        sl_log(SL_LOG_INFO, "gate", "%s has gone", client->peer);
}

static void run(void *argument) {
    sl_gate_client *client = argument;
    sl_gate_door *door = client->door;
    int code = greet(client);
    if (code == SL_OK)
        serve(client);
    else
        sl_gate_refuse(door, "%s is not let in: %s", client->peer, sl_error());
    if (client->session.offence)
        sl_gate_refuse(door, "%s is cut off: %s", client->peer, client->session.offence);
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++)
        sl_forward_close(&client->forwards[i]);
    sl_session_close(&client->session);
    if (client->admitted)
        tell_gone(client);
    pthread_mutex_lock(&door->lock);
    sl_gate_client_leave(client);
    client->ended = true;
    pthread_mutex_unlock(&door->lock);
    sl_event_set(&door->gone);
}

static void name_peer(sl_gate_client *client) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[NI_MAXHOST] = NAME_UNSET, port[NI_MAXSERV] = "?";
    if (getpeername(client->session.descriptor, (struct sockaddr *)&address, &size) == 0)
        getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(client->peer, sizeof(client->peer), "%s port %.5s", sl_text_address(host), port);
}

/* Gives the session a descriptor of its own of the same connection. */
static int attach(sl_gate_client *client, ssh_bind bind) {
    char greeting[64];
    sl_gate_clock_write(greeting, sizeof(greeting), sl_utc_us());
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, greeting);
    ssh_session ssh = client->session.ssh = ssh_new();
    if (!ssh)
        return sl_fail_memory();
    int copy = sl_session_copy_descriptor(client->session.descriptor);
    if (copy < 0)
        return copy;
    ssh_options_set(ssh, SSH_OPTIONS_COMPRESSION, "no");
    if (ssh_bind_accept_fd(bind, ssh, copy) == SSH_OK)
        return SL_OK;
    if (ssh_get_fd(ssh) != copy)
        close(copy);
    return sl_fail(SL_ESYSTEM, "libssh does not take the connection: %s", ssh_get_error(bind));
}

int sl_gate_client_open(sl_gate_client **client, sl_gate_door *door, ssh_bind bind,
                        int descriptor) {
    sl_gate_client *opened = calloc(1, sizeof(*opened));
    *client = NULL;
    if (!opened) {
        close(descriptor);
        return sl_fail_memory();
    }
    opened->door = door;
    opened->session.descriptor = descriptor;
    for (int i = 0; i < SL_GATE_FORWARDS_MOST; i++)
        opened->forwards[i].local = -1;
    opened->login_by_us = sl_deadline_us(1000 * door->settings.login_timeout_s);
    sl_dial_tune(descriptor);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){DEAD_AFTER_MS}, sizeof(int));
    name_peer(opened);
    int code = sl_cancel_open(&opened->stop);
    if (code == SL_OK)
        code = attach(opened, bind);
    if (code == SL_OK)
        code = sl_thread_start(&opened->thread, "sl-gate-client", run, opened);
    if (code == SL_OK)
        *client = opened;
    else
        sl_gate_client_close(&opened);
    return code;
}

void sl_gate_client_close(sl_gate_client **client) {
    sl_gate_client *closing = *client;
    if (!closing)
        return;
    *client = NULL;
    sl_thread_join(&closing->thread);
    sl_session_close(&closing->session);
    sl_cancel_close(&closing->stop);
    ssh_key_free(closing->key);
    free(closing);
}
