/* netlab: what a link tells: JSON for its counters, a line for each packet. */
#ifndef NETLAB_REPORT_H
#define NETLAB_REPORT_H

#include "direction.h"

#include <stdio.h>

/* The counters of a direction as a JSON object; README.md says what they are. */
void netlab_report_counters(FILE *file, const netlab_direction *direction, int64_t now_ns);

/* What could have passed until each of these times after the start, as a JSON array: 0, `every_ns`,
 * and so on until `until_ns`. */
void netlab_report_capacity(FILE *file, const netlab_schedule *schedule, int64_t every_ns,
                            int64_t until_ns);

/* A JSON string with its quotes. */
void netlab_report_text(FILE *file, const char *text);

/* The log's heading, and its lines: times in microseconds of CLOCK_MONOTONIC. */
void netlab_report_heading(FILE *log);
void netlab_report_delivered(FILE *log, const char *direction, const netlab_packet *packet,
                             int64_t now_ns);
void netlab_report_missing(FILE *log, const char *direction, size_t size, netlab_fate fate,
                           int64_t now_ns);

#endif
