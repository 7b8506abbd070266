/* tunnel: the inward direction. Used by the libssh back-end. */
#include "tunnel/inward.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "tunnel/local.h"

#include <errno.h>
#include <libssh/server.h> /* for what a message says */
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REACH_MS  1000  /* for the answer of a port; silence says nothing */
#define AGAIN_MS  250   /* between asking for a port that is held */
#define ANSWER_MS 10000 /* for the answer: then the server itself is stuck */

/* Takes a channel for the link, if there is a place for it and the link listens. */
static bool take_channel(void *user, ssh_message message) {
    sl_pump *pump = user;
    sl_tunnel_job *job = pump->session->job;
    sl_forward *forward = NULL;
    if (ssh_message_channel_request_open_destination_port(message) != atomic_load(&job->port) ||
        sl_cancel_triggered(job->stop))
        return false;
    for (int i = 0; i < SL_FORWARDS_MOST && !forward; i++)
        if (pump->forwards[i].state == SL_FORWARD_NONE)
            forward = &pump->forwards[i];
    if (!forward) {
        sl_log(SL_LOG_INFO, "tunnel", "a connection to port %d at %s is turned away: %d are open",
               atomic_load(&job->port), job->plan.destination.host, SL_FORWARDS_MOST);
        return false;
    }
    int local = sl_local_connect(job->plan.link_path);
    return local >= 0 && sl_forward_accept(forward, message, local) == SL_OK;
}

/* Whether somebody listens on a port as seen from the server. An empty name of the address means
 * all of its own. */
static bool somebody_listens(sl_session *session, const char *address, int port,
                             int64_t deadline_us) {
    ssh_channel channel = port > 0 ? ssh_channel_new(session->ssh) : NULL;
    int result = channel ? SSH_AGAIN : SSH_ERROR;
    while (result == SSH_AGAIN) {
        result = ssh_channel_open_forward(channel, address[0] ? address : "localhost", port,
                                          "127.0.0.1", 0);
        if (result == SSH_AGAIN && sl_session_wait(session, deadline_us) < 0)
            break;
    }
    ssh_channel_free(channel);
    return result == SSH_OK;
}

static int fail_held(const sl_tunnel_job *job, int port) {
    if (job->was_up)
        return sl_fail(SL_EINUSE,
                       "port %d at %s is still held, by a session that is dead or by another "
                       "program",
                       port, job->plan.name);
    return sl_fail(SL_EFORWARD,
                   "port %d at %s is in use by another program or a dead session; choose another "
                   "with --port, or stop it (ClientAliveInterval in sshd_config ends dead "
                   "sessions)",
                   port, job->plan.name);
}

/* Once it was allowed, it is no less likely that somebody holds the port. */
static int fail_refused(const sl_tunnel_job *job, int port) {
    return sl_fail(job->was_up ? SL_EINUSE : SL_EFORWARD,
                   "%s does not allow to listen on port %d, or the port is in use; its sshd needs "
                   "AllowTcpForwarding yes (or remote) and, if set, PermitListen %d; in "
                   "authorized_keys port-forwarding, and permitlisten if set; ports below 1024 "
                   "are for root",
                   job->plan.name, port, port);
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
    fail_held(job, port);
    sl_log(job->was_up ? SL_LOG_INFO : SL_LOG_WARNING, "tunnel", "%s; waiting for it", sl_error());
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    do {
        if (sl_wait(-1, 0, job->stop, sl_deadline_us(AGAIN_MS)) == SL_ECANCELED)
            return SL_ECANCELED;
        code = ask(session, port, &(int){0}, sl_deadline_us(ANSWER_MS));
    } while (code == SL_EFORWARD && sl_remaining_ms(deadline_us) > 0);
    return code == SL_EFORWARD ? fail_held(job, port) : code;
}

/* The server's answer has no reason: looks for it. */
static int see_refusal(sl_session *session, int port, int64_t deadline_us) {
    const sl_tunnel_job *job = session->job;
    bool taken = somebody_listens(session, job->plan.target_host, port, deadline_us);
    if (sl_session_lost(session))
        return sl_session_fail_lost(session);
    return taken ? ask_again(session, port, deadline_us) : fail_refused(job, port);
}

/* One address of the server, with the port: whether it refuses connections from here. */
static bool refuses(sl_session *session, int port) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int failure = 0;
    if (getpeername(session->descriptor, (struct sockaddr *)&address, &size) < 0 ||
        address.ss_family == AF_UNIX) /* a jump host's tunnel: from here it can't be told */
        return false;
    if (address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    if (connect(descriptor, (struct sockaddr *)&address, size) < 0)
        failure = errno;
    size = sizeof(failure);
    if (failure == EINPROGRESS &&
        sl_wait(descriptor, POLLOUT, session->job->stop, sl_deadline_us(REACH_MS)) == SL_OK &&
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
        failure = errno;
    close(descriptor);
    return failure == ECONNREFUSED;
}

/* A server may listen on its loopback alone, whatever it was asked for, and doesn't say so. */
static void check_reach(sl_session *session, int port) {
    const sl_tunnel_plan *plan = &session->job->plan;
    if (session->job->was_up || plan->target_host[0] || !refuses(session, port))
        return;
    sl_log(SL_LOG_WARNING, "tunnel",
           "%s listens on port %d for itself only: a camera end reaches it with --ssh to the same "
           "host; for others, sshd_config there needs the line: GatewayPorts clientspecified",
           plan->destination.host, port);
}

int sl_inward_listen(sl_pump *pump, int64_t deadline_us) {
    sl_session *session = pump->session;
    sl_tunnel_job *job = session->job;
    int known = atomic_load(&job->port), picked = 0;
    int wanted = known ? known : job->plan.target_port;
    int code = ask(session, wanted, &picked, deadline_us);
    if (code == SL_EFORWARD)
        code = see_refusal(session, wanted, deadline_us);
    if (code < 0)
        return code;
    int port = wanted ? wanted : picked;
    if (port < 1 || port > 65535)
        return sl_fail(SL_EUNREACHABLE, "%s does not tell on which port it listens; try again",
                       job->plan.name);
    atomic_store(&job->port, port);
    session->take_channel = take_channel;
    session->take_user = pump;
    check_reach(session, port);
    return SL_OK;
}
