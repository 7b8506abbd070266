/* tunnel: reaching the SSH server's port. Called by the back-end on the tunnel's thread. */
#include "tunnel/dial.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
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

/* For as long as a connection is set up and nobody else watches: then a fresh one is tried. A path
 * that merely is slow has TCP wait longer before it takes anything for lost. */
#define LOST_MS 2000

/* TCP asks again for a connection after 1 s, 2 s, 4 s, …, so that one that began in the dark would
 * find out late that it is over: another begins each second, beside those that wait. */
#define AGAIN_MS  1000
#define NEXT_MS   250  /* at least, between those to the several addresses of a host */
#define SETTLE_MS 50   /* changes of the network come in bunches */
#define NAME_MS   1000 /* for the name, before addresses that are known from before are tried */

#define SSH_PORT 22 /* where others than gates listen */

#define TRIES_MOST     16 /* under way at a time; the oldest make way */
#define ADDRESSES_MOST 16

struct try {
    int descriptor;
    int address;
    int64_t began_us;
};

struct address {
    struct sockaddr_storage at;
    socklen_t size;
};

struct race {
    sl_tunnel_job *job;
    struct address addresses[ADDRESSES_MOST];
    bool failed[ADDRESSES_MOST]; /* when last tried */
    int address_count;
    int next; /* address to try; at last the one that was reached */
    int64_t next_us;
    struct try tries[TRIES_MOST]; /* under way, the oldest first */
    int count;
    int failure; /* errno of the one that tells most */
};

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

/* Ends the tries for an address, or (-1) all. */
static void give_up(struct race *race, int address) {
    int kept = 0;
    for (int i = 0; i < race->count; i++)
        if (address >= 0 && race->tries[i].address != address)
            race->tries[kept++] = race->tries[i];
        else
            close(race->tries[i].descriptor);
    race->count = kept;
}

/* That of the connection's first two packets. */
static int64_t round_trip_us(int descriptor) {
    struct tcp_info info = {0}; /* as it stays when it can't be told */
    socklen_t size = sizeof(info);
    getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_rtt;
}

static void note_failure(struct race *race, int address, int failure) {
    race->failed[address] = true;
    give_up(race, address);
    /* A refusal says more than silence or a missing route. */
    if (race->failure != ECONNREFUSED)
        race->failure = failure;
}

static bool all_failed(const struct race *race) {
    for (int i = 0; i < race->address_count; i++)
        if (!race->failed[i])
            return false;
    return true;
}

static bool is_known(const struct race *race, const struct addrinfo *found) {
    for (int i = 0; i < race->address_count; i++)
        if (race->addresses[i].size == found->ai_addrlen &&
            memcmp(&race->addresses[i].at, found->ai_addr, found->ai_addrlen) == 0)
            return true;
    return false;
}

/* Takes the host's addresses into the race. The first that is new is the next to be tried, now. */
static void enter(struct race *race) {
    int before = race->address_count;
    for (const struct addrinfo *found = race->job->addresses;
         found && race->address_count < ADDRESSES_MOST; found = found->ai_next) {
        if (is_known(race, found))
            continue;
        struct address *entered = &race->addresses[race->address_count++];
        entered->size = found->ai_addrlen;
        memcpy(&entered->at, found->ai_addr, found->ai_addrlen);
    }
    if (race->address_count == before)
        return;
    race->next = before;
    race->next_us = sl_now_us();
}

/* Waits for the host's addresses and keeps them in place of those that it had. SL_EAGAIN when
 * nobody can tell, or not yet: then it is still looked for. SL_EUNREACHABLE, SL_ECANCELED. */
static int take_addresses(sl_tunnel_job *job, int64_t deadline_us) {
    struct addrinfo *addresses;
    int code = sl_resolver_await(&job->resolver, &addresses, job->stop, deadline_us);
    if (code < 0)
        return code;
    if (job->addresses)
        freeaddrinfo(job->addresses);
    job->addresses = addresses;
    return SL_OK;
}

/* Begins to connect to the address whose turn it is. */
static void try_next(struct race *race) {
    int count = race->address_count > 1 ? race->address_count : 1;
    int address = race->next, shared_ms = AGAIN_MS / count;
    const struct sockaddr *to = (const struct sockaddr *)&race->addresses[address].at;
    race->next = (address + 1) % count;
    race->next_us = sl_deadline_us(shared_ms > NEXT_MS ? shared_ms : NEXT_MS);
    race->failed[address] = false;
    int descriptor = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0) {
        note_failure(race, address, errno);
        return;
    }
    sl_dial_tune(descriptor);
    int64_t began_us = sl_now_us();
    if (connect(descriptor, to, race->addresses[address].size) < 0 && errno != EINPROGRESS) {
        int failure = errno;
        close(descriptor);
        note_failure(race, address, failure);
        return;
    }
    if (race->count == TRIES_MOST) {
        close(race->tries[0].descriptor);
        race->count--;
        memmove(race->tries, race->tries + 1, sizeof(race->tries) - sizeof(race->tries[0]));
    }
    race->tries[race->count++] = (struct try){descriptor, address, began_us};
}

/* Waits for an answer to any, or for the time for another try; that is soon after the network has
 * changed, and at once when the host turns out to have another address. SL_OK, SL_ECANCELED,
 * SL_ESYSTEM. */
static int wait_for_answer(struct race *race, int64_t deadline_us) {
    enum { STOP = TRIES_MOST, NETWORK, NAME, ALL };
    sl_tunnel_job *job = race->job;
    struct pollfd polled[ALL];
    for (int i = 0; i < TRIES_MOST; i++)
        polled[i] = (struct pollfd){.fd = i < race->count ? race->tries[i].descriptor : -1,
                                    .events = POLLOUT};
    polled[STOP] = (struct pollfd){.fd = sl_cancel_fd(job->stop), .events = POLLIN};
    polled[NETWORK] = (struct pollfd){.fd = job->network.fd, .events = POLLIN};
    polled[NAME] =
        (struct pollfd){.fd = job->resolver ? sl_resolver_fd(job->resolver) : -1, .events = POLLIN};
    int64_t until_us = race->next_us < deadline_us ? race->next_us : deadline_us;
    if (poll(polled, ALL, sl_remaining_ms(until_us)) < 0 && errno != EINTR)
        return sl_fail(SL_ESYSTEM, "cannot wait for the SSH host: %s", strerror(errno));
    if (polled[STOP].revents)
        return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
    int64_t soon_us = sl_deadline_us(SETTLE_MS);
    if (polled[NETWORK].revents && sl_network_take(&job->network) && soon_us < race->next_us)
        race->next_us = soon_us;
    if (polled[NAME].revents && take_addresses(job, 0) == SL_OK)
        enter(race);
    return SL_OK;
}

/* Takes the first connection that was answered out of the race: its place, or -1. */
static int take_winner(struct race *race) {
    for (int i = 0; i < race->count; i++) {
        struct pollfd polled = {.fd = race->tries[i].descriptor, .events = POLLOUT};
        int failure = 0, address = race->tries[i].address;
        socklen_t size = sizeof(failure);
        if (poll(&polled, 1, 0) < 1)
            continue;
        if (getsockopt(polled.fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
            failure = errno;
        if (failure == 0)
            return i;
        note_failure(race, address, failure);
        i = -1; /* others have gone, too */
    }
    return -1;
}

/* SL_OK with the connection that was answered first; SL_EAGAIN when there was none in time, or none
 * can be; SL_ECANCELED, SL_ESYSTEM. */
static int run(struct race *race, int *descriptor, int64_t deadline_us) {
    for (;;) {
        while (race->count == 0 || sl_remaining_ms(race->next_us) == 0) {
            if (race->count == 0 && all_failed(race))
                return SL_EAGAIN;
            try_next(race);
        }
        int code = wait_for_answer(race, deadline_us);
        if (code < 0)
            return code;
        int winner = take_winner(race);
        if (winner >= 0) {
            *descriptor = race->tries[winner].descriptor;
            race->job->connected_us = race->tries[winner].began_us + round_trip_us(*descriptor);
            race->next = race->tries[winner].address;
            race->tries[winner] = race->tries[--race->count];
            return SL_OK;
        }
        if (sl_remaining_ms(deadline_us) == 0) {
            race->failure = race->failure == ECONNREFUSED ? ECONNREFUSED : ETIMEDOUT;
            return SL_EAGAIN;
        }
    }
}

/* At another port than the usual one it may well be a gate that is looked for. */
static int explain_refusal(const char *host, int port) {
    if (port == SSH_PORT)
        return sl_fail(SL_EUNREACHABLE,
                       "port %d of the SSH host %s is closed (connection refused); is the SSH "
                       "server running, and on that port?",
                       port, host);
    return sl_fail(SL_EUNREACHABLE,
                   "port %d of the SSH host %s is closed (connection refused); is `sightline view "
                   "--gate %d` or an SSH server running there?",
                   port, host, port);
}

static int explain(const sl_tunnel_plan *plan, int failure) {
    const char *host = plan->destination.host;
    int port = plan->destination.port;
    switch (failure) {
    case ECONNREFUSED:
        return explain_refusal(host, port);
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

static void tell_address(const sl_tunnel_job *job, const struct address *address) {
    char text[NI_MAXHOST];
    if (getnameinfo((const struct sockaddr *)&address->at, address->size, text, sizeof(text), NULL,
                    0, NI_NUMERICHOST) == 0)
        sl_tunnel_tell(job, SL_TUNNEL_ADDRESS, text);
}

/* Asks for the host's addresses, or goes on with what an attempt before this one asked. Where
 * nobody can tell now, those that it had are as good as any. */
static int look_up(sl_tunnel_job *job, int64_t deadline_us) {
    int64_t soon_us = sl_deadline_us(NAME_MS);
    bool known = job->addresses != NULL;
    int code = SL_OK;
    if (!job->resolver)
        code = sl_resolver_open(&job->resolver, "the SSH host", job->plan.destination.host,
                                job->plan.destination.port, AI_ADDRCONFIG);
    if (code == SL_OK)
        code = take_addresses(job, known && soon_us < deadline_us ? soon_us : deadline_us);
    if (code == SL_EAGAIN && known) {
        sl_log(SL_LOG_DEBUG, "tunnel", "%s; trying the address it had", sl_error());
        return SL_OK;
    }
    return code == SL_EAGAIN ? SL_EUNREACHABLE : code;
}

void sl_dial_forget(sl_tunnel_job *job) {
    if (job->addresses)
        freeaddrinfo(job->addresses);
    job->addresses = NULL;
    sl_resolver_close(&job->resolver);
}

static int dial_host(int *descriptor, sl_tunnel_job *job, int64_t deadline_us) {
    struct race race = {.job = job};
    sl_tunnel_report(job, SL_TUNNEL_RESOLVING, NULL);
    int code = look_up(job, deadline_us);
    if (code < 0)
        return code;
    enter(&race);
    tell_address(job, race.addresses);
    sl_tunnel_report(job, SL_TUNNEL_CONNECTING, NULL);
    sl_network_take(&job->network);
    code = run(&race, descriptor, deadline_us);
    give_up(&race, -1);
    if (code == SL_EAGAIN)
        return explain(&job->plan, race.failure);
    if (code == SL_OK) {
        sl_resolver_close(&job->resolver); /* its answer would be old when it is asked for again */
        tell_address(job, &race.addresses[race.next]);
        set(*descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, LOST_MS);
    }
    return code;
}

int sl_dial(int *descriptor, sl_tunnel_job *job, int64_t deadline_us) {
    if (!job->outer)
        return dial_host(descriptor, job, deadline_us);
    sl_tunnel_report(job, SL_TUNNEL_CONNECTING, NULL);
    job->connected_us = sl_now_us();
    return sl_jump_dial(descriptor, job);
}
