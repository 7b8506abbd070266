/* stream: looking at the way to a viewer, or at a viewer's own, step by step. It opens the tunnel
 * that a sender or receiver would open and looks over its shoulder, so that what it says can't
 * differ from what sending and viewing do. */
#include <sightline/doctor.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/network.h"
#include "base/settings.h"
#include "link/link.h"
#include "stream/destination.h"
#include "stream/holder.h"
#include "stream/place.h"
#include "tunnel/tunnel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VIEWER_MOST_MS 5000 /* for the viewer's answer */

typedef enum step {
    NAME,
    ROUTE,
    PORT,
    SSH_SERVER,
    HOST_KEY,
    LOG_IN,
    FORWARDING,
    VIEWER,
    ROUND_TRIP,
    LISTENING,
    REACH,
    SSH_ROUND_TRIP,
    THROUGHPUT,
    CLOCK,
    STEPS,
} step;

static const char *const names[STEPS] = {
    [NAME] = "name",
    [ROUTE] = "route",
    [PORT] = "port",
    [SSH_SERVER] = "ssh server",
    [HOST_KEY] = "host key",
    [LOG_IN] = "log-in",
    [FORWARDING] = "forwarding",
    [VIEWER] = "viewer",
    [ROUND_TRIP] = "round trip",
    [LISTENING] = "listening",
    [REACH] = "reach",
    [SSH_ROUND_TRIP] = "ssh round trip",
    [THROUGHPUT] = "throughput",
    [CLOCK] = "clock",
};

/* Until the tunnel is up it belongs to the tunnel's thread, and the caller's waits. */
struct visit {
    const sl_link_settings *link;
    const sl_tunnel_settings *tunnel;
    bool viewers;            /* it is a viewer's, else a camera's */
    const char *destination; /* its name, where there are several */
    sl_cancel *cancel;
    sl_check_function *tell;
    void *user;
    step at;            /* the step that is under way */
    int64_t since_us;   /* since when */
    sl_ssh_route route; /* the SSH servers on the way; none when they are not seen one by one */
    int server;         /* the one that is being walked to */
    char facts[SL_TUNNEL_FACTS][512];
    sl_tunnel_witness witness;
    bool measured; /* the way to the SSH server */
    sl_tunnel_measures measures;
};

static void tell(const struct visit *visit, step about, sl_check check) {
    check.name = names[about];
    check.destination = visit->destination;
    if (visit->route.count > 1 && about < VIEWER)
        check.server = visit->route.names[visit->server];
    visit->tell(visit->user, &check);
}

/* Whether there is such a step on this way. */
static bool is_step(const struct visit *visit, step about) {
    bool ssh = visit->tunnel->destination != NULL;
    bool network = ssh || (!visit->viewers && visit->link->protocol == SL_PROTOCOL_TCP);
    switch (about) {
    case NAME:
    case ROUTE:
        return network;
    case PORT:
        return ssh || !visit->viewers;
    case VIEWER:
    case ROUND_TRIP:
        return !visit->viewers;
    case LISTENING:
        return visit->viewers;
    case REACH:
        return visit->viewers && ssh;
    case THROUGHPUT:
    case CLOCK:
        return ssh || !visit->viewers;
    default:
        return ssh;
    }
}

/* To the step under way, or the first after it that this way has. */
static void skip_others(struct visit *visit) {
    while (visit->at < STEPS && !is_step(visit, visit->at))
        visit->at++;
}

/* To the step after the one under way: behind a jump host the next server's come, whose name it
 * has looked up. */
static void move_on(struct visit *visit) {
    visit->at++;
    skip_others(visit);
    if (visit->at > FORWARDING && visit->server + 1 < visit->route.count) {
        visit->server++;
        visit->at = PORT;
    }
}

/* The step under way is done, and the next one begins. */
static void pass(struct visit *visit, sl_check check) {
    int64_t now_us = sl_now_us();
    check.ms = (double)(now_us - visit->since_us) / 1e3;
    tell(visit, visit->at, check);
    move_on(visit);
    visit->since_us = now_us;
}

/* Which way the kernel chose; or that it has one, before what came of it is told. False when there
 * is none. It takes no time to speak of. */
static bool pass_route(struct visit *visit) {
    const char *address = visit->facts[SL_TUNNEL_ADDRESS];
    sl_route route = {0};
    char text[256] = "ssh finds the way by its own configuration";
    if (address[0] && sl_network_route(address, &route) < 0)
        return false;
    if (address[0])
        snprintf(text, sizeof text, "from %s%s%s%s", route.from, route.interface[0] ? " (" : "",
                 route.interface, route.interface[0] ? ")" : "");
    tell(visit, ROUTE, (sl_check){.text = text, .ms = -1});
    move_on(visit);
    return true;
}

/* The step under way is bad, and the rest can't be looked at. */
static int stop(struct visit *visit, int code) {
    char why[512];
    snprintf(why, sizeof why, "%s", sl_error());
    if (code == SL_ECANCELED)
        return code;
    if (visit->at == ROUTE)
        pass_route(visit);
    tell(visit, visit->at,
         (sl_check){.verdict = SL_VERDICT_BAD,
                    .code = code,
                    .text = why,
                    .ms = (double)(sl_now_us() - visit->since_us) / 1e3});
    for (move_on(visit); visit->at < STEPS; move_on(visit))
        tell(visit, visit->at, (sl_check){.verdict = SL_VERDICT_SKIPPED, .text = "", .ms = -1});
    return sl_fail(code, "%s", why);
}

/* What is said of a step that went well. The user's own ssh may not tell the fact to a step: it
 * finds its way through jump hosts and programs that only it knows. */
static const char *praise(const struct visit *visit, step about, char *text, size_t size) {
    static const struct {
        sl_tunnel_fact fact;
        const char *before, *after, *without;
    } words[] = {
        [NAME] = {SL_TUNNEL_ADDRESS, "it is ", "", "ssh finds the way by its own configuration"},
        [ROUTE] = {SL_TUNNEL_ADDRESS, "", " is reached", "there is one"},
        [PORT] = {SL_TUNNEL_ADDRESS, "", " takes connections", "there is a way to it"},
        [SSH_SERVER] = {SL_TUNNEL_SERVER, "it greets with ", "", "it is one"},
        [HOST_KEY] = {SL_TUNNEL_HOST_KEY, "", " is the right one", "it is the right one"},
        [LOG_IN] = {SL_TUNNEL_METHODS, "accepted (the server takes ", ")", "accepted"},
    };
    if (about == PORT && visit->server > 0)
        snprintf(text, size, "%s reaches it", visit->route.names[visit->server - 1]);
    else if (about > LOG_IN)
        snprintf(text, size, "allowed");
    else if (!visit->facts[words[about].fact][0])
        snprintf(text, size, "%s", words[about].without);
    else
        snprintf(text, size, "%s%s%s", words[about].before, visit->facts[words[about].fact],
                 words[about].after);
    return text;
}

/* All steps of this server before this one went well. A tunnel may go back, to look for another
 * host key. */
static void pass_until(struct visit *visit, step next) {
    char text[512];
    int server = visit->server;
    while (visit->server == server && visit->at < next)
        if (visit->at != ROUTE || !pass_route(visit))
            pass(visit, (sl_check){.text = praise(visit, visit->at, text, sizeof text)});
}

static void see_state(void *user, sl_tunnel_state state) {
    static const step steps[] = {
        [SL_TUNNEL_RESOLVING] = NAME,        [SL_TUNNEL_CONNECTING] = ROUTE,
        [SL_TUNNEL_VERIFYING] = SSH_SERVER,  [SL_TUNNEL_AUTHENTICATING] = LOG_IN,
        [SL_TUNNEL_FORWARDING] = FORWARDING, [SL_TUNNEL_UP] = VIEWER,
    };
    if (state > SL_TUNNEL_NONE && state <= SL_TUNNEL_UP)
        pass_until(user, steps[state]);
}

static void keep_fact(void *user, sl_tunnel_fact fact, const char *text) {
    struct visit *visit = user;
    snprintf(visit->facts[fact], sizeof visit->facts[fact], "%s", text);
}

static void see_fact(void *user, sl_tunnel_fact fact, const char *text) {
    struct visit *visit = user;
    keep_fact(user, fact, text);
    if (fact == SL_TUNNEL_FORWARDS)
        pass_until(visit, VIEWER);
}

/* Told once the steps that are about the viewer have been. */
static void see_measures(void *user, const sl_tunnel_measures *measures) {
    struct visit *visit = user;
    visit->measured = true;
    visit->measures = *measures;
    visit->since_us = sl_now_us();
}

/* The server's answer, that it does not listen on the port, has no reason: somebody holds it. Who
 * that is may be seen; SL_ECANCELED, or the code that it had. */
static int explain_holder(const struct visit *visit, const sl_tunnel_settings *settings, int port,
                          int code) {
    char before[512], text[512];
    snprintf(before, sizeof before, "%s", sl_error());
    int looked = sl_holder_look(settings, visit->facts[SL_TUNNEL_HELD], port, visit->cancel, text,
                                sizeof text);
    if (looked == SL_ECANCELED)
        return looked;
    return sl_fail(code, "%s", looked == SL_OK ? text : before);
}

static int walk_tunnel(struct visit *visit, sl_tunnel **tunnel, sl_tunnel_target target) {
    sl_tunnel_settings settings = *visit->tunnel;
    settings.persist = false; /* nobody waits for a doctor for ever */
    visit->witness = (sl_tunnel_witness){see_state, see_fact, see_measures, visit};
    target.witness = &visit->witness;
    int code = SL_OK;
    if (settings.backend == SL_SSH_LIBSSH)
        code = sl_ssh_route_read(&visit->route, &settings);
    if (code == SL_OK)
        code = sl_tunnel_open(tunnel, &settings, &target, visit->cancel);
    if (code == SL_OK || code == SL_EINVAL)
        return code;
    if (code == SL_EHOSTKEY)
        pass_until(visit, HOST_KEY);
    if (code == SL_EFORWARD && visit->facts[SL_TUNNEL_HELD][0])
        code = explain_holder(visit, &settings, target.port, code);
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
    const sl_link_settings *link = visit->link;
    sl_link_examination found = {.round_trip_us = -1};
    char text[256];
    int code = tunnel ? ask_tunnel(tunnel) : SL_OK;
    if (code == SL_OK)
        code = sl_link_examine(link, tunnel ? sl_tunnel_endpoint(tunnel) : NULL, visit->cancel,
                               sl_deadline_us(VIEWER_MOST_MS), &found);
    if (!tunnel && found.address[0]) {
        snprintf(visit->facts[SL_TUNNEL_ADDRESS], sizeof visit->facts[0], "%s", found.address);
        pass_until(visit, ROUTE);
    }
    if (!tunnel && found.answered)
        pass_until(visit, SSH_SERVER);
    if (code < 0)
        return stop(visit, code);
    snprintf(text, sizeof text, "it listens, %s%s",
             found.secure ? "for secure connections (whether it knows this end's key, and with "
                            "which pattern, shows when frames are sent)"
                          : "with the pattern ",
             found.secure ? "" : sl_pattern_name(link->pattern));
    pass(visit, (sl_check){.text = text});
    double round_trip_ms = (double)found.round_trip_us / 1e3;
    snprintf(text, sizeof text, "%.1f ms from here to the viewer and back", round_trip_ms);
    pass(visit, (sl_check){.text = text, .value = round_trip_ms, .unit = "ms"});
    return SL_OK;
}

/* Tells a figure; without a unit, why it isn't known. */
static void tell_figure(const struct visit *visit, step about, const char *text, double value,
                        const char *unit) {
    tell(visit, about,
         (sl_check){.verdict = unit ? SL_VERDICT_GOOD : SL_VERDICT_UNKNOWN,
                    .text = text,
                    .ms = -1,
                    .value = value,
                    .unit = unit});
}

static void tell_throughput(const struct visit *visit) {
    const sl_tunnel_measures *measures = &visit->measures;
    char text[256];
    double took_ms = measures->took_ms > 0.001 ? measures->took_ms : 0.001;
    double rate = 8e-3 * (double)measures->bytes / took_ms;
    snprintf(text, sizeof text, "%.1f Mbit/s from here to the SSH server, over %.1f MB", rate,
             (double)measures->bytes / 1e6);
    tell_figure(visit, THROUGHPUT, text, rate, "Mbit/s");
}

static void tell_clock(const struct visit *visit) {
    const sl_tunnel_measures *measures = &visit->measures;
    double ahead_ms = measures->clock_ahead_ms, error_ms = measures->clock_error_ms;
    double off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    char text[256];
    if (off_ms <= error_ms)
        snprintf(text, sizeof text, "the gate's is this one's, give or take %.1f ms", error_ms);
    else
        snprintf(text, sizeof text, "the gate's is %.1f ms %s this one's, give or take %.1f ms",
                 off_ms, ahead_ms < 0 ? "behind" : "ahead of", error_ms);
    tell_figure(visit, CLOCK, text, ahead_ms, "ms");
}

/* What is known of the way to the SSH server besides that it works. */
static void tell_measures(const struct visit *visit) {
    char text[256];
    if (!visit->tunnel->destination) {
        tell_figure(visit, THROUGHPUT, "not known: a viewer takes nothing but frames", 0, NULL);
        tell_figure(visit, CLOCK, "not known: only a viewer's gate tells its clock", 0, NULL);
        return;
    }
    if (!visit->measured) {
        const char *why = visit->tunnel->backend == SL_SSH_OPENSSH
                              ? "not known: ssh carries what comes from the link and no more"
                              : "not known: it could not be measured; --log info says why";
        for (step about = SSH_ROUND_TRIP; about < STEPS; about++)
            tell_figure(visit, about, why, 0, NULL);
        return;
    }
    snprintf(text, sizeof text, "%.1f ms from here to the SSH server and back",
             visit->measures.round_trip_ms);
    tell_figure(visit, SSH_ROUND_TRIP, text, visit->measures.round_trip_ms, "ms");
    tell_throughput(visit);
    if (visit->measures.clock_known)
        tell_clock(visit);
    else
        tell_figure(visit, CLOCK, "not known: this SSH server does not tell its clock", 0, NULL);
}

/* All steps to one destination. */
static int examine(struct visit *visit) {
    const char *address = visit->link->address;
    sl_tunnel_target target = {.host = address ? address : "localhost", .port = visit->link->port};
    sl_tunnel *tunnel = NULL;
    visit->since_us = sl_now_us();
    skip_others(visit);
    int code = visit->tunnel->destination ? walk_tunnel(visit, &tunnel, target) : SL_OK;
    if (code == SL_OK)
        code = walk_to_viewer(visit, tunnel);
    if (code == SL_OK)
        tell_measures(visit);
    sl_tunnel_close(&tunnel, 0);
    return code;
}

int sl_doctor_examine(const sl_sender_settings *settings, sl_check_function *tell_step,
                      void *user) {
    sl_destinations destinations;
    char sentence[512] = "";
    int failure = sl_destinations_read(&destinations, settings);
    if (!failure) /* it changes nothing */
        failure = sl_destinations_prepare(&destinations, false);
    size_t count = failure ? 0 : destinations.count;
    for (size_t i = 0; i < count && failure != SL_ECANCELED; i++) {
        const sl_destination_settings *destination = &destinations.all[i];
        const char *name = destination->name;
        struct visit visit = {.link = &destination->link,
                              .tunnel = &destination->tunnel,
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

/* Who reaches the port at the SSH server. */
static void tell_reach(const struct visit *visit) {
    static const struct {
        sl_tunnel_fact fact;
        sl_verdict verdict;
    } reaches[] = {
        {SL_TUNNEL_REACHED, SL_VERDICT_GOOD},
        {SL_TUNNEL_FOR_ITSELF, SL_VERDICT_LIMITED},
        {SL_TUNNEL_REACH_UNSEEN, SL_VERDICT_UNKNOWN},
    };
    char text[512];
    sl_check check = {.verdict = SL_VERDICT_UNKNOWN, .text = text, .ms = -1};
    snprintf(text, sizeof text, "not known: it was to listen at %s, wherever that is reached from",
             visit->link->address ? visit->link->address : "every address");
    for (size_t i = 0; i < SL_COUNT(reaches); i++) {
        if (!visit->facts[reaches[i].fact][0])
            continue;
        check.verdict = reaches[i].verdict;
        check.text = visit->facts[reaches[i].fact];
    }
    tell(visit, REACH, check);
}

/* Where a viewer would listen at an SSH server, for as long as this takes. */
static int examine_far_port(struct visit *visit, sl_tunnel_target target) {
    char text[512];
    sl_tunnel *tunnel = NULL;
    int code = walk_tunnel(visit, &tunnel, target);
    if (code < 0)
        return code;
    snprintf(text, sizeof text, "on port %d there", sl_tunnel_port(tunnel));
    pass(visit, (sl_check){.text = text});
    tell_reach(visit);
    tell_measures(visit);
    sl_tunnel_close(&tunnel, 0);
    return SL_OK;
}

/* Tells of one port of several, in the words for its being good or those of the failure. */
static void tell_port(struct visit *visit, int code, const char *well) {
    tell(visit, LISTENING,
         (sl_check){.verdict = code < 0 ? SL_VERDICT_BAD : SL_VERDICT_GOOD,
                    .code = code,
                    .text = code < 0 ? sl_error() : well,
                    .ms = (double)(sl_now_us() - visit->since_us) / 1e3});
    visit->since_us = sl_now_us();
}

/* The way there is known by now. */
static int examine_other_far_port(struct visit *visit, sl_tunnel_target target) {
    sl_tunnel *tunnel = NULL;
    sl_tunnel_settings settings = *visit->tunnel;
    char text[64];
    settings.persist = false;
    visit->witness = (sl_tunnel_witness){.fact = keep_fact, .user = visit};
    visit->facts[SL_TUNNEL_HELD][0] = '\0';
    target.witness = &visit->witness;
    int code = sl_tunnel_open(&tunnel, &settings, &target, visit->cancel);
    if (code == SL_EFORWARD && visit->facts[SL_TUNNEL_HELD][0])
        code = explain_holder(visit, &settings, target.port, code);
    sl_tunnel_close(&tunnel, 0);
    snprintf(text, sizeof text, "on port %d there", target.port);
    if (code != SL_ECANCELED)
        tell_port(visit, code, text);
    return code;
}

/* Each port; the way to the server and what is measured of it is told of with the first. Who comes
 * meanwhile finds nobody: in the folder there is no link. */
static int examine_far_ports(struct visit *visit, const char *folder, const sl_link_ports *ports) {
    char link[128], sentence[512];
    sl_tunnel_target target = sl_receiver_target(visit->link);
    snprintf(link, sizeof link, "ipc://%s/link", folder);
    target.link = link;
    int failure = examine_far_port(visit, target);
    snprintf(sentence, sizeof sentence, "%s", sl_error());
    for (size_t i = 1; i < ports->count && (failure == SL_OK || failure == SL_EFORWARD); i++) {
        target.port = ports->all[i];
        int code = examine_other_far_port(visit, target);
        if (code == SL_OK || (failure && code != SL_ECANCELED))
            continue;
        failure = code;
        snprintf(sentence, sizeof sentence, "%s", sl_error());
    }
    return failure ? sl_fail(failure, "%s", sentence) : SL_OK;
}

/* Whether a viewer could listen there on this machine. */
static int examine_port(struct visit *visit, int port) {
    sl_link_settings one = *visit->link;
    sl_link *link = NULL;
    sl_link_state state = {0};
    char text[64] = "its socket can be there";
    one.ports = NULL;
    one.port = port;
    int code = sl_link_open(&link, &one, SL_ROLE_RECEIVER, NULL, visit->cancel);
    if (code == SL_EINVAL || code == SL_ECANCELED)
        return code;
    if (code == SL_OK)
        sl_link_state_get(link, &state);
    sl_link_close(&link, 0);
    if (one.protocol == SL_PROTOCOL_TCP)
        snprintf(text, sizeof text, "port %d is free for a viewer", state.port);
    tell_port(visit, code, text);
    return code;
}

static int examine_ports(struct visit *visit, const sl_link_ports *ports) {
    char sentence[512] = "";
    int failure = SL_OK;
    for (size_t i = 0; i < ports->count; i++) {
        int code = examine_port(visit, ports->all[i]);
        if (code == SL_EINVAL || code == SL_ECANCELED)
            return code;
        if (code == SL_OK || failure)
            continue;
        failure = code;
        snprintf(sentence, sizeof sentence, "%s", sl_error());
    }
    return failure ? sl_fail(failure, "%s", sentence) : SL_OK;
}

int sl_doctor_examine_viewer(const sl_receiver_settings *settings, sl_check_function *tell_step,
                             void *user) {
    struct visit visit = {.link = &settings->link,
                          .tunnel = &settings->tunnel,
                          .viewers = true,
                          .cancel = settings->cancel,
                          .tell = tell_step,
                          .user = user,
                          .since_us = sl_now_us()};
    sl_link_settings link = settings->link;
    sl_link_ports ports = {0};
    char folder[96];
    int code = sl_receiver_check(settings);
    if (code == SL_OK && settings->gate.listen)
        code = sl_fail(SL_EINVAL, "a viewer with a gate says itself what is in its way; the way to "
                                  "it is looked at from the camera, with `sightline doctor` there");
    link.overwrite_cert = false; /* it changes nothing */
    if (code == SL_OK)
        code = sl_link_prepare(&link, SL_ROLE_RECEIVER);
    if (code == SL_OK)
        code = sl_link_ports_read(&ports, &link);
    if (code < 0)
        return code;
    skip_others(&visit);
    if (!settings->tunnel.destination)
        return examine_ports(&visit, &ports);
    code = sl_private_directory(folder, sizeof folder);
    if (code < 0)
        return code;
    code = examine_far_ports(&visit, folder, &ports);
    rmdir(folder);
    return code;
}
