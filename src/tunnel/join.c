/* tunnel: accepting an invitation. Called by the stream room, on its caller's thread.
 *
 * It goes the way of a tunnel up to the log-in, and ends there: the tunnel proper then logs in with
 * the key that was handed over, as it does whenever it is set up again. */
#include "tunnel/join.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"
#include "base/text.h"
#include "tunnel/dial.h"
#include "tunnel/hostkey.h"
#include "tunnel/joiner.h"
#include "tunnel/session.h"

#include <stdio.h>
#include <string.h>

static int check_host_key(const sl_session *session) {
    ssh_key key = NULL;
    if (ssh_get_server_publickey(session->ssh, &key) != SSH_OK)
        return sl_fail_memory();
    int code = sl_host_key_check(&session->job->plan, key);
    ssh_key_free(key);
    return code;
}

static int fail_refused(const sl_session *session) {
    const sl_ssh_destination *destination = &session->job->plan.destination;
    char *said = ssh_get_issue_banner(session->ssh), words[256];
    snprintf(words, sizeof(words), "%s",
             said ? said : "it gives no reason; is it a gate, and has it room?");
    ssh_string_free_char(said);
    sl_text_harmless(words);
    return sl_fail(SL_EAUTH,
                   "the viewer at %s port %d does not take this camera in: %s; run `sightline "
                   "pair` there for a new invitation",
                   destination->host, destination->port, words);
}

/* A gate's SSH library has no answer to a signature that is wrong. */
static int fail_unanswered(const sl_session *session) {
    const sl_ssh_destination *destination = &session->job->plan.destination;
    return sl_fail(SL_EUNREACHABLE,
                   "the viewer at %s port %d does not answer to the invitation, which may be "
                   "damaged: copy the whole line that `sightline pair` printed, or run it there "
                   "for a new one",
                   destination->host, destination->port);
}

/* Logs in with the token, under the name that holds our key. */
static int hand_over(sl_session *session, const sl_invitation_parts *invitation, ssh_key own,
                     const char *name, int64_t deadline_us) {
    char user[SL_JOINER_MAX];
    ssh_key token = NULL;
    int result;
    int code = sl_joiner_write(user, own, name);
    if (code == SL_OK)
        code = sl_token_read(invitation->token, &token);
    if (code < 0)
        return code;
    while ((result = ssh_userauth_publickey(session->ssh, user, token)) == SSH_AUTH_AGAIN) {
        code = sl_session_lost(session) ? sl_session_fail_log_in(session)
                                        : sl_session_await(session, deadline_us);
        if (code == SL_EAGAIN)
            code = fail_unanswered(session);
        if (code < 0)
            break;
    }
    ssh_key_free(token);
    if (code < 0 || result == SSH_AUTH_SUCCESS)
        return code;
    return sl_session_lost(session) ? sl_session_fail_log_in(session) : fail_refused(session);
}

static int visit(sl_tunnel_job *job, const sl_invitation_parts *invitation, ssh_key own,
                 const char *name) {
    /* A gate has no other kind, and its fingerprint is this key's. */
    const char *algorithms = sl_host_key_family(0);
    int64_t deadline_us = sl_deadline_us(1000 * job->plan.settings.connect_timeout_s);
    sl_session session = {.descriptor = -1};
    int descriptor;
    int code = sl_dial(&descriptor, job, deadline_us);
    if (code == SL_OK)
        code = sl_session_open(&session, job, descriptor, algorithms, deadline_us);
    if (code < 0)
        return code;
    code = check_host_key(&session);
    if (code == SL_OK)
        code = hand_over(&session, invitation, own, name, deadline_us);
    sl_session_close(&session);
    return code;
}

int sl_join(const sl_invitation_parts *invitation, ssh_key own, const char *name,
            sl_cancel *cancel) {
    char destination[300];
    sl_tunnel_settings settings = {.destination = destination, .host_key = invitation->host_key};
    sl_tunnel_target target = {.host = "localhost", .port = invitation->link_port};
    sl_tunnel_job job = {
        .stop = cancel, .network.fd = -1, .agent_fd = -1, .usable.fd = -1, .carrier_fd = -1};
    sl_host_port(destination, sizeof(destination), invitation->host, invitation->port);
    pthread_mutex_init(&job.lock, NULL);
    int code = sl_session_check_library();
    if (code == SL_OK)
        code = sl_tunnel_plan_init(&job.plan, &settings, &target);
    if (code == SL_OK)
        code = visit(&job, invitation, own, name);
    sl_dial_forget(&job);
    sl_tunnel_plan_finish(&job.plan);
    pthread_mutex_destroy(&job.lock);
    return code;
}
