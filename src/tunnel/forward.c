/* tunnel: one connection through the tunnel. Used by the pump.
 *
 * Bounded on both ways: out, one chunk is read from the local socket only when libssh holds
 * nothing back and the far end has room for it; in, libssh holds what the local socket doesn't
 * take, and we as much again; each is the window that libssh grants, and a peer that sends more
 * than that is cut off. */
#include "tunnel/forward.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "tunnel/closing.h"
#include "tunnel/local.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (2 * SL_SECOND_US) /* for the far end's end after ours */

/* Hands bytes to the local socket: how many it took, 0 when it is full; all when it is gone, or
 * when they couldn't be counted, which the link needs to bound what a peer makes it keep. */
static size_t give(sl_forward *forward, const char *bytes, size_t size) {
    ssize_t taken = -1;
    if (forward->meter || sl_meter_open(&forward->meter, forward->local) == SL_OK)
        taken = sl_local_give(forward->local, bytes, size, forward->meter);
    if (taken >= 0)
        return (size_t)taken;
    forward->in_broken = true;
    return size;
}

/* Called by libssh with all that it holds; returns how much of it was taken. */
static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t size, int is_stderr,
                   void *user) {
    sl_forward *forward = user;
    (void)ssh, (void)channel;
    forward->heard_us = sl_now_us();
    if (is_stderr || forward->in_broken)
        return (int)size; /* nobody wants it */
    if (size > SL_CHANNEL_BYTES_MOST) {
        forward->session->offence = SL_OFFENCE_FLOOD;
        return (int)size;
    }
    size_t taken = 0;
    if (forward->local >= 0 && !forward->in_held && forward->in_start == forward->in_end)
        taken = give(forward, data, size);
    forward->in_held = taken < size;
    return (int)taken;
}

static void on_eof(ssh_session ssh, ssh_channel channel, void *user) {
    (void)ssh, (void)channel;
    ((sl_forward *)user)->remote_ended = true;
}

static void on_close(ssh_session ssh, ssh_channel channel, void *user) {
    sl_forward *forward = user;
    (void)ssh, (void)channel;
    forward->remote_ended = forward->remote_closed = true;
}

/* Has libssh tell what comes through the channel. */
static int listen_to_channel(sl_forward *forward) {
    forward->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = forward,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_close,
    };
    ssh_callbacks_init(&forward->callbacks);
    if (ssh_set_channel_callbacks(forward->channel, &forward->callbacks) != SSH_OK) {
        ssh_channel_free(forward->channel);
        forward->channel = NULL;
        return sl_fail_memory();
    }
    return SL_OK;
}

int sl_forward_start(sl_forward *forward, sl_session *session) {
    if (!forward->out && !(forward->out = malloc(SL_FORWARD_CHUNK_MAX)))
        return sl_fail_memory();
    forward->session = session;
    forward->channel = ssh_channel_new(session->ssh);
    if (!forward->channel)
        return sl_fail_memory();
    int code = listen_to_channel(forward);
    if (code == SL_OK)
        forward->state = SL_FORWARD_OPENING;
    return code;
}

int sl_forward_accept(sl_forward *forward, sl_session *session, ssh_message message, int local) {
    forward->session = session;
    forward->local = local;
    if (!forward->out && !(forward->out = malloc(SL_FORWARD_CHUNK_MAX)))
        goto failed;
    forward->channel = ssh_message_channel_request_open_reply_accept(message);
    if (!forward->channel || listen_to_channel(forward) < 0)
        goto failed;
    forward->state = SL_FORWARD_OPEN;
    forward->heard_us = sl_now_us();
    return SL_OK;
failed:
    sl_forward_close(forward);
    return sl_fail_memory();
}

static int fail_at_gate(const sl_tunnel_plan *plan) {
    return sl_fail(SL_EFORWARD,
                   "the viewer's gate at %s does not lead to %s port %d; give --address and --port "
                   "as the viewer there has them, or leave them out",
                   plan->name, plan->target_host, plan->target_port);
}

/* libssh tells the server's reason in its sentence alone: "… channel 43 error (1) open failed". */
static int explain_refusal(sl_session *session) {
    const sl_tunnel_plan *plan = &session->job->plan;
    const char *number = strstr(ssh_get_error(session->ssh), "error (");
    unsigned reason = number ? (unsigned)strtoul(number + strlen("error ("), NULL, 10) : 0;
    const char *end = number ? strchr(number, ')') : NULL;
    char words[96];
    snprintf(words, sizeof(words), "%s", end && end[1] && end[2] ? end + 2 : "no reason given");
    sl_text_harmless(words);
    enum { PROHIBITED = 1, CONNECT_FAILED = 2, UNKNOWN_TYPE = 3 };
    if (reason == PROHIBITED || reason == UNKNOWN_TYPE)
        return sl_session_is_gate(session) ? fail_at_gate(plan)
                                           : sl_tunnel_plan_fail_refused(plan, words);
    return sl_tunnel_plan_fail_unheard(plan, words);
}

int sl_forward_finish_open(sl_forward *forward, sl_session *session) {
    const sl_tunnel_plan *plan = &session->job->plan;
    int result = ssh_channel_open_forward(forward->channel, plan->target_host, plan->target_port,
                                          "127.0.0.1", 0);
    if (result == SSH_OK) {
        forward->state = SL_FORWARD_OPEN;
        return SL_OK;
    }
    if (result == SSH_AGAIN)
        return SL_EAGAIN;
    return sl_session_lost(session) ? sl_session_fail_lost(session) : explain_refusal(session);
}

short sl_forward_events(const sl_forward *forward, bool writable) {
    short events = 0;
    if (forward->local < 0)
        return 0;
    if (forward->state == SL_FORWARD_WANTED || forward->state == SL_FORWARD_OPENING)
        return POLLRDHUP; /* only whether it is still there */
    if (writable && !forward->local_ended && forward->out_start == forward->out_end &&
        ssh_channel_window_size(forward->channel) > 0)
        events |= POLLIN;
    if (forward->in_held || forward->in_start < forward->in_end)
        events |= POLLOUT;
    return events;
}

/* Reads from the local socket. */
static void take(sl_forward *forward, size_t most, bool all_is_there) {
    forward->out_start = forward->out_end = 0;
    while (forward->out_end < most && !forward->local_ended) {
        ssize_t size = recv(forward->local, forward->out + forward->out_end,
                            most - forward->out_end, MSG_DONTWAIT);
        if (size > 0)
            forward->out_end += (size_t)size;
        else if (size < 0 && errno == EINTR)
            continue;
        else if (size < 0 && errno == EAGAIN && !all_is_there)
            break;
        else
            forward->local_ended = true;
    }
}

size_t sl_forward_send(sl_forward *forward, size_t chunk, bool all_is_there) {
    size_t room = ssh_channel_window_size(forward->channel);
    forward->refused = false;
    if (forward->state != SL_FORWARD_OPEN || forward->remote_closed || room == 0)
        return 0;
    if (forward->out_start == forward->out_end && forward->local >= 0)
        take(forward, room < chunk ? room : chunk, all_is_there);
    size_t size = forward->out_end - forward->out_start;
    size = size < room ? size : room;
    if (size == 0)
        return 0;
    int written =
        ssh_channel_write(forward->channel, forward->out + forward->out_start, (uint32_t)size);
    forward->refused = written <= 0; /* or the connection is lost */
    if (forward->refused)
        return 0;
    forward->out_start += (size_t)written;
    return (size_t)written;
}

/* Takes over all that libssh holds. Less would not do: with every read it allows the far end to
 * send more, whatever it still holds. */
static bool take_over(sl_forward *forward) {
    int held = ssh_channel_poll(forward->channel, 0);
    forward->in_start = forward->in_end = 0;
    forward->in_held = false;
    if (held <= 0)
        return false;
    if ((size_t)held > forward->in_size) {
        char *larger = realloc(forward->in, (size_t)held);
        if (!larger) {
            forward->in_broken = true;
            return false;
        }
        forward->in = larger;
        forward->in_size = (size_t)held;
    }
    int size = ssh_channel_read_nonblocking(forward->channel, forward->in, (uint32_t)held, 0);
    forward->in_end = size > 0 ? (size_t)size : 0;
    return size > 0;
}

void sl_forward_receive(sl_forward *forward) {
    if (forward->local < 0)
        return;
    while (forward->in_start < forward->in_end || (forward->in_held && take_over(forward))) {
        size_t taken =
            give(forward, forward->in + forward->in_start, forward->in_end - forward->in_start);
        if (taken == 0)
            return;
        forward->in_start += taken;
    }
}

size_t sl_forward_held(const sl_forward *forward) {
    int held = forward->in_held ? ssh_channel_poll(forward->channel, 0) : 0;
    return forward->in_end - forward->in_start + (held > 0 ? (size_t)held : 0);
}

bool sl_forward_pass_ends(sl_forward *forward) {
    bool in_done =
        forward->in_broken || (!forward->in_held && forward->in_start == forward->in_end);
    if (forward->given_up || (forward->remote_closed && in_done))
        return true;
    if (forward->remote_ended && in_done && !forward->ended_local && forward->local >= 0) {
        shutdown(forward->local, SHUT_WR);
        forward->ended_local = true;
    }
    if (forward->local_ended && forward->out_start == forward->out_end && !forward->ended_remote) {
        ssh_channel_send_eof(forward->channel);
        forward->ended_remote = true;
        forward->ended_us = sl_now_us();
    }
    if (!forward->ended_remote)
        return false;
    return (forward->remote_ended && in_done) || forward->in_broken ||
           sl_now_us() - forward->ended_us > PATIENCE_US;
}

void sl_forward_give_up(sl_forward *forward) {
    forward->in_broken = forward->given_up = true;
}

void sl_forward_close(sl_forward *forward) {
    if (forward->channel) {
        ssh_remove_channel_callbacks(forward->channel, &forward->callbacks);
        /* The first call may get no further than the end of file. */
        if (ssh_channel_is_open(forward->channel) && ssh_channel_close(forward->channel) != SSH_OK)
            ssh_channel_close(forward->channel);
        if (forward->state == SL_FORWARD_OPEN && !forward->remote_closed)
            sl_closing_add(forward->session, forward->channel);
        else
            ssh_channel_free(forward->channel);
    }
    sl_meter_close(&forward->meter); /* while its socket holds the name that others may get next */
    if (forward->local >= 0)
        close(forward->local);
    free(forward->out);
    free(forward->in);
    *forward = (sl_forward){.local = -1};
}
