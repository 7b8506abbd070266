/* tunnel: keeping a connection up. Which failures are waited out and which end it is decided
 * here; how a connection is made is the back-end's business. Runs on the tunnel's thread. */
#include "tunnel/supervisor.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/text.h"
#include "tunnel/dial.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MOST_MS  5000
#define DARK_MOST_MS      1000 /* while nobody answers: that costs no server anything */
#define SHORT_MOST_MS     400  /* after being up, however short */
#define LIVED_US          (5 * SL_SECOND_US) /* up for so long, its loss is the first of its kind */
#define REFUSED_PAUSE_MS  60000

static void log_up(const sl_tunnel_job *job, bool first) {
    const sl_tunnel_plan *plan = &job->plan;
    const char *up = first ? "up" : "up again";
    if (plan->link_path)
        sl_log(SL_LOG_INFO, "tunnel", "%s: %s listens on port %d", up, plan->name,
               atomic_load(&job->port));
    else
        sl_log(SL_LOG_INFO, "tunnel", "%s through %s to %s port %d", up, plan->name,
               plan->target_host, plan->target_port);
}

/* Of several on the way, jump hosts are named. */
static void log_step(const sl_tunnel_job *job, sl_tunnel_state state, const char *reason) {
    const sl_tunnel_plan *plan = &job->plan;
    sl_log(SL_LOG_INFO, "tunnel", "%s%s%s%s%s", plan->jump ? plan->name : "",
           plan->jump ? ": " : "", sl_tunnel_state_name(state), reason ? ": " : "",
           reason ? reason : "");
}

void sl_tunnel_report(sl_tunnel_job *job, sl_tunnel_state state, const char *reason) {
    char text[sizeof(job->status.reason)];
    snprintf(text, sizeof(text), "%s", reason ? reason : "");
    sl_text_harmless(text); /* it can hold what the server said */
    pthread_mutex_lock(&job->lock);
    if (!reason && state != SL_TUNNEL_UP)
        memcpy(text, job->status.reason, sizeof(text));
    bool changed = job->status.state != state;
    bool up = changed && state == SL_TUNNEL_UP, first = up && !job->was_up;
    if (changed && job->status.state == SL_TUNNEL_UP)
        sl_event_clear(&job->usable);
    job->status.state = state;
    job->status.reconnects += up && job->was_up ? 1 : 0;
    job->was_up = job->was_up || up;
    memcpy(job->status.reason, text, sizeof(text));
    pthread_mutex_unlock(&job->lock);
    if (up)
        log_up(job, first);
    else if (changed)
        log_step(job, state, reason ? text : NULL);
    if (changed && (first || !job->was_up) && job->plan.witness && job->plan.witness->state)
        job->plan.witness->state(job->plan.witness->user, state);
    if (up)
        sl_event_set(&job->usable);
    if (first)
        sl_event_set(&job->ready);
}

/* Of a jump host's trouble the tunnel that needs it tells too. */
static sl_log_level trouble_level(const sl_tunnel_job *job) {
    return job->plan.jump || atomic_load(&job->ending) ? SL_LOG_INFO : SL_LOG_WARNING;
}

void sl_tunnel_tell_heard(sl_tunnel_job *job, bool *unheard, bool heard, bool up) {
    if (*unheard == !heard)
        return;
    *unheard = !heard;
    if (heard)
        sl_log(SL_LOG_INFO, "tunnel", "%s port %d answers now, as seen from %s",
               job->plan.target_host, job->plan.target_port, job->plan.destination.host);
    else
        sl_log(trouble_level(job), "tunnel", "%s", sl_error());
    if (up)
        sl_tunnel_report(job, SL_TUNNEL_UP, heard ? NULL : sl_error());
}

void sl_tunnel_tell(const sl_tunnel_job *job, sl_tunnel_fact fact, const char *text) {
    if (job->plan.witness && job->plan.witness->fact && !job->was_up)
        job->plan.witness->fact(job->plan.witness->user, fact, text);
}

static const sl_tunnel_backend *const backends[] = {
    [SL_SSH_LIBSSH] = &sl_tunnel_libssh,
    [SL_SSH_OPENSSH] = &sl_tunnel_openssh,
};

/* The one that was asked for. */
static int open_backend(sl_tunnel_supervisor *supervisor, void **state) {
    size_t wanted = (size_t)supervisor->job.plan.settings.backend;
    if (wanted >= SL_COUNT(backends))
        return sl_fail(SL_EINVAL, "ssh_backend is libssh or openssh");
    supervisor->backend = backends[wanted];
    return supervisor->backend->open(state, &supervisor->job);
}

/* These get better only when somebody does something about it. */
static bool is_refusal(int code) {
    return code == SL_EAUTH || code == SL_EHOSTKEY || code == SL_EFORWARD;
}

/* Whether that was the end. What can't be done at all doesn't get better by trying again. */
static bool ends_it(const sl_tunnel_job *job, int code) {
    if (code == SL_OK || sl_cancel_triggered(job->stop) || code == SL_EINVAL ||
        code == SL_EUNSUPPORTED)
        return true;
    return !job->plan.settings.persist && (is_refusal(code) || !job->was_up);
}

static void fail_for_good(sl_tunnel_supervisor *supervisor, int code) {
    sl_tunnel_job *job = &supervisor->job;
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    pthread_mutex_lock(&job->lock);
    job->status.failure = code;
    pthread_mutex_unlock(&job->lock);
    sl_event_set(&supervisor->failed);
    sl_event_set(&job->usable);
    if (job->plan.failed)
        sl_cancel_trigger(job->plan.failed);
}

/* Whether the attempt that has just failed met nobody. */
static bool in_the_dark(const sl_tunnel_job *job) {
    return job->status.state == SL_TUNNEL_RESOLVING || job->status.state == SL_TUNNEL_CONNECTING;
}

/* Doubles from a tenth of a second, each shortened by up to half at random, so that many tunnels
 * that fell together don't come back together. */
static int back_off_ms(unsigned attempt, int most_ms, unsigned *seed) {
    int pause_ms = attempt < 6 ? BACK_OFF_FIRST_MS << attempt : BACK_OFF_MOST_MS;
    pause_ms = pause_ms < most_ms ? pause_ms : most_ms;
    return pause_ms - (int)((unsigned)rand_r(seed) % (unsigned)(pause_ms / 2));
}

/* When to try again. An attempt that took its time has waited already. */
static int64_t next_us(unsigned attempt, int most_ms, int64_t began_us, unsigned *seed) {
    int64_t soon_us = sl_deadline_us(back_off_ms(0, most_ms, seed));
    int64_t due_us = began_us + INT64_C(1000) * back_off_ms(attempt, most_ms, seed);
    return due_us > soon_us ? due_us : soon_us;
}

/* One connection, from set-up to its end; for how long it was up, 0: never. SL_OK when it was told
 * to stop. */
static int live_once(const sl_tunnel_supervisor *supervisor, void *state, int64_t *up_us) {
    *up_us = 0;
    int code = supervisor->backend->connect(state);
    if (code < 0)
        return code;
    int64_t since_us = sl_now_us();
    code = supervisor->backend->carry(state);
    *up_us = sl_now_us() - since_us + 1;
    return code;
}

static bool ends_as_question(const char *sentence) {
    size_t length = strlen(sentence);
    return length > 0 && sentence[length - 1] == '?';
}

/* Waits after a failure. One of the path is over at once when the network changes; a refusal takes
 * its minute whatever happens, so that no server takes us for somebody who guesses. Returns whether
 * the network has changed. */
static bool wait_for_next(sl_tunnel_job *job, int code, bool first, int64_t until_us) {
    bool refused = is_refusal(code);
    until_us = refused ? sl_deadline_us(REFUSED_PAUSE_MS) : until_us;
    sl_log(first || refused ? trouble_level(job) : SL_LOG_INFO, "tunnel", "%s%s again in %.1f s",
           sl_error(), ends_as_question(sl_error()) ? " Trying" : "; trying",
           sl_remaining_ms(until_us) / 1e3);
    sl_tunnel_report(job, SL_TUNNEL_WAITING, sl_error());
    /* Changes come in bunches, and a connection made amid them would not live long. */
    if (sl_wait(-1, 0, job->stop, sl_deadline_us(BACK_OFF_FIRST_MS / 2)) == SL_ECANCELED ||
        sl_wait(refused ? -1 : job->network.fd, POLLIN, job->stop, until_us) != SL_OK)
        return false;
    sl_wait(-1, 0, job->stop, sl_deadline_us(BACK_OFF_FIRST_MS));
    bool changed = sl_network_take(&job->network);
    if (changed)
        sl_log(SL_LOG_INFO, "tunnel", "the network has changed; trying again now");
    return changed;
}

void sl_tunnel_supervise(void *argument) {
    sl_tunnel_supervisor *supervisor = argument;
    sl_tunnel_job *job = &supervisor->job;
    unsigned seed = (unsigned)sl_now_us(), attempt = 0;
    void *state = NULL;

    if (sl_network_init(&job->network) < 0)
        sl_log(SL_LOG_DEBUG, "tunnel", "%s", sl_error());
    int code = open_backend(supervisor, &state);
    while (code == SL_OK) {
        int64_t began_us = sl_now_us(), up_us;
        code = live_once(supervisor, state, &up_us);
        if (ends_it(job, code))
            break;
        if (up_us >= LIVED_US)
            attempt = 0;
        int most_ms = up_us > 0          ? SHORT_MOST_MS
                      : in_the_dark(job) ? DARK_MOST_MS
                                         : BACK_OFF_MOST_MS;
        int64_t until_us = next_us(attempt, most_ms, began_us, &seed);
        attempt = wait_for_next(job, code, attempt == 0, until_us) ? 0 : attempt + 1;
        code = SL_OK;
    }
    if (!job->was_up)
        supervisor->first = code;
    snprintf(supervisor->sentence, sizeof(supervisor->sentence), "%s", sl_error());
    if (code < 0 && !sl_cancel_triggered(job->stop))
        fail_for_good(supervisor, code);
    if (!job->was_up)
        sl_event_set(&job->ready);
    if (state)
        supervisor->backend->close(state);
    sl_network_finish(&job->network);
    sl_dial_forget(job);
}
