/* tunnel: the OpenSSH back-end: the user's own ssh makes the connection and listens at the job's
 * socket, or has the server listen and brings who comes there to our relay; here it is watched.
 * Called by the supervisor.
 *
 * What ssh is about, and what becomes of the channels that it opens, is known from what it writes
 * to its standard error (see openssh_words.c). It gets no terminal and asks nobody. */
#include "tunnel/openssh.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "tunnel/child.h"
#include "tunnel/far_port.h"
#include "tunnel/hostkey.h"
#include "tunnel/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GRACE_MS   1000   /* to end in, when asked to */
#define LOG_IN_MS  120000 /* a security key may have to be found first; sshd's own limit */
#define AGAIN_MS   1000   /* between logging in for a port that is held */
#define STUCK_MS   1000   /* past ssh's own limit it is stuck */
#define SETTLED_MS 50     /* silent for so long: no connection is about to be taken any more */
#define READS_MOST 16     /* in a row */

#define CHANNELS_MOST 256 /* ssh's numbers for them: the lowest that is free */

struct client {
    sl_tunnel_job *job;
    char program[4096];
    int family; /* of the pinned host key, once it was seen; else -1 */
    sl_openssh_arguments arguments;
    sl_relay relay; /* inward: it lives as long as the ssh that runs */

    /* Of the ssh that runs. */
    sl_child child;
    sl_openssh_words words;
    char line[1024]; /* the one that is being read; what doesn't fit is left out */
    size_t length;
    int64_t deadline_us; /* of the step that it is at; -1: none */
    bool listening;      /* the socket should be there */
    bool answered;       /* about the first channel */
    bool refused;        /* a channel, for good */
    bool unheard;        /* nobody listened at the far end when last tried */
    int port;            /* inward: the server listens there; 0: it doesn't */
    bool held;           /* inward: somebody else listens there */
    char address[80];    /* the server's, in numbers; "": not known */
    bool up;
    int channels;             /* that carry something, or are to */
    bool ours[CHANNELS_MOST]; /* inward: which of ssh's lead to our relay */
};

static int open_client(void **state, sl_tunnel_job *job) {
    const sl_tunnel_settings *settings = &job->plan.settings;
    if (settings->password || settings->password_file || settings->passphrase_file)
        return sl_fail(SL_EINVAL,
                       "ssh_backend=openssh takes no password or passphrase, because ssh reads "
                       "them from a terminal only; use a key, the agent (ssh-add), or "
                       "ssh_backend=libssh");
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return sl_fail_memory();
    client->job = job;
    client->family = -1;
    client->child = (sl_child){.ended = -1, .complaints = -1};
    client->relay.listener = -1;
    int code = sl_child_find(client->program, sizeof(client->program), "ssh");
    if (code < 0) {
        free(client);
        return sl_fail(SL_EUNSUPPORTED, "there is no ssh command in PATH for ssh_backend=openssh; "
                                        "install openssh-client, or use ssh_backend=libssh");
    }
    if (job->plan.link_path) { /* beside the link's own */
        snprintf(job->socket_path, sizeof(job->socket_path), "%.100s-port", job->plan.link_path);
        snprintf(job->relay_path, sizeof(job->relay_path), "%.100s-relay", job->plan.link_path);
    }
    *state = client;
    return SL_OK;
}

static void report_step(struct client *client, sl_tunnel_state state, int limit_ms) {
    sl_tunnel_report(client->job, state, NULL);
    client->deadline_us = sl_deadline_us(limit_ms);
}

/* Keeps the address that the server was reached at; through a program of the user's there is none.
 */
static void keep_address(struct client *client, const char *line) {
    client->address[0] = '\0';
    sscanf(line, "Authenticated to %*s ([%79[^]]", client->address);
}

/* What the server said about a channel that the socket led to. Outward that is the way to the
 * viewer; inward it tells who holds a port. */
static void take_answer(struct client *client, sl_openssh_event event, const char *line) {
    sl_tunnel_job *job = client->job;
    bool inward = job->plan.link_path != NULL;
    client->answered = true;
    client->held = inward && event == SL_OPENSSH_OPENED;
    client->refused = !inward && (client->refused || event == SL_OPENSSH_REFUSED);
    if (inward || event == SL_OPENSSH_REFUSED)
        return;
    if (event == SL_OPENSSH_UNHEARD)
        sl_tunnel_plan_fail_unheard(&job->plan, strstr(line, "connect failed"));
    sl_tunnel_tell_heard(job, &client->unheard, event == SL_OPENSSH_OPENED, client->up);
}

/* Inward: whether a line is about our relay. What goes to another place is the user's own. */
static bool is_ours(const struct client *client, const char *line) {
    return client->job->plan.link_path && strstr(line, client->job->relay_path);
}

/* Inward: what becomes of the port. */
static void take_port(struct client *client, sl_openssh_event event, const char *line) {
    const sl_tunnel_job *job = client->job;
    int wanted = sl_far_port_wanted(job), port = 0;
    bool ours = is_ours(client, line);
    if (event == SL_OPENSSH_DENIED) {
        sscanf(line, "Warning: remote port forwarding failed for listen port %d", &port);
        client->listening = port == wanted && wanted > 0; /* there is somebody to ask about */
        client->answered = port == wanted && wanted == 0;
    } else if (ours && event == SL_OPENSSH_PICKED) {
        sscanf(line, "Allocated port %d", &port);
        client->port = port > 0 && port <= 65535 ? port : 0;
        client->answered = true;
    } else if (ours && wanted > 0) {
        client->port = wanted;
        client->answered = true;
    }
}

/* Inward: whether a channel, which the line is about, leads to our relay from here on. */
static void take_channel(struct client *client, const char *line, bool ours) {
    unsigned number;
    const char *name = strstr(line, "channel ");
    if (!name || sscanf(name, "channel %u:", &number) != 1 || number >= CHANNELS_MOST ||
        client->ours[number] == ours)
        return;
    client->ours[number] = ours;
    client->channels += ours ? 1 : -1;
}

/* Takes what a line tells to heart. */
static void act(struct client *client, sl_openssh_event event, const char *line) {
    const sl_tunnel_plan *plan = &client->job->plan;
    int limit_ms = 1000 * plan->settings.connect_timeout_s;
    switch (event) {
    case SL_OPENSSH_RESOLVED: /* it takes its own time for each address and jump host */
        report_step(client, SL_TUNNEL_CONNECTING, STUCK_MS + 2 * limit_ms);
        break;
    case SL_OPENSSH_CONNECTED:
        report_step(client, SL_TUNNEL_VERIFYING, limit_ms);
        break;
    case SL_OPENSSH_VERIFIED:
        report_step(client, SL_TUNNEL_AUTHENTICATING, LOG_IN_MS);
        break;
    case SL_OPENSSH_LOGGED_IN:
        keep_address(client, line);
        report_step(client, SL_TUNNEL_FORWARDING, limit_ms);
        break;
    case SL_OPENSSH_LISTENING:
        client->listening = !plan->link_path;
        break;
    case SL_OPENSSH_BOUND:
    case SL_OPENSSH_PICKED:
    case SL_OPENSSH_DENIED:
        take_port(client, event, line);
        break;
    case SL_OPENSSH_ASKED:
        client->channels++;
        break;
    case SL_OPENSSH_JOINED:
        if (is_ours(client, line))
            take_channel(client, line, true);
        break;
    case SL_OPENSSH_FREED:
        client->channels -= client->channels > 0 ? 1 : 0;
        break;
    case SL_OPENSSH_PARTED:
        take_channel(client, line, false);
        break;
    case SL_OPENSSH_UNHEARD:
    case SL_OPENSSH_OPENED:
    case SL_OPENSSH_REFUSED:
        take_answer(client, event, line);
        break;
    case SL_OPENSSH_NOTHING:
        break;
    }
}

static void end_line(struct client *client) {
    char *line = client->line;
    line[client->length] = '\0';
    client->length = 0;
    line[strcspn(line, "\r")] = '\0';
    sl_text_harmless(line);
    if (!line[0])
        return;
    sl_log(SL_LOG_DEBUG, "tunnel", "ssh: %s", line);
    sl_openssh_event event = sl_openssh_hear(&client->words, line);
    sl_tunnel_fact fact;
    char text[256];
    if (!client->up && sl_openssh_fact(line, &fact, text, sizeof(text)))
        sl_tunnel_tell(client->job, fact, text);
    /* Once it is up, steps are what a server may have made up. */
    if (!client->up || event > SL_OPENSSH_DENIED)
        act(client, event, line);
}

/* Reads what ssh has said, not without end. False once it can say nothing more. */
static bool hear(struct client *client) {
    char bytes[1024];
    for (int reads = 0; reads < READS_MOST; reads++) {
        ssize_t size = read(client->child.complaints, bytes, sizeof(bytes));
        if (size == 0)
            return false;
        if (size < 0)
            return errno == EAGAIN || errno == EINTR;
        for (ssize_t i = 0; i < size; i++)
            if (bytes[i] == '\n')
                end_line(client);
            else if (client->length + 1 < sizeof(client->line))
                client->line[client->length++] = bytes[i];
    }
    return true;
}

/* Ends what is left of it. Returns what waitpid() told. */
static int end_ssh(struct client *client) {
    int status = sl_child_end(&client->child, GRACE_MS);
    sl_relay_finish(&client->relay);
    unlink(client->job->socket_path); /* had it no time to */
    return status;
}

static int fail_ended(struct client *client) {
    while (client->child.complaints >= 0 &&
           sl_wait(client->child.complaints, POLLIN, NULL, sl_deadline_us(0)) == SL_OK)
        if (!hear(client))
            break;
    end_line(client);
    int status = end_ssh(client);
    return sl_openssh_fail(&client->words, &client->job->plan, client->up, status);
}

enum { ENDED, COMPLAINTS, STOP, RELAY, POLLED = RELAY + SL_RELAY_POLLED };

/* Waits until ssh says something, and hears it; the relay works meanwhile. SL_OK; SL_ECANCELED when
 * it is to stop (and `stopping` is not said already), SL_EAGAIN past the deadline; other codes when
 * ssh has ended. */
static int listen_to(struct client *client, bool stopping, int64_t deadline_us) {
    struct pollfd polled[POLLED] = {
        [ENDED] = {.fd = client->child.ended, .events = POLLIN},
        [COMPLAINTS] = {.fd = client->child.complaints, .events = POLLIN},
        [STOP] = {.fd = stopping ? -1 : sl_cancel_fd(client->job->stop), .events = POLLIN},
    };
    sl_relay_watch(&client->relay, &polled[RELAY]);
    int left_ms = sl_remaining_ms(deadline_us), rest_ms = sl_relay_timeout_ms(&client->relay);
    bool sooner = rest_ms >= 0 && (left_ms < 0 || rest_ms < left_ms);
    int ready = poll(polled, POLLED, sooner ? rest_ms : left_ms);
    if (ready < 0 && errno != EINTR)
        return sl_fail(SL_ESYSTEM, "the tunnel cannot wait for ssh: %s", strerror(errno));
    if (ready <= 0)
        return sl_remaining_ms(deadline_us) == 0 ? SL_EAGAIN : SL_OK;
    if (polled[STOP].revents)
        return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
    sl_relay_work(&client->relay, &polled[RELAY]);
    if (polled[COMPLAINTS].revents && !hear(client)) {
        close(client->child.complaints);
        client->child.complaints = -1;
    }
    return polled[ENDED].revents ? fail_ended(client) : SL_OK;
}

/* Has ssh ask for a first channel. -1 when the socket is not there. */
static int start_probe(const struct client *client) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", client->job->socket_path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(probe);
        probe = -1;
    }
    return probe;
}

static int fail_silent(const struct client *client) {
    if (client->job->status.state == SL_TUNNEL_RESOLVING) /* this thread's to change */
        return sl_fail(SL_EUNREACHABLE,
                       "the SSH host %s does not resolve: no name server answers in time; check "
                       "the network or give its address",
                       client->job->plan.name);
    return sl_fail(SL_EUNREACHABLE,
                   "the SSH server of %s says nothing (timed out after %d s); is it overloaded or "
                   "stuck, or is something else on that port?",
                   client->job->plan.name, client->job->plan.settings.connect_timeout_s);
}

/* Inward: whether the server listens, and if not, why. */
static int judge_port(const struct client *client) {
    if (client->port > 0)
        sl_far_port_take(client->job, client->port, client->address);
    else if (client->held)
        return sl_far_port_fail_held(client->job);
    else
        return sl_far_port_fail_refused(client->job);
    return SL_OK;
}

/* Until the server has answered, about a channel or about the port. An ssh that can't tell that of
 * a channel (before 8.5) is believed once the time for it is over. */
static int follow(struct client *client) {
    bool inward = client->job->plan.link_path != NULL;
    int probe = -1, code = SL_OK;
    while (code == SL_OK && !client->answered) {
        code = listen_to(client, false, client->deadline_us);
        if (code == SL_OK && client->listening && probe < 0) {
            probe = start_probe(client);
            client->listening = probe >= 0;          /* else it was a jump host's */
            client->answered |= inward && probe < 0; /* as far as it can be */
        }
    }
    if (code == SL_EAGAIN)
        code = probe >= 0 ? SL_OK : fail_silent(client);
    if (code == SL_OK && client->refused)
        code = sl_openssh_fail(&client->words, &client->job->plan, false, 0);
    if (code == SL_OK && inward)
        code = judge_port(client);
    if (probe >= 0)
        close(probe);
    return code;
}

static int connect_offering(struct client *client, const char *algorithms) {
    sl_tunnel_job *job = client->job;
    int code = sl_openssh_arguments_fill(&client->arguments, job, algorithms);
    if (code < 0)
        return code;
    client->words = (sl_openssh_words){0};
    client->length = 0;
    client->listening = client->answered = client->refused = client->unheard = client->up = false;
    client->held = false;
    client->channels = client->port = 0;
    memset(client->ours, 0, sizeof(client->ours));
    report_step(client, SL_TUNNEL_RESOLVING,
                STUCK_MS + 1000 * job->plan.settings.connect_timeout_s);
    if (job->plan.link_path)
        code = sl_relay_start(&client->relay, job);
    if (code == SL_OK)
        code = sl_child_start(&client->child, client->program, client->arguments.words);
    if (code == SL_OK)
        code = follow(client);
    if (code < 0)
        end_ssh(client);
    return code;
}

/* The pinned key may be any of the server's, and ssh asks for one. */
static int connect_pinned(struct client *client) {
    bool pinned = client->job->plan.settings.host_key != NULL;
    int code =
        connect_offering(client, client->family >= 0 ? sl_host_key_family(client->family) : NULL);
    if (code != SL_EHOSTKEY || !pinned)
        return code;
    for (int family = 0; family < SL_HOST_KEY_FAMILIES && code == SL_EHOSTKEY; family++) {
        code = connect_offering(client, sl_host_key_family(family));
        client->family = code == SL_OK ? family : -1;
    }
    if (code == SL_EHOSTKEY)
        return sl_fail(SL_EHOSTKEY,
                       "%s has no host key with the fingerprint %s; compare it with the server's "
                       "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there)",
                       client->job->plan.name, client->job->plan.settings.host_key);
    return code;
}

/* A port that is held at first is waited for. Later the supervisor does that. */
static int connect_client(void *state) {
    struct client *client = state;
    sl_tunnel_job *job = client->job;
    int code = connect_pinned(client);
    if (!client->held || job->was_up)
        return code;
    int64_t deadline_us = sl_deadline_us(1000 * job->plan.settings.connect_timeout_s);
    sl_far_port_tell_waiting(job);
    while (client->held && sl_remaining_ms(deadline_us) > 0) {
        if (sl_wait(-1, 0, job->stop, sl_deadline_us(AGAIN_MS)) == SL_ECANCELED)
            return SL_ECANCELED;
        code = connect_pinned(client);
    }
    return code;
}

/* What was taken may still leave: until its channels have gone. */
static void linger(struct client *client) {
    int64_t deadline_us = sl_deadline_us(atomic_load(&client->job->linger_ms));
    for (;;) {
        int left_ms = sl_remaining_ms(deadline_us);
        bool idle = client->channels == 0 && left_ms > SETTLED_MS;
        int code = listen_to(client, true, idle ? sl_deadline_us(SETTLED_MS) : deadline_us);
        if (code != SL_OK || left_ms == 0)
            return;
    }
}

static int carry(void *state) {
    struct client *client = state;
    client->up = true;
    client->words = (sl_openssh_words){0}; /* what led up to this explains no loss */
    sl_tunnel_report(client->job, SL_TUNNEL_UP, client->unheard ? sl_error() : NULL);
    int code = SL_OK;
    while (code == SL_OK && !client->refused)
        code = listen_to(client, false, -1);
    if (code == SL_OK)
        code = sl_openssh_fail(&client->words, &client->job->plan, true, 0);
    if (code == SL_ECANCELED) {
        linger(client);
        code = SL_OK;
    }
    end_ssh(client);
    return code;
}

static void close_client(void *state) {
    free(state);
}

const sl_tunnel_backend sl_tunnel_openssh = {
    .name = "openssh",
    .open = open_client,
    .connect = connect_client,
    .carry = carry,
    .close = close_client,
};
