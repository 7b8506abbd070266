/* sink/web: figures as Prometheus reads them. Used by api.c. */
#include "sink/web/metrics.h"

#include <inttypes.h>
#include <sightline/version.h>
#include <stdio.h>
#include <stdlib.h>

static void family(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP sightline_%s %s\n# TYPE sightline_%s %s\n", name, help, name, type);
}

static void lone(FILE *out, const char *name, const char *type, const char *help, uint64_t value) {
    family(out, name, type, help);
    fprintf(out, "sightline_%s %" PRIu64 "\n", name, value);
}

static uint64_t frames(const sl_camera_view *camera) {
    return camera->frames;
}

static uint64_t dropped(const sl_camera_view *camera) {
    return camera->dropped;
}

static uint64_t bytes(const sl_camera_view *camera) {
    return camera->bytes;
}

static uint64_t up(const sl_camera_view *camera) {
    return camera->state == SL_VIEW_LIVE || camera->state == SL_VIEW_UNWATCHED;
}

static const struct of_camera {
    const char *name, *type, *help;
    uint64_t (*value)(const sl_camera_view *camera);
} of_camera[] = {
    {"frames_total", "counter", "Frames of a camera that came whole.", frames},
    {"dropped_frames_total", "counter",
     "Frames of a camera that were let go at the viewer for newer ones, or could not be decoded.",
     dropped},
    {"received_bytes_total", "counter", "Bytes of a camera's frames.", bytes},
    {"camera_up", "gauge", "1 while a camera sends, or would if somebody watched.", up},
};

static void cameras(FILE *out, const sl_web_figures *figures) {
    for (size_t i = 0; i < sizeof(of_camera) / sizeof(of_camera[0]); i++) {
        family(out, of_camera[i].name, of_camera[i].type, of_camera[i].help);
        for (size_t c = 0; c < figures->count; c++)
            fprintf(out, "sightline_%s{camera=\"%s\"} %" PRIu64 "\n", of_camera[i].name,
                    figures->cameras[c].id, of_camera[i].value(&figures->cameras[c]));
    }
}

static void histogram(FILE *out, const sl_camera_view *camera) {
    static const int bounds_ms[] = SL_AGE_BOUNDS_MS;
    static const char name[] = "sightline_frame_age_seconds";
    uint64_t sum = 0;
    for (int i = 0; i < SL_AGE_BOUNDS; i++) {
        sum += camera->ages[i];
        if (bounds_ms[i] >= 0)
            fprintf(out, "%s_bucket{camera=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, camera->id,
                    bounds_ms[i] / 1e3, sum);
        else
            fprintf(out, "%s_bucket{camera=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, camera->id,
                    sum);
    }
    fprintf(out, "%s_sum{camera=\"%s\"} %.6f\n%s_count{camera=\"%s\"} %" PRIu64 "\n", name,
            camera->id, camera->ages_s, name, camera->id, sum);
}

static void ages(FILE *out, const sl_web_figures *figures) {
    family(out, "frame_age_seconds", "histogram",
           "How old a camera's frames were when they were handed out.");
    for (size_t c = 0; c < figures->count; c++)
        histogram(out, &figures->cameras[c]);
}

static void drops(FILE *out, const sl_stats *stats) {
    family(out, "drops_total", "counter", "Frames that the viewer let go, by reason.");
    for (sl_drop reason = 0; reason < SL_DROPS; reason++)
        fprintf(out, "sightline_drops_total{reason=\"%s\"} %" PRIu64 "\n", sl_drop_name(reason),
                stats->drops[reason]);
}

static void recordings(FILE *out, const sl_web_figures *figures) {
    family(out, "recording", "gauge", "1 while a camera is recorded.");
    for (size_t c = 0; figures->recordings && c < figures->count; c++)
        fprintf(out, "sightline_recording{camera=\"%s\"} %d\n", figures->cameras[c].id,
                figures->recordings[c].state == SL_RECORDING_ON);
}

static void requests(FILE *out, const sl_web_figures *figures) {
    static const int statuses[] = SL_WEB_STATUSES;
    family(out, "http_requests_total", "counter", "Requests of browsers, by the answer's status.");
    for (int i = 0; i < SL_WEB_STATUS_COUNT; i++)
        fprintf(out, "sightline_http_requests_total{code=\"%d\"} %" PRIu64 "\n", statuses[i],
                figures->requests[i]);
}

char *sl_web_metrics(const sl_web_figures *figures) {
    const sl_stats *stats = figures->stats;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    family(out, "build_info", "gauge", "1; of which version is in the label.");
    fprintf(out, "sightline_build_info{version=\"%s\"} 1\n", SL_VERSION);
    cameras(out, figures);
    ages(out, figures);
    drops(out, stats);
    lone(out, "reconnects_total", "counter", "Times that the connection came back.",
         stats->reconnects);
    lone(out, "tunnel_up", "gauge", "1 while the viewer's SSH tunnel is up, or there is none.",
         stats->tunnel == SL_TUNNEL_UP || stats->tunnel == SL_TUNNEL_NONE);
    lone(out, "tunnel_reconnects_total", "counter", "Times that the tunnel was up again.",
         stats->tunnel_reconnects);
    lone(out, "browsers", "gauge", "Streams and snapshots that are read now.", figures->browsers);
    lone(out, "browsers_cut_off_total", "counter", "Streams that ended because nobody took them.",
         figures->cut_off);
    lone(out, "skipped_frames_total", "counter",
         "Frames that slow browsers did not get, of streams that have ended.", figures->skipped);
    lone(out, "coded_pictures_total", "counter",
         "Pictures that were coded as JPEG for browsers, each once for all.", figures->coded);
    lone(out, "sent_bytes_total", "counter", "Bytes of streams that went to browsers.",
         figures->sent_bytes);
    recordings(out, figures);
    requests(out, figures);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
