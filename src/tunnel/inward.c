/* tunnel: the inward direction. Used by the libssh back-end. */
#include "tunnel/inward.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "tunnel/far_port.h"
#include "tunnel/local.h"
#include "tunnel/look.h"

#include <libssh/server.h> /* for what a message says */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define AGAIN_MS  250   /* between asking for a port that is held */
#define ANSWER_MS 10000 /* for the answer: then the server itself is stuck */

#define CHANNELS_MOST (SL_FORWARDS_MOST - 1) /* one place is for who comes instead of another */

/* A place for one more; NULL: there is none, and nobody has to make way. Who has to goes later:
 * libssh may be about to write to his channel. */
static sl_forward *find_place(sl_pump *pump) {
    sl_tunnel_job *job = pump->session->job;
    int64_t heard_us[SL_FORWARDS_MOST];
    sl_forward *place = NULL;
    int open = 0;
    for (int i = 0; i < SL_FORWARDS_MOST; i++) {
        bool free = pump->forwards[i].state == SL_FORWARD_NONE;
        heard_us[i] = free ? INT64_MAX : pump->forwards[i].heard_us;
        place = free ? &pump->forwards[i] : place;
        open += free ? 0 : 1;
    }
    if (open < CHANNELS_MOST)
        return place;
    int idle = place ? sl_far_port_find_idle(heard_us, SL_FORWARDS_MOST) : -1;
    sl_far_port_tell_full(job, CHANNELS_MOST, idle >= 0);
    if (idle < 0)
        return NULL;
    sl_forward_give_up(&pump->forwards[idle]);
    return place;
}

/* Takes a channel for the link, if there is a place for it and the link listens. */
static bool take_channel(void *user, ssh_message message) {
    sl_pump *pump = user;
    sl_tunnel_job *job = pump->session->job;
    if (ssh_message_channel_request_open_destination_port(message) != atomic_load(&job->port) ||
        sl_cancel_triggered(job->stop))
        return false;
    sl_forward *forward = find_place(pump);
    int local = forward ? sl_local_connect(job->plan.link_path) : -1;
    return local >= 0 && sl_forward_accept(forward, pump->session, message, local) == SL_OK;
}

/* SL_OK; SL_EFORWARD, without a sentence, when the server refuses; and how the wait ended. Nothing
 * else drives the session meanwhile: libssh reads the port that was picked from the last packet
 * that came. */
static int ask(sl_session *session, int wanted, int *picked, int64_t deadline_us) {
    for (;;) {
        int result = ssh_channel_listen_forward(session->ssh, session->job->plan.target_host,
                                                wanted, picked);
        if (result == SSH_OK)
            return SL_OK;
        if (sl_session_lost(session))
            return sl_session_fail_lost(session);
        if (result != SSH_AGAIN)
            return SL_EFORWARD;
        int code = sl_session_wait(session, deadline_us);
        if (code < 0)
            return code;
    }
}

/* A session that has just ended may hold the port for a moment, and a dead one until the server
 * notices: goes on asking. */
static int ask_again(sl_session *session, int port, int64_t deadline_us) {
    sl_tunnel_job *job = session->job;
    int code;
    sl_far_port_tell_waiting(job);
    do {
        if (sl_wait(-1, 0, job->stop, sl_deadline_us(AGAIN_MS)) == SL_ECANCELED)
            return SL_ECANCELED;
        code = ask(session, port, &(int){0}, sl_deadline_us(ANSWER_MS));
    } while (code == SL_EFORWARD && sl_remaining_ms(deadline_us) > 0);
    return code == SL_EFORWARD ? sl_far_port_fail_held(job) : code;
}

/* The server's answer has no reason: looks for it. */
static int see_refusal(sl_session *session, int port, int64_t deadline_us) {
    const sl_tunnel_job *job = session->job;
    bool taken =
        port > 0 && sl_look_somebody_listens(session, sl_far_port_host(job), port, deadline_us);
    if (sl_session_lost(session))
        return sl_session_fail_lost(session);
    return taken ? ask_again(session, port, deadline_us) : sl_far_port_fail_refused(job);
}

/* The server's address, in numbers; "" if it can't be told. */
static const char *find_address(const sl_session *session, char *text, socklen_t size) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    text[0] = '\0';
    if (getpeername(session->descriptor, (struct sockaddr *)&address, &length) == 0 &&
        address.ss_family != AF_UNIX) /* a jump host's tunnel: from here it can't be told */
        getnameinfo((struct sockaddr *)&address, length, text, size, NULL, 0, NI_NUMERICHOST);
    return text;
}

/* Whether what the server listens at, by our wish, includes its loopback addresses. */
static bool is_for_loopback(const sl_tunnel_job *job) {
    const char *host = job->plan.target_host;
    return !host[0] || strcmp(host, "*") == 0 || strcmp(host, "localhost") == 0;
}

int sl_inward_listen(sl_pump *pump, int64_t deadline_us) {
    sl_session *session = pump->session;
    sl_tunnel_job *job = session->job;
    char address[NI_MAXHOST];
    int wanted = sl_far_port_wanted(job), picked = 0;
    int code = ask(session, wanted, &picked, deadline_us);
    if (code == SL_EFORWARD)
        code = see_refusal(session, wanted, deadline_us);
    if (code < 0)
        return code;
    int port = wanted ? wanted : picked;
    if (port < 1 || port > 65535)
        return sl_fail(SL_EUNREACHABLE, "%s does not tell on which port it listens; try again",
                       job->plan.name);
    if (!job->was_up && is_for_loopback(job))
        code = sl_look_whether_ours(session, port, deadline_us);
    if (code < 0)
        return code;
    session->take_channel = take_channel;
    session->take_user = pump;
    sl_far_port_take(job, port, find_address(session, address, sizeof(address)));
    return SL_OK;
}
