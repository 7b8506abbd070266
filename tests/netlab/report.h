/* netlab: what a link tells: JSON for its counters, a line for each packet. */
#ifndef NETLAB_REPORT_H
#define NETLAB_REPORT_H

#include "direction.h"

#include <stdio.h>

/* The counters of a direction as a JSON object; README.md says what they are. */
void netlab_report_counters(FILE *file, const netlab_direction *direction, int64_t now_ns);

/* A JSON string with its quotes. */
void netlab_report_text(FILE *file, const char *text);

/* The log's heading, and its lines: times in microseconds of CLOCK_MONOTONIC. */
void netlab_report_heading(FILE *log);
void netlab_report_delivered(FILE *log, const char *direction, const netlab_packet *packet,
                             int64_t now_ns);
void netlab_report_missing(FILE *log, const char *direction, size_t size, netlab_fate fate,
                           int64_t now_ns);

#endif
