/* tunnel: keeping a connection up. Which failures are waited out and which end it is decided
 * here; how a connection is made is the back-end's business. Runs on the tunnel's thread. */
#include "tunnel/supervisor.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MOST_MS  5000

void sl_tunnel_report(sl_tunnel_job *job, sl_tunnel_state state, const char *reason) {
    char text[sizeof(job->status.reason)];
    snprintf(text, sizeof(text), "%s", reason ? reason : "");
    sl_text_harmless(text); /* it can hold what the server said */
    pthread_mutex_lock(&job->lock);
    bool changed = job->status.state != state;
    bool up = changed && state == SL_TUNNEL_UP, first = up && !job->was_up;
    job->status.state = state;
    job->status.reconnects += up && job->was_up ? 1 : 0;
    job->was_up = job->was_up || up;
    memcpy(job->status.reason, text, sizeof(text));
    pthread_mutex_unlock(&job->lock);
    if (changed)
        sl_log(SL_LOG_DEBUG, "tunnel", "%s%s%s", sl_tunnel_state_name(state), text[0] ? ": " : "",
               text);
    if (up)
        sl_log(SL_LOG_INFO, "tunnel", "%s through %s to %s port %d", first ? "up" : "up again",
               job->plan.name, job->plan.target_host, job->plan.target_port);
    if (changed && (first || !job->was_up) && job->plan.witness)
        job->plan.witness->state(job->plan.witness->user, state);
    if (first)
        sl_event_set(&job->ready);
}

void sl_tunnel_tell(const sl_tunnel_job *job, sl_tunnel_fact fact, const char *text) {
    if (job->plan.witness && !job->was_up)
        job->plan.witness->fact(job->plan.witness->user, fact, text);
}

/* In the order in which they are asked. */
static const sl_tunnel_backend *const backends[] = {&sl_tunnel_libssh};

/* Takes the first back-end that can do the job. */
static int open_backend(sl_tunnel_supervisor *supervisor, void **state) {
    int code = SL_EUNSUPPORTED;
    for (size_t i = 0; code == SL_EUNSUPPORTED && i < SL_COUNT(backends); i++) {
        supervisor->backend = backends[i];
        code = backends[i]->open(state, &supervisor->job);
    }
    return code;
}

/* These don't get better by trying again. */
static bool ends_it(int code) {
    return code == SL_EAUTH || code == SL_EHOSTKEY || code == SL_EFORWARD || code == SL_EINVAL ||
           code == SL_EUNSUPPORTED;
}

static void fail_for_good(sl_tunnel_supervisor *supervisor, int code) {
    sl_tunnel_job *job = &supervisor->job;
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    pthread_mutex_lock(&job->lock);
    job->status.failure = code;
    pthread_mutex_unlock(&job->lock);
    sl_event_set(&supervisor->failed);
}

/* Doubles from a tenth of a second to five, each shortened by up to half at random, so that many
 * tunnels that fell together don't come back together. */
static int back_off_ms(unsigned attempt, unsigned *seed) {
    int most = attempt < 6 ? BACK_OFF_FIRST_MS << attempt : BACK_OFF_MOST_MS;
    return most - (int)((unsigned)rand_r(seed) % (unsigned)(most / 2));
}

/* One connection, from set-up to its end. SL_OK when it was told to stop. */
static int live_once(const sl_tunnel_supervisor *supervisor, void *state) {
    int code = supervisor->backend->connect(state);
    return code < 0 ? code : supervisor->backend->carry(state);
}

static void wait_for_next(sl_tunnel_supervisor *supervisor, unsigned attempt, unsigned *seed) {
    sl_tunnel_job *job = &supervisor->job;
    int pause_ms = back_off_ms(attempt, seed);
    sl_log(attempt == 0 ? SL_LOG_WARNING : SL_LOG_INFO, "tunnel", "%s; trying again in %d ms",
           sl_error(), pause_ms);
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    sl_wait(-1, 0, job->stop, sl_deadline_us(pause_ms));
}

void sl_tunnel_supervise(void *argument) {
    sl_tunnel_supervisor *supervisor = argument;
    sl_tunnel_job *job = &supervisor->job;
    unsigned seed = (unsigned)sl_now_us(), attempt = 0;
    void *state = NULL;

    int code = open_backend(supervisor, &state);
    while (code == SL_OK) {
        uint64_t ups = job->status.reconnects;
        bool up_before = job->was_up;
        code = live_once(supervisor, state);
        if (code == SL_OK || sl_cancel_triggered(job->stop) || !job->was_up || ends_it(code))
            break;
        if (!up_before || ups != job->status.reconnects)
            attempt = 0; /* it was up meanwhile */
        wait_for_next(supervisor, attempt++, &seed);
        code = SL_OK;
    }
    if (!job->was_up) {
        supervisor->first = code;
        snprintf(supervisor->sentence, sizeof(supervisor->sentence), "%s", sl_error());
    }
    if (code < 0 && !sl_cancel_triggered(job->stop))
        fail_for_good(supervisor, code);
    if (!job->was_up)
        sl_event_set(&job->ready);
    if (state)
        supervisor->backend->close(state);
}
