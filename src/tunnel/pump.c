/* tunnel: moving bytes. Used by the libssh back-end.
 *
 * One poll() waits for the session, the local end and its connections. What is read from a local
 * connection goes to libssh at once, and nothing is read while libssh still has something: frames
 * that wait should wait at the link, where a newer one can take their place. */
#include "tunnel/pump.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "tunnel/local.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define OPEN_MOST_US  (10 * SL_SECOND_US) /* for an answer, or keys: then the server is stuck */
#define OPEN_PAUSE_US (SL_SECOND_US / 4)  /* between tries while nobody listens at the far end */
#define TICK_MS       250 /* how often ends that wait for the other side are seen to */

/* A chunk should take some milliseconds to leave: a slow path hides less behind small ones, a fast
 * one needs large ones. */
#define CHUNK_MIN      ((size_t)16 * 1024)
#define CHUNK_FIRST    ((size_t)64 * 1024)
#define LEAVES_LATE_US 20000
#define LEAVES_SOON_US 5000

enum { STOP, SESSION, LISTENER, NETWORK, FORWARDS };

struct round {
    struct pollfd polled[FORWARDS + SL_FORWARDS_MOST];
    int64_t linger_until_us; /* when stopping: until then bytes may leave; 0: not stopping */
};

void sl_pump_init(sl_pump *pump, sl_session *session) {
    *pump = (sl_pump){.session = session, .listener = -1, .chunk = CHUNK_FIRST};
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        pump->forwards[i].local = -1;
}

static sl_forward *find(sl_pump *pump, sl_forward_state state) {
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        if (pump->forwards[i].state == state)
            return &pump->forwards[i];
    return NULL;
}

static void tell_heard(sl_pump *pump, bool heard) {
    sl_tunnel_tell_heard(pump->session->job, &pump->unheard, heard, pump->listener >= 0);
}

/* Goes on opening channels, one at a time. A refusal for good, or loss, is returned. */
static int open_channels(sl_pump *pump) {
    sl_forward *forward = find(pump, SL_FORWARD_OPENING);
    int code = SL_OK;
    if (!forward) {
        forward = find(pump, SL_FORWARD_WANTED);
        if (!forward || sl_now_us() < pump->open_at_us)
            return SL_OK;
        code = sl_forward_start(forward, pump->session);
        pump->asked_us = sl_now_us();
    }
    if (code == SL_OK)
        code = sl_forward_finish_open(forward, pump->session);
    if (code == SL_EAGAIN && sl_now_us() >= pump->asked_us + OPEN_MOST_US)
        return sl_fail(SL_EUNREACHABLE, "the SSH server at %s takes bytes but answers nothing",
                       pump->session->job->plan.name);
    if (code == SL_OK)
        tell_heard(pump, true);
    if (code == SL_OK || code == SL_EAGAIN)
        return SL_OK;
    if (code != SL_EPEER)
        return code;
    tell_heard(pump, false);
    pump->open_at_us = sl_now_us() + OPEN_PAUSE_US;
    int local = forward->local;
    forward->local = -1;
    sl_forward_close(forward);
    if (local >= 0) { /* it waits on, for the next try */
        forward->local = local;
        forward->state = SL_FORWARD_WANTED;
    }
    return SL_OK;
}

int sl_pump_probe(sl_pump *pump, int64_t deadline_us) {
    sl_forward *probe = &pump->forwards[0];
    probe->state = SL_FORWARD_WANTED;
    for (;;) {
        int code = open_channels(pump);
        if (code < 0 || probe->state == SL_FORWARD_OPEN)
            return code;
        if (pump->unheard)
            return SL_OK;
        code = sl_session_await(pump->session, deadline_us);
        if (code == SL_EAGAIN) { /* it may answer yet */
            sl_tunnel_plan_fail_silent(&pump->session->job->plan);
            tell_heard(pump, false);
            return SL_OK;
        }
        if (code < 0)
            return code;
        if (!sl_session_drive(pump->session))
            return sl_session_fail_lost(pump->session);
    }
}

/* Whether libssh takes more without piling it up. */
static bool writable(const sl_pump *pump) {
    const sl_session *session = pump->session;
    return !(ssh_get_status(session->ssh) & SSH_WRITE_PENDING) &&
           session->packet_counter.out_bytes >= pump->hold_until;
}

/* Fits the chunk to the path, by how long the last one took to leave; and what may wait in the
 * socket, so that the next one is not hidden there instead. */
static void fit_chunk(sl_pump *pump) {
    size_t chunk = pump->chunk;
    if (!pump->handed_us || (ssh_get_status(pump->session->ssh) & SSH_WRITE_PENDING))
        return;
    int64_t took_us = sl_now_us() - pump->handed_us;
    pump->handed_us = 0;
    if (took_us > LEAVES_LATE_US && chunk > CHUNK_MIN)
        chunk /= 2;
    else if (took_us < LEAVES_SOON_US && chunk < SL_FORWARD_CHUNK_MAX)
        chunk *= 2;
    if (chunk == pump->chunk)
        return;
    pump->chunk = chunk;
    sl_session_bound_unsent(pump->session, chunk);
}

static void send_out(sl_pump *pump, sl_forward *forward, bool stopping) {
    const struct ssh_counter_struct *counter = &pump->session->packet_counter;
    if (!writable(pump))
        return;
    /* Said before they leave the socket, lest who asks in between takes them for gone. */
    atomic_store(&pump->session->job->held, pump->chunk);
    uint64_t before = counter->out_bytes;
    size_t given = sl_forward_send(forward, pump->chunk, stopping);
    if (given > 0)
        pump->handed_us = sl_now_us();
    /* While keys are exchanged libssh puts packets aside, where they don't show. */
    if (counter->out_bytes - before < given)
        pump->hold_until = before + given;
}

static void accept_all(sl_pump *pump) {
    for (;;) {
        /* A channel without a local connection is waiting for one. */
        sl_forward *forward = NULL;
        for (int i = 0; i < SL_FORWARDS_MOST && !forward; i++)
            if (pump->forwards[i].state != SL_FORWARD_NONE && pump->forwards[i].local < 0)
                forward = &pump->forwards[i];
        if (!forward)
            forward = find(pump, SL_FORWARD_NONE);
        if (!forward)
            return;
        int local = sl_local_accept(pump->listener, &pump->rest_us);
        if (local < 0)
            return;
        forward->local = local;
        if (forward->state == SL_FORWARD_NONE)
            forward->state = SL_FORWARD_WANTED;
    }
}

/* A local connection that has gone before its channel was open. */
static void forget_local(sl_forward *forward) {
    int local = forward->local;
    if (forward->state == SL_FORWARD_WANTED) {
        sl_forward_close(forward);
    } else {
        /* The channel can't be called back; the next connection may have it. */
        forward->local = -1;
        sl_local_close(&local, NULL);
    }
}

/* One connection's turn. SL_OK, or why the session can't go on. */
static int step(sl_pump *pump, sl_forward *forward, short happened, bool stopping) {
    if (forward->state == SL_FORWARD_NONE)
        return SL_OK;
    if (forward->state != SL_FORWARD_OPEN) {
        if (stopping || (happened & (POLLRDHUP | POLLHUP | POLLERR)))
            forget_local(forward);
        return SL_OK;
    }
    if (forward->local < 0) {
        if (forward->remote_ended || stopping)
            sl_forward_close(forward);
        return SL_OK;
    }
    if ((happened & (POLLIN | POLLHUP | POLLERR)) || stopping ||
        forward->out_start < forward->out_end)
        send_out(pump, forward, stopping);
    if (happened & (POLLOUT | POLLHUP | POLLERR))
        sl_forward_receive(forward);
    if (sl_forward_pass_ends(forward))
        sl_forward_close(forward);
    return SL_OK;
}

static int timeout_ms(const sl_pump *pump, const struct round *round) {
    int least = sl_alive_timeout_ms(&pump->alive), rest = sl_remaining_ms(pump->rest_us);
    least = rest > 0 && (least < 0 || rest < least) ? rest : least;
    bool opening = false;
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        opening = opening || pump->forwards[i].state == SL_FORWARD_OPENING;
    for (int i = 0; i < SL_FORWARDS_MOST; i++) {
        const sl_forward *forward = &pump->forwards[i];
        int wanted = -1;
        if (forward->state == SL_FORWARD_WANTED && !opening)
            wanted = sl_remaining_ms(pump->open_at_us);
        else if (forward->state == SL_FORWARD_OPENING)
            wanted = sl_remaining_ms(pump->asked_us + OPEN_MOST_US);
        else if (forward->ended_remote)
            wanted = TICK_MS;
        if (wanted >= 0 && (least < 0 || wanted < least))
            least = wanted;
    }
    if (round->linger_until_us) {
        int left = sl_remaining_ms(round->linger_until_us);
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

static void watch(struct pollfd *polled, int descriptor, short events) {
    *polled = (struct pollfd){.fd = events ? descriptor : -1, .events = events};
}

/* Waits for the next thing to do. */
static int wait_for_work(sl_pump *pump, struct round *round) {
    bool stopping = round->linger_until_us != 0;
    fit_chunk(pump);
    bool takes_more = writable(pump);
    atomic_store(&pump->session->job->held, takes_more ? 0 : pump->chunk);
    watch(&round->polled[STOP], sl_cancel_fd(pump->session->job->stop), stopping ? 0 : POLLIN);
    watch(&round->polled[SESSION], pump->session->descriptor, sl_session_events(pump->session));
    bool room = find(pump, SL_FORWARD_NONE) && sl_remaining_ms(pump->rest_us) == 0;
    watch(&round->polled[LISTENER], pump->listener, room && !stopping ? POLLIN : 0);
    watch(&round->polled[NETWORK], pump->session->job->network.fd, POLLIN);
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        watch(&round->polled[FORWARDS + i], pump->forwards[i].local,
              sl_forward_events(&pump->forwards[i], takes_more));
    if (poll(round->polled, FORWARDS + SL_FORWARDS_MOST, timeout_ms(pump, round)) < 0 &&
        errno != EINTR)
        return sl_fail(SL_ESYSTEM, "the tunnel cannot wait: %s", strerror(errno));
    return SL_OK;
}

/* Whether nothing is under way any more. */
static bool idle(sl_pump *pump) {
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        if (pump->forwards[i].state == SL_FORWARD_OPEN)
            return false;
    return !(ssh_get_status(pump->session->ssh) & SSH_WRITE_PENDING);
}

/* While keys are exchanged nothing else leaves, and a server that never ends that could show life
 * all the while. */
static int check_keys(sl_pump *pump) {
    const sl_session *session = pump->session;
    bool waits = session->packet_counter.out_bytes < pump->hold_until;
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        waits = waits || pump->forwards[i].refused;
    if (!waits || (ssh_get_status(session->ssh) & SSH_WRITE_PENDING))
        pump->keys_us = 0;
    else if (!pump->keys_us)
        pump->keys_us = sl_now_us();
    else if (sl_now_us() >= pump->keys_us + OPEN_MOST_US)
        return sl_fail(
            SL_EUNREACHABLE,
            "the SSH server at %s does not finish the exchange of keys that is under way",
            session->job->plan.name);
    return SL_OK;
}

/* The network has changed. Without the address that it speaks from, a connection is dead; else it
 * may be. */
static int look_at_network(sl_pump *pump) {
    if (!sl_network_take(&pump->session->job->network))
        return SL_OK;
    if (!sl_network_has_local_address(pump->session->descriptor))
        return sl_fail(SL_EUNREACHABLE,
                       "the network changed: this host has lost the address that it reached %s "
                       "from",
                       pump->session->job->plan.name);
    sl_alive_doubt(&pump->alive);
    return SL_OK;
}

static void look_at_losses(sl_pump *pump) {
    if (sl_congestion_look(&pump->congestion, pump->session->descriptor, sl_now_us()))
        sl_log(SL_LOG_INFO, "tunnel", "the way to %s %s; TCP uses %s now",
               pump->session->job->plan.name,
               pump->congestion.lossy ? "loses packets" : "loses nearly nothing any more",
               pump->congestion.lossy ? pump->congestion.lossy_way : pump->congestion.good_way);
}

static int work(sl_pump *pump, struct round *round) {
    bool stopping = round->linger_until_us != 0;
    if (round->polled[SESSION].revents && !sl_session_drive(pump->session))
        return sl_session_fail_lost(pump->session);
    look_at_losses(pump);
    int code = sl_alive_check(&pump->alive);
    if (code == SL_OK)
        code = check_keys(pump);
    if (code == SL_OK && round->polled[NETWORK].revents)
        code = look_at_network(pump);
    if (code < 0)
        return code;
    if (round->polled[LISTENER].revents)
        accept_all(pump);
    for (int i = 0; i < SL_FORWARDS_MOST; i++) {
        code = step(pump, &pump->forwards[i], round->polled[FORWARDS + i].revents, stopping);
        if (code < 0)
            return code;
    }
    code = stopping ? SL_OK : open_channels(pump);
    if (code == SL_OK && sl_session_lost(pump->session))
        code = sl_session_fail_lost(pump->session);
    return code;
}

int sl_pump_run(sl_pump *pump) {
    sl_tunnel_job *job = pump->session->job;
    struct round round = {0};
    sl_session_quiet();
    sl_session_bound_unsent(pump->session, pump->chunk);
    sl_alive_init(&pump->alive, pump->session);
    sl_congestion_init(&pump->congestion, pump->session->descriptor);
    bool inward = job->plan.link_path != NULL;
    int code = inward ? SL_OK : sl_local_listen(&pump->listener, job->socket_path);
    if (code == SL_OK && !inward)
        code = sl_meter_open(&pump->meter, pump->listener);
    if (code == SL_OK)
        sl_tunnel_report(job, SL_TUNNEL_UP, pump->unheard ? sl_error() : NULL);
    while (code == SL_OK) {
        code = wait_for_work(pump, &round);
        if (code == SL_OK && round.polled[STOP].revents) {
            accept_all(pump); /* a connection that came before the end counts */
            sl_local_close(&pump->listener, job->socket_path);
            round.linger_until_us = sl_deadline_us(atomic_load(&job->linger_ms));
        }
        if (code == SL_OK)
            code = work(pump, &round);
        if (code == SL_OK && round.linger_until_us &&
            (idle(pump) || sl_remaining_ms(round.linger_until_us) == 0))
            break;
    }
    return code;
}

void sl_pump_finish(sl_pump *pump) {
    if (pump->listener >= 0)
        sl_local_close(&pump->listener, pump->session->job->socket_path);
    for (int i = 0; i < SL_FORWARDS_MOST; i++)
        if (pump->forwards[i].state != SL_FORWARD_NONE)
            sl_forward_close(&pump->forwards[i]);
    sl_meter_close(&pump->meter);
}
