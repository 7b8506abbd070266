/* tunnel: reaching the SSH server's port. Called by the back-end on the tunnel's thread. */
#include "tunnel/dial.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"
#include "tunnel/jump.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* TCP's own questions, for as long as SSH can't ask: idle, between two, how many. */
#define IDLE_S  5
#define PROBE_S 2
#define PROBES  3

#define SECOND_TRY_MS 1000 /* TCP's, when the first is not answered */

static void set(int descriptor, int level, int option, int value) {
    /* Each only makes things better; a kernel without it still carries frames. */
    setsockopt(descriptor, level, option, &value, sizeof(value));
}

void sl_dial_tune(int descriptor) {
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S);
    set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
    set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Waits for a connection's answer: SL_OK, SL_ECANCELED, or SL_EAGAIN with errno. A network that
 * changes (ESTALE) makes a new connection worth while once TCP has begun to wait longer and longer
 * between its tries: the new one's is at once. */
static int wait_for_answer(sl_tunnel_job *job, int descriptor, int64_t deadline_us) {
    struct pollfd polled[] = {
        {.fd = descriptor, .events = POLLOUT},
        {.fd = sl_cancel_fd(job->stop), .events = POLLIN},
        {.fd = job->network.fd, .events = POLLIN},
    };
    int64_t second_try_us = sl_deadline_us(SECOND_TRY_MS);
    if (second_try_us < deadline_us) {
        int code = sl_wait(descriptor, POLLOUT, job->stop, second_try_us);
        if (code != SL_EAGAIN)
            return code;
    }
    int ready;
    do
        ready = poll(polled, 3, sl_remaining_ms(deadline_us));
    while (ready < 0 && errno == EINTR);
    if (ready > 0 && polled[1].revents)
        return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
    if (ready > 0 && polled[0].revents)
        return SL_OK;
    if (ready >= 0)
        errno = ready > 0 ? ESTALE : ETIMEDOUT;
    return SL_EAGAIN;
}

/* That of the connection's first two packets. */
static int64_t round_trip_us(int descriptor) {
    struct tcp_info info = {0}; /* as it stays when it can't be told */
    socklen_t size = sizeof(info);
    getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_rtt;
}

/* Connects to one address: SL_OK, SL_ECANCELED, or SL_EAGAIN with errno saying why not. */
static int connect_one(int *result, const struct addrinfo *address, sl_tunnel_job *job,
                       int64_t deadline_us) {
    int failure = 0;
    socklen_t size = sizeof(failure);
    int descriptor =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0)
        return SL_EAGAIN;
    sl_dial_tune(descriptor);
    int code = SL_OK;
    int64_t began_us = sl_now_us();
    if (connect(descriptor, address->ai_addr, address->ai_addrlen) < 0) {
        failure = errno;
        if (failure == EINPROGRESS) {
            code = wait_for_answer(job, descriptor, deadline_us);
            if (code == SL_EAGAIN ||
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
                failure = errno;
        }
    }
    if (code == SL_OK && failure == 0) {
        *result = descriptor;
        job->connected_us = began_us + round_trip_us(descriptor);
        /* For as long as nobody else watches; twice, since a loss at a slow path alone can hold
         * back what is acknowledged for seconds. */
        set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000 * job->plan.settings.alive_timeout_s);
        return SL_OK;
    }
    close(descriptor);
    errno = failure;
    return code == SL_ECANCELED ? code : SL_EAGAIN;
}

static int explain(const sl_tunnel_plan *plan, int failure) {
    const char *host = plan->destination.host;
    int port = plan->destination.port;
    switch (failure) {
    case ECONNREFUSED:
        return sl_fail(SL_EUNREACHABLE,
                       "port %d of the SSH host %s is closed (connection "
                       "refused); is the SSH server running, and on that port?",
                       port, host);
    case ETIMEDOUT:
        return sl_fail(SL_EUNREACHABLE,
                       "port %d of the SSH host %s does not answer (timed out); "
                       "is the host on, and does a firewall let the port through?",
                       port, host);
    case ENETUNREACH:
    case EHOSTUNREACH:
        return sl_fail(SL_EUNREACHABLE,
                       "the SSH host %s cannot be reached (%s), so neither can "
                       "its port %d; check the network and the address",
                       host, strerror(failure), port);
    default:
        return sl_fail(SL_EUNREACHABLE, "cannot connect to port %d of the SSH host %s: %s", port,
                       host, strerror(failure));
    }
}

static void tell_address(const sl_tunnel_job *job, const struct addrinfo *address) {
    char text[NI_MAXHOST];
    if (getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof(text), NULL, 0,
                    NI_NUMERICHOST) == 0)
        sl_tunnel_tell(job, SL_TUNNEL_ADDRESS, text);
}

static int dial_host(int *descriptor, sl_tunnel_job *job, int64_t deadline_us) {
    struct addrinfo *addresses = NULL;
    int failure = 0;
    sl_tunnel_report(job, SL_TUNNEL_RESOLVING, NULL);
    int code = sl_resolve(&addresses, "the SSH host", job->plan.destination.host,
                          job->plan.destination.port, AI_ADDRCONFIG, job->stop, deadline_us);
    if (code < 0)
        return code == SL_EAGAIN ? SL_EUNREACHABLE : code;
    tell_address(job, addresses);
    sl_tunnel_report(job, SL_TUNNEL_CONNECTING, NULL);
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        tell_address(job, at);
        int64_t until_us = sl_address_deadline_us(at, deadline_us);
        do {
            sl_network_take(&job->network);
            code = connect_one(descriptor, at, job, until_us);
        } while (code == SL_EAGAIN && errno == ESTALE);
        if (code != SL_EAGAIN)
            break;
        /* A refusal says more than silence or a missing route. */
        if (failure != ECONNREFUSED)
            failure = errno;
    }
    freeaddrinfo(addresses);
    return code == SL_EAGAIN ? explain(&job->plan, failure) : code;
}

int sl_dial(int *descriptor, sl_tunnel_job *job, int64_t deadline_us) {
    if (!job->outer)
        return dial_host(descriptor, job, deadline_us);
    sl_tunnel_report(job, SL_TUNNEL_CONNECTING, NULL);
    job->connected_us = sl_now_us();
    return sl_jump_dial(descriptor, job);
}
