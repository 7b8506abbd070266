/* stream: looking at the way to a viewer, step by step. It opens the tunnel that a sender would
 * open and looks over its shoulder, so that what it says can't differ from what sending does. */
#include <sightline/doctor.h>

#include "base/clock.h"
#include "base/error.h"
#include "link/link.h"
#include "stream/destination.h"
#include "tunnel/tunnel.h"

#include <stdio.h>
#include <string.h>

#define VIEWER_MOST_MS 5000 /* for the viewer's answer */

typedef enum step {
    NAME,
    PORT,
    SSH_SERVER,
    HOST_KEY,
    LOG_IN,
    FORWARDING,
    VIEWER,
    ROUND_TRIP,
    STEPS,
} step;

static const char *const names[STEPS] = {
    [NAME] = "name",
    [PORT] = "port",
    [SSH_SERVER] = "ssh server",
    [HOST_KEY] = "host key",
    [LOG_IN] = "log-in",
    [FORWARDING] = "forwarding",
    [VIEWER] = "viewer",
    [ROUND_TRIP] = "round trip",
};

/* Until the tunnel is up it belongs to the tunnel's thread, and the caller's waits. */
struct visit {
    const sl_destination_settings *settings;
    const char *destination; /* its name, where there are several */
    sl_cancel *cancel;
    sl_check_function *tell;
    void *user;
    step at;          /* the step that is under way */
    int64_t since_us; /* since when */
    int failure;      /* of the first bad step */
    char facts[SL_TUNNEL_FACTS][256];
    sl_tunnel_witness witness;
};

static void tell(const struct visit *visit, step about, sl_verdict verdict, int code,
                 const char *text, double ms) {
    sl_check check = {.name = names[about],
                      .verdict = verdict,
                      .code = code,
                      .text = text,
                      .ms = ms,
                      .destination = visit->destination};
    visit->tell(visit->user, &check);
}

/* The step under way is done, and the next one begins. */
static void pass(struct visit *visit, const char *text) {
    int64_t now_us = sl_now_us();
    tell(visit, visit->at, SL_VERDICT_GOOD, SL_OK, text, (double)(now_us - visit->since_us) / 1e3);
    visit->at++;
    visit->since_us = now_us;
}

/* The step under way is bad, and the rest can't be looked at. */
static int stop(struct visit *visit, int code) {
    bool tunnel = visit->settings->tunnel.destination != NULL;
    char why[512];
    snprintf(why, sizeof why, "%s", sl_error());
    if (code == SL_ECANCELED)
        return code;
    tell(visit, visit->at, SL_VERDICT_BAD, code, why,
         (double)(sl_now_us() - visit->since_us) / 1e3);
    for (step next = visit->at + 1; next < STEPS; next++)
        if (tunnel || next < SSH_SERVER || next > FORWARDING)
            tell(visit, next, SL_VERDICT_SKIPPED, SL_OK, "", -1);
    return sl_fail(code, "%s", why);
}

/* What is said of a step that went well. */
static const char *praise(const struct visit *visit, step about, char *text, size_t size) {
    switch (about) {
    case NAME:
        snprintf(text, size, "it is %s", visit->facts[SL_TUNNEL_ADDRESS]);
        break;
    case PORT:
        snprintf(text, size, "%s takes connections", visit->facts[SL_TUNNEL_ADDRESS]);
        break;
    case SSH_SERVER:
        snprintf(text, size, "it greets with %s", visit->facts[SL_TUNNEL_SERVER]);
        break;
    case HOST_KEY:
        snprintf(text, size, "%s is the right one", visit->facts[SL_TUNNEL_HOST_KEY]);
        break;
    case LOG_IN:
        snprintf(text, size, "accepted (the server takes %s)", visit->facts[SL_TUNNEL_METHODS]);
        break;
    default:
        snprintf(text, size, "allowed");
    }
    return text;
}

/* All steps before this one went well. A tunnel may go back, to look for another host key. */
static void pass_until(struct visit *visit, step next) {
    char text[512];
    while (visit->at < next)
        pass(visit, praise(visit, visit->at, text, sizeof text));
}

static void see_state(void *user, sl_tunnel_state state) {
    static const step steps[] = {
        [SL_TUNNEL_RESOLVING] = NAME,        [SL_TUNNEL_CONNECTING] = PORT,
        [SL_TUNNEL_VERIFYING] = SSH_SERVER,  [SL_TUNNEL_AUTHENTICATING] = LOG_IN,
        [SL_TUNNEL_FORWARDING] = FORWARDING, [SL_TUNNEL_UP] = VIEWER,
    };
    if (state > SL_TUNNEL_NONE && state <= SL_TUNNEL_UP)
        pass_until(user, steps[state]);
}

static void see_fact(void *user, sl_tunnel_fact fact, const char *text) {
    struct visit *visit = user;
    snprintf(visit->facts[fact], sizeof visit->facts[fact], "%s", text);
}

static int walk_tunnel(struct visit *visit, sl_tunnel **tunnel) {
    const sl_link_settings *link = &visit->settings->link;
    sl_tunnel_settings settings = visit->settings->tunnel;
    sl_tunnel_target target = {.host = link->address ? link->address : "localhost",
                               .port = link->port,
                               .witness = &visit->witness};
    settings.persist = false; /* nobody waits for a doctor for ever */
    visit->witness = (sl_tunnel_witness){see_state, see_fact, visit};
    int code = sl_tunnel_open(tunnel, &settings, &target, visit->cancel);
    if (code == SL_OK || code == SL_EINVAL)
        return code;
    if (code == SL_EHOSTKEY)
        pass_until(visit, HOST_KEY);
    return stop(visit, code);
}

/* Whether the viewer is there: the tunnel has asked the far end already. */
static int ask_tunnel(sl_tunnel *tunnel) {
    sl_tunnel_status status;
    sl_tunnel_status_get(tunnel, &status);
    if (status.reason[0])
        return sl_fail(SL_EUNREACHABLE, "%s", status.reason);
    return SL_OK;
}

static int walk_to_viewer(struct visit *visit, sl_tunnel *tunnel) {
    const sl_link_settings *link = &visit->settings->link;
    sl_link_examination found = {.round_trip_us = -1};
    char text[256];
    int code = tunnel ? ask_tunnel(tunnel) : SL_OK;
    if (code == SL_OK)
        code = sl_link_examine(link, tunnel ? sl_tunnel_endpoint(tunnel) : NULL, visit->cancel,
                               sl_deadline_us(VIEWER_MOST_MS), &found);
    if (!tunnel && found.address[0]) {
        snprintf(text, sizeof text, "it is %s", found.address);
        pass(visit, text);
    }
    if (!tunnel && found.answered) {
        pass(visit, "it takes connections");
        visit->at = VIEWER;
    }
    if (code < 0)
        return stop(visit, code);
    snprintf(text, sizeof text, "it listens, with the pattern %s", sl_pattern_name(link->pattern));
    pass(visit, text);
    snprintf(text, sizeof text, "%.1f ms from here to the viewer and back",
             (double)found.round_trip_us / 1e3);
    pass(visit, text);
    return SL_OK;
}

/* All steps to one destination. */
static int examine(struct visit *visit) {
    sl_tunnel *tunnel = NULL;
    visit->since_us = sl_now_us();
    int code = visit->settings->tunnel.destination ? walk_tunnel(visit, &tunnel) : SL_OK;
    if (code == SL_OK)
        code = walk_to_viewer(visit, tunnel);
    sl_tunnel_close(&tunnel, 0);
    return code;
}

int sl_doctor_examine(const sl_sender_settings *settings, sl_check_function *tell_step,
                      void *user) {
    sl_destinations destinations;
    char sentence[512] = "";
    int failure = sl_destinations_read(&destinations, settings);
    size_t count = failure ? 0 : destinations.count;
    for (size_t i = 0; i < count && failure != SL_ECANCELED; i++) {
        const char *name = destinations.all[i].name;
        struct visit visit = {.settings = &destinations.all[i],
                              .destination = count > 1 ? name : NULL,
                              .cancel = settings->cancel,
                              .tell = tell_step,
                              .user = user};
        int code = examine(&visit);
        if (code == SL_OK || (failure && code != SL_ECANCELED))
            continue;
        failure = code;
        snprintf(sentence, sizeof sentence, "%s%s%s", count > 1 ? name : "", count > 1 ? ": " : "",
                 sl_error());
    }
    sl_destinations_finish(&destinations);
    return sentence[0] ? sl_fail(failure, "%s", sentence) : failure;
}
