/* netlab: what a link tells: JSON for its counters, a line for each packet. */
#include "report.h"

#include <inttypes.h>
#include <math.h>

static void write_count(FILE *file, const char *name, const netlab_count *count) {
    fprintf(file, "\"%s\": {\"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 "}, ", name,
            count->packets, count->bytes);
}

static void write_spread(FILE *file, const char *name, const netlab_spread *spread) {
    fprintf(file, "\"%s\": {\"mean\": %.3f, \"median\": %.3f, \"p95\": %.3f, \"max\": %.3f}", name,
            netlab_spread_mean_ms(spread), netlab_spread_percentile_ms(spread, 0.5),
            netlab_spread_percentile_ms(spread, 0.95), (double)spread->most_us / 1000);
}

static void write_capacity(FILE *file, double bytes) {
    if (isfinite(bytes))
        fprintf(file, "%.0f", bytes);
    else
        fputs("null", file);
}

void netlab_report_counters(FILE *file, const netlab_direction *direction, int64_t now_ns) {
    const netlab_counters *counters = &direction->counters;
    fprintf(file, "{\"seconds\": %.6f, \"start_us\": %" PRId64 ", ",
            (double)(now_ns - direction->start_ns) / 1e9, direction->start_ns / 1000);
    write_count(file, "in", &counters->in);
    write_count(file, "lost", &counters->lost);
    write_count(file, "dropped", &counters->dropped);
    write_count(file, "out", &counters->out);
    fputs("\"capacity_bytes\": ", file);
    write_capacity(file, netlab_carrier_capacity(&direction->carrier, now_ns));
    fprintf(file, ", \"queued_bytes\": %" PRIu64 ", \"queue_peak_bytes\": %" PRIu64 ", ",
            direction->queue_bytes, counters->queue_peak_bytes);
    write_spread(file, "queue_ms", &counters->queue);
    fputs(", ", file);
    write_spread(file, "path_ms", &counters->path);
    fputs(", ", file);
    write_spread(file, "late_ms", &counters->late);
    fputc('}', file);
}

void netlab_report_capacity(FILE *file, const netlab_schedule *schedule, int64_t every_ns,
                            int64_t until_ns) {
    fputc('[', file);
    for (int64_t after_ns = 0; after_ns <= until_ns; after_ns += every_ns) {
        fputs(after_ns > 0 ? ", " : "", file);
        write_capacity(file, netlab_schedule_capacity(schedule, after_ns));
    }
    fputc(']', file);
}

void netlab_report_text(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, file);
    }
    fputc('"', file);
}

void netlab_report_heading(FILE *log) {
    fputs("direction,fate,bytes,arrived_us,served_us,delivered_us\n", log);
}

void netlab_report_delivered(FILE *log, const char *direction, const netlab_packet *packet,
                             int64_t now_ns) {
    fprintf(log, "%s,delivered,%zu,%" PRId64 ",%" PRId64 ",%" PRId64 "\n", direction, packet->size,
            packet->arrived_ns / 1000, packet->served_ns / 1000, now_ns / 1000);
}

void netlab_report_missing(FILE *log, const char *direction, size_t size, netlab_fate fate,
                           int64_t now_ns) {
    fprintf(log, "%s,%s,%zu,%" PRId64 ",,\n", direction, fate == NETLAB_LOST ? "lost" : "dropped",
            size, now_ns / 1000);
}
