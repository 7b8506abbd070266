/* tunnel: names to addresses. Called by the back-end on the tunnel's thread.
 *
 * getaddrinfo() can take half a minute and can't be interrupted, so it runs on a thread of its
 * own, which nobody waits for: what the two share is freed by the last to let go. */
#include "tunnel/resolve.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/refcount.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
    sl_refcount references;
    sl_event answered;
    char host[256];
    char port[8];
    int failure; /* EAI_…; read it once answered */
    int failure_errno;
    struct addrinfo *addresses;
};

static void let_go(struct question *question) {
    if (!sl_refcount_down(&question->references))
        return;
    if (question->addresses)
        freeaddrinfo(question->addresses);
    sl_event_finish(&question->answered);
    free(question);
}

static void ask(struct question *question, int flags) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    question->failure = getaddrinfo(question->host, question->port, &hints, &question->addresses);
    question->failure_errno = errno;
}

static void *run(void *argument) {
    pthread_setname_np(pthread_self(), "sl-resolve");
    ask(argument, AI_ADDRCONFIG);
    sl_event_set(&((struct question *)argument)->answered);
    let_go(argument);
    return NULL;
}

static int start(struct question *question) {
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, before;
    int failure = pthread_attr_init(&detached);
    if (failure == 0) {
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        sl_refcount_up(&question->references);
        failure = pthread_create(&thread, &detached, run, question);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&detached);
        if (failure)
            sl_refcount_down(&question->references); /* the caller's is left */
    }
    return failure ? sl_fail(SL_ESYSTEM, "cannot start a thread that resolves %s: %s",
                             question->host, strerror(failure))
                   : SL_OK;
}

static int explain(const struct question *question) {
    switch (question->failure) {
    case EAI_NONAME:
#if EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
    case EAI_ADDRFAMILY:
        return sl_fail(SL_EUNREACHABLE,
                       "the SSH host %s does not resolve: no such name; check its "
                       "spelling or give its address",
                       question->host);
    case EAI_SYSTEM:
        return sl_fail(SL_EUNREACHABLE, "the SSH host %s does not resolve: %s", question->host,
                       strerror(question->failure_errno));
    default:
        return sl_fail(SL_EUNREACHABLE,
                       "the SSH host %s does not resolve: %s; check the network's "
                       "name server or give its address",
                       question->host, gai_strerror(question->failure));
    }
}

static int wait_for_answer(struct question *question, const sl_cancel *cancel,
                           int64_t deadline_us) {
    int code = start(question);
    if (code == SL_OK)
        code = sl_wait(question->answered.fd, POLLIN, cancel, deadline_us);
    if (code == SL_EAGAIN)
        code = sl_fail(SL_EUNREACHABLE,
                       "the SSH host %s does not resolve: no name server answers "
                       "in time; check the network or give its address",
                       question->host);
    if (code < 0)
        return code;
    sl_event_clear(&question->answered); /* what was written before it was set can be read now */
    return question->failure ? explain(question) : SL_OK;
}

int sl_resolve(struct addrinfo **addresses, const char *host, int port, const sl_cancel *cancel,
               int64_t deadline_us) {
    struct question *question = calloc(1, sizeof(*question));
    if (!question)
        return sl_fail_memory();
    sl_refcount_init(&question->references);
    snprintf(question->host, sizeof(question->host), "%s", host);
    snprintf(question->port, sizeof(question->port), "%d", port);
    int code = sl_event_init(&question->answered);
    if (code == SL_OK) {
        ask(question, AI_NUMERICHOST); /* an address needs no asking around */
        if (question->failure)
            code = wait_for_answer(question, cancel, deadline_us);
    }
    if (code == SL_OK) {
        *addresses = question->addresses;
        question->addresses = NULL;
    }
    let_go(question);
    return code;
}
