/* netlab: a recorded link: when it could carry a packet. */
#include "trace.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS     INT64_C(1000000)
#define MOST_MS   (UINT32_C(1000) * 3600 * 24)
#define LINE_SIZE 32

static int read_stamp(const char *line, uint32_t *stamp_ms) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(line, &end, 10);
    end += strspn(end, "\r\n");
    if (errno != 0 || end == line || *end != '\0' || line[0] == '-' || value > MOST_MS)
        return -1;
    *stamp_ms = (uint32_t)value;
    return 0;
}

static int append(netlab_trace *trace, size_t *room, uint32_t stamp_ms) {
    if (trace->count == *room) {
        size_t wider = *room ? 2 * *room : 1024;
        uint32_t *stamps_ms = realloc(trace->stamps_ms, wider * sizeof(*stamps_ms));
        if (!stamps_ms)
            return sl_fail_memory();
        trace->stamps_ms = stamps_ms;
        *room = wider;
    }
    trace->stamps_ms[trace->count++] = stamp_ms;
    return 0;
}

static int read_lines(netlab_trace *trace, FILE *file, const char *path) {
    char line[LINE_SIZE];
    size_t room = 0;
    uint32_t last_ms = 0;
    while (fgets(line, sizeof(line), file)) {
        uint32_t stamp_ms;
        if (read_stamp(line, &stamp_ms) != 0 || stamp_ms < last_ms)
            return sl_fail(SL_EINVAL, "%s, line %zu: not a millisecond at or after the one before",
                           path, trace->count + 1);
        int result = append(trace, &room, stamp_ms);
        if (result != 0)
            return result;
        last_ms = stamp_ms;
    }
    if (last_ms == 0)
        return sl_fail(SL_EINVAL, "%s: no trace; it has to have a line with more than 0 ms", path);
    return 0;
}

int netlab_trace_open(netlab_trace **trace, const char *path) {
    *trace = NULL;
    FILE *file = fopen(path, "re");
    if (!file)
        return sl_fail(SL_ESYSTEM, "the trace %s can't be opened: %s", path, strerror(errno));
    netlab_trace *made = calloc(1, sizeof(*made));
    int result = made ? read_lines(made, file, path) : sl_fail_memory();
    fclose(file);
    if (result != 0)
        netlab_trace_close(&made);
    *trace = made;
    return result;
}

void netlab_trace_close(netlab_trace **trace) {
    if (!*trace)
        return;
    free((*trace)->stamps_ms);
    free(*trace);
    *trace = NULL;
}

static int64_t length_ns(const netlab_trace *trace) {
    return trace->stamps_ms[trace->count - 1] * MS_NS;
}

int64_t netlab_trace_time_ns(const netlab_trace *trace, uint64_t index) {
    return (int64_t)(index / trace->count) * length_ns(trace) +
           trace->stamps_ms[index % trace->count] * MS_NS;
}

uint64_t netlab_trace_before(const netlab_trace *trace, int64_t time_ns) {
    if (time_ns <= 0)
        return 0;
    /* The last stamp of a round and the first of the next may be the same time: `time_ns` itself
     * belongs to the round that ends with it. */
    uint64_t rounds = (uint64_t)((time_ns - 1) / length_ns(trace));
    uint64_t low = rounds * trace->count, high = low + trace->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (netlab_trace_time_ns(trace, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double netlab_trace_mean_bps(const netlab_trace *trace) {
    return (double)trace->count * NETLAB_OPPORTUNITY_BYTES * 8e9 / (double)length_ns(trace);
}
