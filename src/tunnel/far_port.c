/* tunnel: the port at the SSH server, in words. Used by the libssh and the OpenSSH back-end. */
#include "tunnel/far_port.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REACH_MS 1000               /* for the answer of a port; silence says nothing */
#define IDLE_US  (5 * SL_SECOND_US) /* that who brings nothing may keep others out */

int sl_far_port_wanted(const sl_tunnel_job *job) {
    int known = atomic_load(&job->port);
    return known ? known : job->plan.target_port;
}

const char *sl_far_port_host(const sl_tunnel_job *job) {
    return job->plan.target_host[0] ? job->plan.target_host : "localhost";
}

int sl_far_port_fail_held(const sl_tunnel_job *job) {
    int port = sl_far_port_wanted(job);
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

int sl_far_port_fail_refused(const sl_tunnel_job *job) {
    int port = sl_far_port_wanted(job);
    return sl_fail(job->was_up ? SL_EINUSE : SL_EFORWARD,
                   "%s does not allow to listen on port %d, or the port is in use; its sshd needs "
                   "AllowTcpForwarding yes (or remote) and, if set, PermitListen %d; in "
                   "authorized_keys port-forwarding, and permitlisten if set; ports below 1024 "
                   "are for root",
                   job->plan.name, port, port);
}

void sl_far_port_tell_waiting(sl_tunnel_job *job) {
    sl_far_port_fail_held(job);
    sl_log(job->was_up ? SL_LOG_INFO : SL_LOG_WARNING, "tunnel", "%s; waiting for it", sl_error());
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    sl_tunnel_tell(job, SL_TUNNEL_HELD, sl_far_port_host(job));
}

int sl_far_port_find_idle(const int64_t heard_us[], int count) {
    int longest = 0;
    for (int i = 1; i < count; i++)
        if (heard_us[i] < heard_us[longest])
            longest = i;
    return sl_now_us() >= heard_us[longest] + IDLE_US ? longest : -1;
}

void sl_far_port_tell_full(sl_tunnel_job *job, int most, bool one_made_way) {
    uint64_t more = 0;
    if (sl_log_limit_pass(&job->full, &more))
        sl_log(SL_LOG_INFO, "tunnel",
               "a connection to port %d at %s %s: %d are open (and %llu more were)",
               atomic_load(&job->port), job->plan.destination.host,
               one_made_way ? "that brought nothing has to make way for another" : "is turned away",
               most, (unsigned long long)more);
}

/* What becomes of a connection from here to there: 0, or its errno. */
static int try_port(const struct addrinfo *place, const sl_cancel *stop) {
    int failure = 0;
    socklen_t size = sizeof(failure);
    int descriptor = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return errno;
    if (connect(descriptor, place->ai_addr, place->ai_addrlen) < 0)
        failure = errno;
    if (failure == EINPROGRESS &&
        sl_wait(descriptor, POLLOUT, stop, sl_deadline_us(REACH_MS)) == SL_OK &&
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
        failure = errno;
    close(descriptor);
    return failure;
}

/* The same for an address in numbers; "" can't be tried. */
static int try_address(const char *address, int port, const sl_cancel *stop) {
    struct addrinfo wish = {.ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *place = NULL;
    char service[16];
    snprintf(service, sizeof(service), "%d", port);
    if (!address[0] || getaddrinfo(address, service, &wish, &place) != 0)
        return EADDRNOTAVAIL;
    int failure = try_port(place, stop);
    freeaddrinfo(place);
    return failure;
}

/* Nobody else comes in there: that it answers says nothing about others. */
static bool is_loopback(const char *address) {
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* A server may listen on its loopback alone, whatever it was asked for, and doesn't say so. Who
 * examines the way is told, others read it in the log. */
static void check_reach(const sl_tunnel_job *job, int port, const char *address) {
    char text[512];
    int failure = try_address(address, port, job->stop);
    bool refused = failure == ECONNREFUSED, reached = failure == 0 && !is_loopback(address);
    if (reached)
        snprintf(text, sizeof(text), "others reach port %d at %s", port, address);
    else if (refused)
        snprintf(text, sizeof(text),
                 "%s listens on port %d for itself only: a camera end reaches it with --ssh to the "
                 "same host; for others, sshd_config there needs the line: GatewayPorts "
                 "clientspecified",
                 job->plan.destination.host, port);
    else
        snprintf(text, sizeof(text),
                 "whether %s listens on port %d for others too can't be seen from here; if not, "
                 "sshd_config there needs the line: GatewayPorts clientspecified",
                 job->plan.destination.host, port);
    if (job->plan.witness)
        sl_tunnel_tell(job,
                       reached   ? SL_TUNNEL_REACHED
                       : refused ? SL_TUNNEL_FOR_ITSELF
                                 : SL_TUNNEL_REACH_UNSEEN,
                       text);
    else if (!reached)
        sl_log(refused ? SL_LOG_WARNING : SL_LOG_INFO, "tunnel", "%s", text);
}

void sl_far_port_take(sl_tunnel_job *job, int port, const char *address) {
    atomic_store(&job->port, port);
    if (!job->was_up && !job->plan.target_host[0])
        check_reach(job, port, address);
}
