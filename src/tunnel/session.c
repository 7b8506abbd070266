/* tunnel: libssh's session: options, greetings, keys, loss. Used by the libssh back-end. */
#include "tunnel/session.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "tunnel/cipher.h"
#include "tunnel/closing.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/server.h> /* for ssh_set_message_callback() */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTOR_MOST 0xffff /* libssh cuts off what lies above */
#define DRIVES_MOST     64     /* in a row: it reads 4 KiB each time */
#define UNANSWERED_MOST                                                                            \
    100000                 /* packets while it sends none: amid a change of keys it keeps them */
#define LINES_MOST   100   /* of libssh's, a second */
#define ANSWERS_MOST 10000 /* that libssh gives while the server doesn't read them */

/* It has a line for much that a peer may say as often as it likes. */
static void log_line(int level, const char *function, const char *line, void *user) {
    static _Thread_local int64_t until_us;
    static _Thread_local unsigned lines;
    (void)level, (void)function, (void)user;
    if (sl_now_us() >= until_us) {
        if (lines > LINES_MOST)
            sl_log(SL_LOG_DEBUG, "tunnel", "libssh: %u more lines", lines - LINES_MOST);
        until_us = sl_now_us() + SL_SECOND_US;
        lines = 0;
    }
    if (lines++ < LINES_MOST)
        sl_log(SL_LOG_DEBUG, "tunnel", "libssh: %s", line);
}

/* Without this, libssh keeps what a server asks for in a list without end. */
static int answer_request(ssh_session ssh, ssh_message message, void *user) {
    sl_session *session = user;
    (void)ssh;
    if (session->take_channel && ssh_message_type(message) == SSH_REQUEST_CHANNEL_OPEN &&
        ssh_message_subtype(message) == SSH_CHANNEL_FORWARDED_TCPIP &&
        session->take_channel(session->take_user, message))
        return 0;
    return 1; /* libssh answers that it is not allowed */
}

static int set(ssh_session ssh, enum ssh_options_e option, const void *value, const char *what) {
    if (ssh_options_set(ssh, option, value) == 0)
        return SL_OK;
    return sl_fail(SL_ESYSTEM, "libssh does not take %s: %s", what, ssh_get_error(ssh));
}

static int set_options(sl_session *session, int descriptor, const char *algorithms) {
    const char *user = session->job->plan.destination.user;
    ssh_session ssh = session->ssh;
    const char *ciphers = sl_cipher_order();
    bool off = false;
    int code = set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &off, "reading no configuration");
    /* It wants some name; ours may be one that it takes for malformed. */
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_HOST, "server", "the host's name");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_USER, user, "the user's name");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_CIPHERS_C_S, ciphers, "the ciphers");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_CIPHERS_S_C, ciphers, "the ciphers");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_COMPRESSION, "no", "being without compression");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_HOSTKEYS, algorithms, "the host key algorithms");
    /* Known hosts are our business: libssh looks into two files at most, and reorders by them. */
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null", "no known hosts");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "no known hosts");
    if (code == SL_OK)
        code = set(ssh, SSH_OPTIONS_FD, &descriptor, "the connection");
    return code;
}

/* Looks at what a server says first, without taking it away from libssh. */
static void listen_in(sl_session *session) {
    char start[sizeof(session->heard)];
    if (session->heard[0])
        return;
    ssize_t size = recv(session->descriptor, start, sizeof(start) - 1, MSG_PEEK | MSG_DONTWAIT);
    if (size <= 0)
        return;
    session->heard_us = sl_now_us();
    session->heard_utc_us = sl_utc_us();
    start[size] = '\0';
    snprintf(session->heard, sizeof(session->heard), "%s", start);
    session->heard[strcspn(session->heard, "\r\n")] = '\0';
    for (char *letter = session->heard; *letter; letter++)
        if ((unsigned char)*letter >= 0x7f)
            *letter = '?';
    sl_text_harmless(session->heard);
}

void sl_session_quiet(void) {
    ssh_set_log_level(SSH_LOG_WARN);
}

void sl_session_bound_unsent(sl_session *session, size_t bytes) {
    int most = (int)bytes;
    if (setsockopt(session->descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most)) < 0)
        setsockopt(session->descriptor, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most)); /* no TCP */
}

short sl_session_events(const sl_session *session) {
    return (short)(POLLIN | (ssh_get_poll_flags(session->ssh) & SSH_WRITE_PENDING ? POLLOUT : 0));
}

int sl_session_await(const sl_session *session, int64_t deadline_us) {
    if (sl_remaining_ms(deadline_us) == 0)
        return SL_EAGAIN;
    return sl_wait(session->descriptor, sl_session_events(session), session->job->stop,
                   deadline_us);
}

int sl_session_wait(sl_session *session, int64_t deadline_us) {
    const sl_tunnel_plan *plan = &session->job->plan;
    int code = sl_session_await(session, deadline_us);
    if (code != SL_EAGAIN)
        return code;
    return sl_fail(SL_EUNREACHABLE,
                   "port %d of %s takes connections but the SSH server says nothing (timed out "
                   "after %d s); is it overloaded or stuck, or is something else on that port?",
                   plan->destination.port, plan->destination.host,
                   plan->settings.connect_timeout_s);
}

bool sl_session_is_gate(const sl_session *session) {
    return strstr(session->heard, "-Sightline") != NULL;
}

bool sl_session_lost(const sl_session *session) {
    return session->offence || (ssh_get_status(session->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) ||
           !ssh_is_connected(session->ssh);
}

bool sl_session_drive(sl_session *session) {
    int drives = 0;
    while (drives++ < DRIVES_MOST && !sl_session_lost(session) &&
           ssh_event_dopoll(session->event, 0) == SSH_OK)
        continue;
    /* A server could ask and ask, and never take the answers, which libssh keeps for it. */
    uint64_t out = session->packet_counter.out_packets, in = session->packet_counter.in_packets;
    bool pending = ssh_get_status(session->ssh) & SSH_WRITE_PENDING;
    if (!pending && out != session->packets_gone)
        session->packets_come = in;
    if (!pending)
        session->packets_gone = out;
    if (out - session->packets_gone > ANSWERS_MOST || in - session->packets_come > UNANSWERED_MOST)
        session->offence = "it asks for more than it reads";
    sl_closing_reap(session);
    /* OpenSSH's server leaves Nagle's algorithm on: a reply waits there until what it sent before
     * is acknowledged, which TCP here would put off by 40 ms. Has to be said after each read. */
    setsockopt(session->descriptor, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
    return !sl_session_lost(session);
}

int sl_session_fail_lost(const sl_session *session) {
    char why[256];
    snprintf(why, sizeof(why), "%s",
             session->offence ? session->offence : ssh_get_error(session->ssh));
    sl_text_harmless(why);
    return sl_fail(SL_EUNREACHABLE, "the SSH connection to %s was lost: %s",
                   session->job->plan.name, why[0] ? why : "it was closed");
}

int sl_session_fail_log_in(const sl_session *session) {
    char *said = ssh_get_issue_banner(session->ssh), words[256];
    snprintf(words, sizeof(words), "%s", said ? said : "");
    ssh_string_free_char(said);
    sl_text_harmless(words);
    int code = sl_session_fail_lost(session);
    return words[0] ? sl_fail(code, "%s; the server says: %s", sl_error(), words) : code;
}

/* What went wrong before there were keys. */
static int explain(sl_session *session) {
    const sl_ssh_destination *destination = &session->job->plan.destination;
    const char *error = ssh_get_error(session->ssh);
    if (ssh_get_serverbanner(session->ssh)) {
        if (strstr(error, "no match for method server host key"))
            return sl_fail(SL_EHOSTKEY, "%s has no host key of a kind that is wanted",
                           destination->host);
        char why[256];
        snprintf(why, sizeof(why), "%s", error);
        sl_text_harmless(why);
        return sl_fail(SL_EUNREACHABLE,
                       "the SSH server at %s port %d ended the connection before "
                       "the log-in: %s",
                       destination->host, destination->port, why);
    }
    if (session->heard[0] && strncmp(session->heard, "SSH-", 4) != 0)
        return sl_fail(SL_EUNREACHABLE,
                       "port %d of %s speaks something other than SSH: it "
                       "answered '%s'",
                       destination->port, destination->host, session->heard);
    return sl_fail(SL_EUNREACHABLE,
                   "port %d of %s ended the connection without an SSH greeting; "
                   "is it an SSH server, and does it let this host in?",
                   destination->port, destination->host);
}

static int exchange_keys(sl_session *session, int64_t deadline_us) {
    for (;;) {
        listen_in(session);
        int result = ssh_connect(session->ssh);
        /* libssh makes it blocking once it takes it for connected. */
        fcntl(session->descriptor, F_SETFL, O_NONBLOCK);
        if (result == SSH_OK)
            return SL_OK;
        if (result != SSH_AGAIN || sl_session_lost(session))
            return explain(session);
        int code = sl_session_wait(session, deadline_us);
        if (code < 0)
            return code;
    }
}

int sl_session_check_library(void) {
    if (ssh_version(SSH_VERSION_INT(0, 10, 6)))
        return SL_OK;
    return sl_fail(SL_EUNSUPPORTED,
                   "libssh %s is too old: it has known holes; install 0.10.6 or newer",
                   ssh_version(0));
}

int sl_session_copy_descriptor(int descriptor) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0 && copy <= DESCRIPTOR_MOST)
        return copy;
    int code = sl_fail(SL_ESYSTEM, "no descriptor is left for the SSH connection: %s",
                       strerror(copy < 0 ? errno : EMFILE));
    if (copy >= 0)
        close(copy);
    return code;
}

static int open_session(sl_session *session, const char *algorithms, int64_t deadline_us) {
    ssh_set_log_callback(log_line);
    ssh_set_log_level(SSH_LOG_INFO);
    if (!(session->ssh = ssh_new()) || !(session->event = ssh_event_new()))
        return sl_fail_memory();
    ssh_set_log_level(SSH_LOG_INFO); /* ssh_new() may have taken another from the environment */
    int copy = sl_session_copy_descriptor(session->descriptor);
    if (copy < 0)
        return copy;
    int code = set_options(session, copy, algorithms);
    if (code < 0) {
        close(copy);
        return code;
    }
    ssh_set_blocking(session->ssh, 0);
    ssh_set_counters(session->ssh, &session->socket_counter, &session->packet_counter);
    ssh_set_message_callback(session->ssh, answer_request, session);
    code = exchange_keys(session, deadline_us);
    if (session->heard[0])
        sl_tunnel_tell(session->job, SL_TUNNEL_SERVER, session->heard);
    /* From here on libssh closes its descriptor, on whatever way it ends. */
    ssh_options_set(session->ssh, SSH_OPTIONS_FD, NULL);
    if (code == SL_OK && ssh_event_add_session(session->event, session->ssh) != SSH_OK)
        code = sl_fail_memory();
    return code;
}

int sl_session_open(sl_session *session, sl_tunnel_job *job, int descriptor, const char *algorithms,
                    int64_t deadline_us) {
    *session = (sl_session){.job = job, .descriptor = descriptor};
    int code = open_session(session, algorithms, deadline_us);
    if (code < 0)
        sl_session_close(session);
    return code;
}

void sl_session_close(sl_session *session) {
    if (session->event) {
        if (session->ssh)
            ssh_event_remove_session(session->event, session->ssh);
        ssh_event_free(session->event);
    }
    sl_closing_finish(session);
    if (session->ssh) {
        if (ssh_is_connected(session->ssh))
            ssh_disconnect(session->ssh);
        ssh_free(session->ssh);
    }
    if (session->descriptor >= 0)
        close(session->descriptor);
    *session = (sl_session){.descriptor = -1};
}
