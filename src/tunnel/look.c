/* tunnel: looking at a port from the SSH server itself. Used by the inward direction. */
#include "tunnel/look.h"
#include "base/clock.h"
#include "base/error.h"
#include "tunnel/forward.h"

#include <libssh/server.h> /* for what a message says */

#define COMES_BACK_MS 5000 /* for the channel that our connection leads to; it follows at once */

struct visitor {
    int port;
    bool came;
};

/* Connects to a port there. SL_OK once somebody has taken it; SL_EPEER, without a sentence, when
 * the server says no, for whatever reason. The forward is to be closed. */
static int knock(sl_forward *way, sl_session *session, const char *host, int port,
                 int64_t deadline_us) {
    *way = (sl_forward){.local = -1};
    int code = sl_forward_start(way, session);
    while (code == SL_OK) {
        int result = ssh_channel_open_forward(way->channel, host, port, "127.0.0.1", 0);
        if (result == SSH_OK) {
            way->state = SL_FORWARD_OPEN;
            return SL_OK;
        }
        if (sl_session_lost(session))
            return sl_session_fail_lost(session);
        if (result != SSH_AGAIN)
            return SL_EPEER;
        code = sl_session_wait(session, deadline_us);
    }
    return code;
}

bool sl_look_somebody_listens(sl_session *session, const char *host, int port,
                              int64_t deadline_us) {
    sl_forward way;
    int code = knock(&way, session, host, port, deadline_us);
    sl_forward_close(&way);
    return code == SL_OK;
}

/* Has the channel refused: nobody is behind it but ourselves, or he comes again. */
static bool see_visitor(void *user, ssh_message message) {
    struct visitor *visitor = user;
    if (ssh_message_channel_request_open_destination_port(message) == visitor->port)
        visitor->came = true;
    return false;
}

/* Somebody else has taken it. Who examines the way is told where he is to be found. */
static int fail_shared(const sl_session *session, const char *host, int port) {
    const sl_tunnel_plan *plan = &session->job->plan;
    if (plan->target_port == port)
        sl_tunnel_tell(session->job, SL_TUNNEL_HELD, host);
    return sl_fail(SL_EFORWARD,
                   "port %d at %s is in use by another program, which listens at %s beside the SSH "
                   "server; choose another with --port, or stop that program",
                   port, plan->name, host);
}

/* Waits until our connection comes back. */
static int await_visitor(sl_session *session, const sl_forward *way, const struct visitor *visitor,
                         const char *host) {
    int64_t deadline_us = sl_deadline_us(COMES_BACK_MS);
    while (!visitor->came) {
        int code = sl_session_await(session, deadline_us);
        if (code == SL_OK && !sl_session_drive(session))
            return sl_session_fail_lost(session);
        if (code < 0 && code != SL_EAGAIN)
            return code;
        if (!visitor->came && (way->remote_ended || code == SL_EAGAIN))
            return fail_shared(session, host, visitor->port);
    }
    return SL_OK;
}

/* Connects to the visitor's port there, and sees whether it is him who comes. */
static int visit(sl_session *session, struct visitor *visitor, const char *host,
                 int64_t deadline_us) {
    sl_forward way;
    session->take_channel = see_visitor;
    session->take_user = visitor;
    int code = knock(&way, session, host, visitor->port, deadline_us);
    if (code == SL_OK)
        code = await_visitor(session, &way, visitor, host);
    session->take_channel = NULL;
    session->take_user = NULL;
    sl_forward_close(&way);
    return code == SL_EPEER ? SL_OK : code;
}

static int look_at(sl_session *session, const char *host, int port, int64_t deadline_us) {
    struct visitor visitor = {.port = port};
    return visit(session, &visitor, host, deadline_us);
}

int sl_look_whether_ours(sl_session *session, int port, int64_t deadline_us) {
    int code = look_at(session, "127.0.0.1", port, deadline_us);
    return code == SL_OK ? look_at(session, "::1", port, deadline_us) : code;
}
