/* cli: the line that tells a person how a sender or receiver does: first what matters most, since
 * a terminal may be too narrow for the rest. */
#include "progress.h"
#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static enum console_mood describe_sender(const struct progress *progress, char *state) {
    const sl_stats *stats = progress->stats;
    const struct destinations *several = progress->destinations;
    char some[40] = "";
    if (several)
        snprintf(some, sizeof(some), " (%zu of %zu)", destinations_connected(several),
                 several->count);
    if (progress->lost_s > 0) {
        snprintf(state, PROGRESS_STATE_MAX, "camera lost for %.0f s; waiting for it",
                 progress->lost_s);
        return CONSOLE_BAD;
    }
    bool unwatched = stats->connected && stats->live && !stats->live_stats.watched;
    snprintf(state, PROGRESS_STATE_MAX, "%s%s%s", figures_state(stats), some,
             unwatched ? ", nobody watches" : "");
    return stats->connected && !unwatched ? CONSOLE_GOOD : CONSOLE_WAITING;
}

/* Seconds since a moment, UTC. */
static double seconds_since(int64_t utc_us) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)utc_us / 1e6;
    return seconds > 0 ? seconds : 0;
}

static enum console_mood describe_camera(const sl_camera_view *camera, char *state) {
    int64_t last_us = camera->last_us ? camera->last_us : camera->since_us;
    switch (camera->state) {
    case SL_VIEW_LOST:
        snprintf(state, PROGRESS_STATE_MAX, "camera lost for %.0f s",
                 seconds_since(camera->since_us));
        return CONSOLE_BAD;
    case SL_VIEW_SILENT:
        snprintf(state, PROGRESS_STATE_MAX, "no picture for %.0f s", seconds_since(last_us));
        return CONSOLE_BAD;
    case SL_VIEW_UNWATCHED:
        snprintf(state, PROGRESS_STATE_MAX, "nobody watches");
        return CONSOLE_WAITING;
    default:
        snprintf(state, PROGRESS_STATE_MAX, "%s", sl_view_state_name(camera->state));
        return camera->state == SL_VIEW_LIVE ? CONSOLE_GOOD : CONSOLE_WAITING;
    }
}

/* "3 cameras, 1 lost, 1 gone". */
static enum console_mood describe_cameras(const struct roster *roster, char *state) {
    size_t counts[SL_VIEW_STATES] = {0};
    for (size_t i = 0; i < roster->count; i++)
        counts[roster->now[i].state]++;
    int used = snprintf(state, PROGRESS_STATE_MAX, "%zu cameras", roster->count);
    for (int i = SL_VIEW_LIVE + 1; i < SL_VIEW_STATES; i++) {
        if (counts[i] > 0)
            used += snprintf(state + used, PROGRESS_STATE_MAX - (size_t)used, ", %zu %s", counts[i],
                             sl_view_state_name((sl_view_state)i));
    }
    bool bad = counts[SL_VIEW_LOST] + counts[SL_VIEW_SILENT] + counts[SL_VIEW_GONE] > 0;
    return bad ? CONSOLE_BAD : counts[SL_VIEW_UNWATCHED] ? CONSOLE_WAITING : CONSOLE_GOOD;
}

static enum console_mood describe_receiver(const struct progress *progress, char *state) {
    const struct roster *roster = progress->roster;
    bool connected = progress->stats->connected;
    if (connected && roster && roster->count > 1)
        return describe_cameras(roster, state);
    if (connected && roster && roster->count == 1)
        return describe_camera(&roster->now[0], state);
    snprintf(state, PROGRESS_STATE_MAX, "%s", figures_state(progress->stats));
    return connected ? CONSOLE_GOOD : CONSOLE_WAITING;
}

static void write_rate(char *rate, size_t size, double bit_rate) {
    if (bit_rate < 999.5e3)
        snprintf(rate, size, "%.0f kbit/s", bit_rate / 1e3);
    else if (bit_rate < 999.5e6)
        snprintf(rate, size, "%.1f Mbit/s", bit_rate / 1e6);
    else
        snprintf(rate, size, "%.1f Gbit/s", bit_rate / 1e9);
}

enum console_mood progress_describe(const struct progress *progress, char state[PROGRESS_STATE_MAX],
                                    char rest[PROGRESS_REST_MAX]) {
    const sl_stats *stats = progress->stats;
    char age[40] = "", drops[40] = "", rate[32];
    write_rate(rate, sizeof(rate), (double)stats->bit_rate);
    if (stats->latency.last >= 0 && !progress->stale)
        snprintf(age, sizeof(age), " · %.0f ms old", stats->latency.last);
    if (stats->dropped > 0)
        snprintf(drops, sizeof(drops), " · %" PRIu64 " dropped", stats->dropped);
    snprintf(rest, PROGRESS_REST_MAX, " · %.1f frames/s%s · %s%s · %" PRIu64 " frames",
             progress->fps, age, rate, drops, stats->frames);
    return progress->sender ? describe_sender(progress, state) : describe_receiver(progress, state);
}
