/* base: names to addresses. Called by the tunnel and the link, on their threads.
 *
 * getaddrinfo() can take half a minute and can't be interrupted, so it runs on a thread of its
 * own, which nobody waits for: what the two share is freed by the last to let go. */
#include "base/resolve.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/refcount.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_resolver {
    sl_refcount references;
    sl_event answered;
    const char *what;
    char host[256];
    char port[8];
    int flags;
    int failure; /* EAI_…; read it once answered */
    int failure_errno;
    struct addrinfo *addresses;
};

static void let_go(sl_resolver *resolver) {
    if (!sl_refcount_down(&resolver->references))
        return;
    if (resolver->addresses)
        freeaddrinfo(resolver->addresses);
    sl_event_finish(&resolver->answered);
    free(resolver);
}

static void ask(sl_resolver *resolver, int flags) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    resolver->failure = getaddrinfo(resolver->host, resolver->port, &hints, &resolver->addresses);
    resolver->failure_errno = errno;
}

static void *run(void *argument) {
    sl_resolver *resolver = argument;
    pthread_setname_np(pthread_self(), "sl-resolve");
    ask(resolver, resolver->flags);
    sl_event_set(&resolver->answered);
    let_go(resolver);
    return NULL;
}

static int start(sl_resolver *resolver) {
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, before;
    int failure = pthread_attr_init(&detached);
    if (failure == 0) {
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        sl_refcount_up(&resolver->references);
        failure = pthread_create(&thread, &detached, run, resolver);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&detached);
        if (failure)
            sl_refcount_down(&resolver->references); /* the caller's is left */
    }
    return failure ? sl_fail(SL_ESYSTEM, "cannot start a thread that resolves %s: %s",
                             resolver->host, strerror(failure))
                   : SL_OK;
}

int sl_resolver_open(sl_resolver **resolver, const char *what, const char *host, int port,
                     int flags) {
    *resolver = NULL;
    sl_resolver *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    sl_refcount_init(&opened->references);
    opened->what = what;
    opened->flags = flags;
    snprintf(opened->host, sizeof(opened->host), "%s", host);
    snprintf(opened->port, sizeof(opened->port), "%d", port);
    int code = sl_event_init(&opened->answered);
    if (code == SL_OK) {
        ask(opened, AI_NUMERICHOST); /* an address needs no asking around */
        if (opened->failure)
            code = start(opened);
        else
            sl_event_set(&opened->answered);
    }
    if (code == SL_OK)
        *resolver = opened;
    else
        let_go(opened);
    return code;
}

int sl_resolver_fd(const sl_resolver *resolver) {
    return resolver->answered.fd;
}

static int explain(const sl_resolver *resolver) {
    switch (resolver->failure) {
    case EAI_NONAME:
#if EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
    case EAI_ADDRFAMILY:
        return sl_fail(SL_EUNREACHABLE,
                       "%s %s does not resolve: no such name; check its spelling or give its "
                       "address",
                       resolver->what, resolver->host);
    case EAI_SYSTEM:
        return sl_fail(SL_EAGAIN, "%s %s does not resolve: %s", resolver->what, resolver->host,
                       strerror(resolver->failure_errno));
    default:
        return sl_fail(SL_EAGAIN,
                       "%s %s does not resolve: %s; check the network's name server or give its "
                       "address",
                       resolver->what, resolver->host, gai_strerror(resolver->failure));
    }
}

int sl_resolver_take(sl_resolver *resolver, struct addrinfo **addresses) {
    *addresses = NULL;
    sl_event_clear(&resolver->answered); /* what was written before it was set can be read now */
    if (resolver->failure)
        return explain(resolver);
    *addresses = resolver->addresses;
    resolver->addresses = NULL;
    return SL_OK;
}

void sl_resolver_close(sl_resolver **resolver) {
    if (*resolver)
        let_go(*resolver);
    *resolver = NULL;
}

int sl_resolver_await(sl_resolver **resolver, struct addrinfo **addresses, const sl_cancel *cancel,
                      int64_t deadline_us) {
    *addresses = NULL;
    int code = sl_wait(sl_resolver_fd(*resolver), POLLIN, cancel, deadline_us);
    if (code == SL_EAGAIN)
        return sl_fail(code,
                       "%s %s does not resolve: no name server answers in time; check the network "
                       "or give its address",
                       (*resolver)->what, (*resolver)->host);
    if (code < 0)
        return code;
    code = sl_resolver_take(*resolver, addresses);
    sl_resolver_close(resolver);
    return code;
}

int sl_resolve(struct addrinfo **addresses, const char *what, const char *host, int port, int flags,
               const sl_cancel *cancel, int64_t deadline_us) {
    sl_resolver *resolver;
    *addresses = NULL;
    int code = sl_resolver_open(&resolver, what, host, port, flags);
    if (code == SL_OK)
        code = sl_resolver_await(&resolver, addresses, cancel, deadline_us);
    sl_resolver_close(&resolver);
    return code;
}

int64_t sl_address_deadline_us(const struct addrinfo *address, int64_t deadline_us) {
    int left = 1;
    if (deadline_us < 0)
        return deadline_us;
    while ((address = address->ai_next))
        left++;
    return sl_deadline_us(sl_remaining_ms(deadline_us) / left);
}

bool sl_is_ipv6(const char *text) {
    char address[INET6_ADDRSTRLEN + 1];
    struct in6_addr binary;
    size_t length = strcspn(text, "%"); /* what follows names the interface */
    if (length >= sizeof(address) || (text[length] && !text[length + 1]))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, &binary) == 1;
}

void sl_host_port(char *text, size_t size, const char *host, int port) {
    bool brackets = strchr(host, ':');
    snprintf(text, size, "%s%s%s:%d", brackets ? "[" : "", host, brackets ? "]" : "", port);
}
