/* tunnel: opening, watching and closing one. Called by the stream room; the work is done on the
 * tunnel's own thread, by the supervisor. */
#include "tunnel/tunnel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "tunnel/supervisor.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* glibc's struct tcp_info has no tcpi_delivered */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct sl_tunnel {
    sl_tunnel_supervisor supervisor;
    sl_thread thread;
    char folder[96];    /* private; holds the socket */
    char endpoint[128]; /* that socket, as ZeroMQ writes it */
};

int sl_tunnel_check(const sl_tunnel_settings *settings, const sl_tunnel_target *target) {
    sl_tunnel_plan plan;
    if (!settings->destination && (settings->jump || settings->jump_keys))
        return sl_fail(SL_EINVAL,
                       "jump hosts (--ssh-jump) lead to an SSH server; name it with --ssh");
    if (!settings->destination)
        return SL_OK;
    int code = sl_tunnel_plan_init(&plan, settings, target);
    sl_tunnel_plan_finish(&plan);
    return code;
}

static int make_socket_path(sl_tunnel *tunnel) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    if (job->plan.link_path)
        return SL_OK; /* the link made one */
    int code = sl_private_directory(tunnel->folder, sizeof(tunnel->folder));
    if (code < 0) {
        tunnel->folder[0] = '\0';
        return code;
    }
    snprintf(job->socket_path, sizeof(job->socket_path), "%s/link", tunnel->folder);
    snprintf(tunnel->endpoint, sizeof(tunnel->endpoint), "ipc://%s", job->socket_path);
    return SL_OK;
}

/* Ends every wait of the tunnel's thread. */
static void stop(sl_tunnel *tunnel) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    if (!job->stop)
        return;
    sl_cancel_trigger(job->stop);
    pthread_mutex_lock(&job->lock);
    if (job->agent_fd >= 0)
        shutdown(job->agent_fd, SHUT_RDWR);
    pthread_mutex_unlock(&job->lock);
}

/* A key that can't be read is told before anybody is asked to let us in, unless a password may do.
 * What is wrong with what is in it shows at the log-in. */
static int check_key_file(const sl_tunnel_settings *settings) {
    const char *path = settings->key_file;
    if (!path || settings->password || settings->password_file || access(path, R_OK) == 0)
        return SL_OK;
    return sl_fail(SL_EINVAL, "cannot read the private key %s (--ssh-key): %s", path,
                   strerror(errno));
}

/* The same for what unlocks it or stands in for it: a log-in that does without must not hide that
 * it was never read. A pipe, which somebody has yet to write into, can be looked at just as well.
 */
static int check_secret_file(const char *path, const char *what, const char *option) {
    if (!path || strcmp(path, "-") == 0)
        return SL_OK;
    if (access(path, R_OK) < 0)
        return sl_fail(SL_EINVAL, "cannot read the %s %s (%s): %s", what, path, option,
                       strerror(errno));
    return sl_file_check_secret(path, what);
}

static int check_files(const sl_tunnel_settings *settings) {
    int code = check_key_file(settings);
    if (settings->backend != SL_SSH_LIBSSH) /* it takes none at all, and says so */
        return code;
    if (code == SL_OK)
        code = check_secret_file(settings->password_file, "password file", "--ssh-password-file");
    if (code == SL_OK)
        code = check_secret_file(settings->passphrase_file, "passphrase file",
                                 "-o ssh_passphrase_file");
    return code;
}

static int start(sl_tunnel *tunnel, const sl_tunnel_settings *settings,
                 const sl_tunnel_target *target, sl_cancel *cancel) {
    sl_tunnel_supervisor *supervisor = &tunnel->supervisor;
    int code = sl_tunnel_plan_init(&supervisor->job.plan, settings, target);
    if (code == SL_OK)
        code = check_files(settings);
    if (code == SL_OK)
        code = sl_cancel_open(&supervisor->job.stop);
    if (code == SL_OK)
        code = sl_event_init(&supervisor->job.ready);
    if (code == SL_OK)
        code = sl_event_init(&supervisor->job.usable);
    if (code == SL_OK)
        code = sl_event_init(&supervisor->failed);
    if (code == SL_OK)
        code = make_socket_path(tunnel);
    if (code == SL_OK)
        code = sl_thread_start(&tunnel->thread, "sl-tunnel", sl_tunnel_supervise, supervisor);
    if (code < 0 || settings->persist || target->at_once)
        return code;
    code = sl_wait(supervisor->job.ready.fd, POLLIN, cancel, -1);
    if (code < 0)
        return code;
    sl_event_clear(&supervisor->job.ready); /* what was written before it was set can be read now */
    return supervisor->first < 0 ? sl_fail(supervisor->first, "%s", supervisor->sentence) : SL_OK;
}

int sl_tunnel_open(sl_tunnel **tunnel, const sl_tunnel_settings *settings,
                   const sl_tunnel_target *target, sl_cancel *cancel) {
    *tunnel = NULL;
    sl_tunnel *opening = calloc(1, sizeof(*opening));
    if (!opening)
        return sl_fail_memory();
    sl_tunnel_supervisor *supervisor = &opening->supervisor;
    supervisor->job.ready.fd = supervisor->job.usable.fd = supervisor->failed.fd = -1;
    supervisor->job.network.fd = supervisor->job.agent_fd = supervisor->job.carrier_fd = -1;
    pthread_mutex_init(&supervisor->job.lock, NULL);

    int code = start(opening, settings, target, cancel);
    if (code < 0) {
        /* The sentence is this thread's; closing makes no other. */
        sl_tunnel_close(&opening, 0);
        return code;
    }
    *tunnel = opening;
    return SL_OK;
}

int sl_tunnel_await(sl_tunnel *tunnel, const sl_cancel *cancel) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    for (;;) {
        int code = sl_wait(job->usable.fd, POLLIN, cancel, -1);
        if (code < 0)
            return code;
        pthread_mutex_lock(&job->lock);
        sl_tunnel_status status = job->status;
        pthread_mutex_unlock(&job->lock);
        if (status.failure)
            return sl_fail(status.failure, "%s", tunnel->supervisor.sentence);
        if (status.state == SL_TUNNEL_UP)
            return SL_OK;
    }
}

const char *sl_tunnel_endpoint(const sl_tunnel *tunnel) {
    return tunnel->endpoint;
}

int sl_tunnel_port(const sl_tunnel *tunnel) {
    const sl_tunnel_job *job = &tunnel->supervisor.job;
    int port = atomic_load(&job->port);
    return port ? port : job->plan.target_port;
}

void sl_tunnel_status_get(sl_tunnel *tunnel, sl_tunnel_status *status) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    sl_tunnel_status outer = {.state = SL_TUNNEL_UP};
    pthread_mutex_lock(&job->lock);
    *status = job->status;
    if (job->outer && status->state != SL_TUNNEL_UP)
        sl_tunnel_status_get(job->outer, &outer);
    pthread_mutex_unlock(&job->lock);
    if (outer.state != SL_TUNNEL_UP)
        status->state = outer.state;
    if (outer.reason[0])
        memcpy(status->reason, outer.reason, sizeof(status->reason));
}

void sl_tunnel_stats(sl_tunnel *tunnel, sl_stats *stats) {
    if (!tunnel)
        return;
    sl_tunnel_status status;
    sl_tunnel_status_get(tunnel, &status);
    stats->tunnel = status.state;
    stats->tunnel_reconnects = status.reconnects;
    sl_text_copy(stats->tunnel_reason, status.reason, sizeof(stats->tunnel_reason));
}

uint64_t sl_tunnel_under_way(sl_tunnel *tunnel) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    int unsent = 0;
    pthread_mutex_lock(&job->lock);
    if (job->carrier_fd >= 0)
        ioctl(job->carrier_fd, SIOCOUTQ, &unsent);
    uint64_t outer = job->outer ? sl_tunnel_under_way(job->outer) : 0;
    pthread_mutex_unlock(&job->lock);
    return outer + (uint64_t)unsent + atomic_load(&job->held);
}

void sl_tunnel_packets(sl_tunnel *tunnel, uint32_t *delivered, uint32_t *unacked) {
    sl_tunnel_job *job = &tunnel->supervisor.job;
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    pthread_mutex_lock(&job->lock);
    if (job->outer)
        sl_tunnel_packets(job->outer, &info.tcpi_delivered, &info.tcpi_unacked);
    else if (job->carrier_fd >= 0)
        getsockopt(job->carrier_fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    pthread_mutex_unlock(&job->lock);
    *delivered = info.tcpi_delivered;
    *unacked = info.tcpi_unacked;
}

int sl_tunnel_failure_fd(const sl_tunnel *tunnel) {
    return tunnel->supervisor.failed.fd;
}

void sl_tunnel_expect_end(sl_tunnel *tunnel) {
    if (tunnel)
        atomic_store(&tunnel->supervisor.job.ending, true);
}

void sl_tunnel_close(sl_tunnel **tunnel, int linger_ms) {
    sl_tunnel *closing = *tunnel;
    if (!closing)
        return;
    *tunnel = NULL;
    sl_tunnel_supervisor *supervisor = &closing->supervisor;
    atomic_store(&supervisor->job.linger_ms, linger_ms);
    stop(closing);
    sl_thread_join(&closing->thread);
    sl_tunnel_close(&supervisor->job.outer, 0); /* the last that comes through it was handed over */
    if (closing->folder[0]) {
        unlink(supervisor->job.socket_path);
        rmdir(closing->folder);
    }
    sl_event_finish(&supervisor->job.ready);
    sl_event_finish(&supervisor->job.usable);
    sl_event_finish(&supervisor->failed);
    sl_cancel_close(&supervisor->job.stop);
    sl_tunnel_plan_finish(&supervisor->job.plan);
    pthread_mutex_destroy(&supervisor->job.lock);
    free(closing);
}
