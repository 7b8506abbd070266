/* cli: how a sender or receiver tells what it is doing. */
#include "report.h"
#include "command.h"
#include "console.h"
#include "moment.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sightline/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PLAIN_LINE_SECONDS 30 /* between lines where none can be rewritten */

static bool is_pipe(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* Doesn't wait for a pipe's reader: nothing could end that. Writing waits as usual. */
static int open_figures(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd >= 0)
        fcntl(fd, F_SETFL, 0);
    return fd;
}

bool report_open(struct report *report, const char *role, const char *stats_path, char *sentence,
                 size_t size) {
    pthread_condattr_t attributes;
    *report = (struct report){.about.role = role};
    pthread_mutex_init(&report->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&report->stop_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!stats_path)
        return true;
    /* Standard output by a descriptor of its own: the file is closed at the end. */
    int output = strcmp(stats_path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                              : open_figures(stats_path);
    report->stats = output >= 0 ? fdopen(output, "w") : NULL;
    if (!report->stats)
        snprintf(sentence, size, "cannot write figures to %s: %s", stats_path,
                 errno == ENXIO && is_pipe(stats_path) ? "nobody reads from that pipe yet"
                                                       : strerror(errno));
    return report->stats != NULL;
}

/* Figures that can't be written end the figures, not the stream. Under the lock. */
static void check_written(struct report *report, bool written) {
    if (written)
        return;
    console_say("cannot write any more figures: %s", strerror(errno));
    fclose(report->stats);
    report->stats = NULL;
}

void report_place(struct report *report, const sl_link_settings *link, bool sender, int port) {
    const char *address = link->address ? link->address : sender ? "localhost" : "*";
    bool ipc = link->protocol == SL_PROTOCOL_IPC;
    char number[12];
    bool bare_ipv6 = !ipc && strchr(address, ':') && address[0] != '[';
    pthread_mutex_lock(&report->lock);
    report->about.pattern = sl_pattern_name(link->pattern);
    snprintf(number, sizeof(number), "%d", port);
    snprintf(report->endpoint, sizeof(report->endpoint), "%s://%s%s%s:%s", ipc ? "ipc" : "tcp",
             bare_ipv6 ? "[" : "", address, bare_ipv6 ? "]" : "",
             link->ports ? link->ports : number);
    pthread_mutex_unlock(&report->lock);
}

void report_destinations(struct report *report, struct destinations *destinations) {
    report->destinations = destinations;
    report->about.destinations = destinations->now;
    report->about.destination_count = destinations->count;
}

void report_cameras(struct report *report, struct roster *roster) {
    report->roster = roster;
    report->about.cameras = roster->now;
}

void report_gate(const sl_gate_place *gate, char *text, size_t size) {
    bool ipv6 = strchr(gate->address, ':');
    snprintf(text, size, "%s%s%s:%d", ipv6 ? "[" : "", gate->address, ipv6 ? "]" : "", gate->port);
}

void report_ready(struct report *report, const sl_link_settings *link, const char *tunnel, int port,
                  const sl_gate_place *gate) {
    char gate_text[96];
    sl_stats stats;
    bool ipc = link->protocol == SL_PROTOCOL_IPC;
    bool sender = strcmp(report->about.role, "sender") == 0;
    struct figures_place place = {
        .protocol = ipc ? "ipc" : "tcp",
        .address = link->address ? link->address
                   : sender      ? "localhost"
                                 : "*",
        .port = ipc ? 0 : port,
        .ports = link->ports,
        .endpoint = report->endpoint,
        .tunnel = tunnel,
        .page = report->page,
    };
    if (gate) {
        report_gate(gate, gate_text, sizeof(gate_text));
        place.gate = gate_text;
        place.gate_host_key = gate->host_key;
    }
    pthread_mutex_lock(&report->lock);
    report->ready = true;
    if (report->destinations)
        report->look(report->user, &stats);
    if (report->stats)
        check_written(report, figures_ready(report->stats, &report->about, &place));
    pthread_mutex_unlock(&report->lock);
}

void report_exchange(struct report *report, const char *event, const sl_frame *what) {
    pthread_mutex_lock(&report->lock);
    if (report->stats)
        check_written(report,
                      figures_exchange(report->stats, &report->about, event, what, &report->said));
    pthread_mutex_unlock(&report->lock);
}

static void tell_line(const struct report *report, const sl_stats *stats, double fps) {
    char state[PROGRESS_STATE_MAX], rest[PROGRESS_REST_MAX];
    struct progress progress = {
        .sender = strcmp(report->about.role, "sender") == 0,
        .stats = stats,
        .fps = fps,
        .stale = report->still > 1,
        .destinations = report->destinations,
        .roster = report->roster,
        .lost_s = report->lost_s,
    };
    enum console_mood mood = progress_describe(&progress, state, rest);
    console_status(mood, state, rest);
    if (!console_live() && report->ticks % PLAIN_LINE_SECONDS == 0)
        console_say("%s%s", state, rest);
}

static void tell_connection(const struct report *report, const sl_stats *stats) {
    const char *other = strcmp(report->about.role, "sender") == 0 ? "viewer" : "camera end";
    if (report->was_connected && !stats->connected)
        console_say("the %s at %s is gone; waiting for it", other, report->endpoint);
    else if (!report->was_connected && stats->connected && stats->reconnects > 0)
        console_say("the %s is back", other);
}

static void tell(struct report *report, const sl_stats *stats, double fps) {
    if (report->destinations)
        destinations_tell(report->destinations);
    else if (!report->roster || !report->roster->own)
        tell_connection(report, stats);
    if (report->roster)
        roster_tell(report->roster);
    report->was_connected = stats->connected;
    tell_line(report, stats, fps);
}

/* Looked at once a second: of a quick return it shows only that there was one. Under the lock. */
static void write_tunnel(struct report *report, const sl_stats *before, const sl_stats *stats,
                         const char *destination) {
    bool changed =
        stats->tunnel != before->tunnel || stats->tunnel_reconnects != before->tunnel_reconnects;
    if (report->stats && changed && (report->ready || stats->tunnel != SL_TUNNEL_UP))
        check_written(report, figures_tunnel(report->stats, &report->about, stats, destination));
}

/* Under the lock. */
static void write_tunnels(struct report *report, const sl_stats *stats) {
    const struct destinations *several = report->destinations;
    if (!several)
        write_tunnel(report, &report->before, stats, NULL);
    for (size_t i = 0; several && i < several->count; i++)
        write_tunnel(report, &several->before[i].stats, &several->now[i].stats,
                     several->now[i].name);
}

/* Under the lock. */
static void look(struct report *report) {
    sl_stats stats = {0};
    report->look(report->user, &stats);
    if (report->roster)
        report->about.camera_count = report->roster->count;
    report->ticks++;
    int64_t now = now_us();
    double fps =
        (double)(stats.frames - report->before.frames) * 1e6 / (double)(now - report->before_us);
    report->before_us = now;
    report->still = fps > 0 ? 0 : report->still + 1;
    write_tunnels(report, &stats);
    if (report->stats && report->ready)
        check_written(report, figures_stats(report->stats, &report->about, &stats, fps));
    tell(report, &stats, fps);
    report->before = stats;
}

static void *run(void *argument) {
    struct report *report = argument;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&report->lock);
    while (!report->stop) {
        next.tv_sec++;
        while (!report->stop &&
               pthread_cond_timedwait(&report->stop_changed, &report->lock, &next) != ETIMEDOUT)
            ;
        if (!report->stop)
            look(report);
    }
    pthread_mutex_unlock(&report->lock);
    return NULL;
}

void report_begin(struct report *report, void (*look_now)(void *user, sl_stats *stats),
                  void *user) {
    report->look = look_now;
    report->user = user;
    report->before_us = now_us();
    report->running = pthread_create(&report->thread, NULL, run, report) == 0;
    if (!report->running)
        console_say("there will be no figures: no thread can be started");
}

void report_stop(struct report *report) {
    if (!report->running)
        return;
    pthread_mutex_lock(&report->lock);
    report->stop = true;
    pthread_cond_signal(&report->stop_changed);
    pthread_mutex_unlock(&report->lock);
    pthread_join(report->thread, NULL);
    report->running = false;
    console_progress("");
}

/* From the first frame, which therefore doesn't count, to the last. */
static double mean_fps(const sl_stats *stats) {
    return stats->frames > 1 && stats->seconds > 0 ? (double)(stats->frames - 1) / stats->seconds
                                                   : -1;
}

static void say_last_words(const struct report *report, const sl_stats *stats) {
    if (stats->frames == 0)
        return;
    bool sender = strcmp(report->about.role, "sender") == 0;
    uint64_t away = sender && !report->destinations ? stats->drops[SL_DROP_AWAY] : 0;
    char rate[40] = "", unseen[80] = "";
    if (mean_fps(stats) >= 0)
        snprintf(rate, sizeof(rate), ", %.1f frames/s", mean_fps(stats));
    if (away > 0)
        snprintf(unseen, sizeof(unseen), ", %" PRIu64 " captured while no viewer was there", away);
    console_say("%" PRIu64 " frames %s in %.1f s%s, %" PRIu64 " dropped%s", stats->frames,
                sender ? "sent" : "received", stats->seconds, rate, stats->dropped - away, unseen);
}

int report_end(struct report *report, const sl_stats *stats, int code, const char *reason,
               const char *sentence) {
    report_stop(report);
    say_last_words(report, stats);
    if (report->stats) {
        bool written =
            figures_end(report->stats, &report->about, stats, mean_fps(stats),
                        code < 0 ? sl_error_name(code) : reason, code < 0 ? sentence : NULL);
        check_written(report, written);
    }
    if (report->stats)
        fclose(report->stats);
    report->stats = NULL;
    pthread_cond_destroy(&report->stop_changed);
    pthread_mutex_destroy(&report->lock);
    if (code < 0)
        console_fail("%s", sentence);
    return exit_code(code);
}
