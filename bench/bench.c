/*
 * What the bench's programs share: clocks, frames from a file, percentiles.
 */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void bench_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static int64_t read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t bench_now_us(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_utc_us(void) {
    return read_clock(CLOCK_REALTIME);
}

void bench_sleep_until(int64_t when_us) {
    struct timespec time = {.tv_sec = when_us / 1000000, .tv_nsec = when_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

double bench_cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

double bench_percentile(double *values, size_t count, double share) {
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), compare);
    return values[(size_t)((double)(count - 1) * share + 0.5)];
}

void bench_load(struct bench_frames *frames, const char *path) {
    const char *size = strrchr(path, '-');
    if (!size || sscanf(size, "-%dx%d", &frames->width, &frames->height) != 2)
        bench_fail("%s does not end in -WIDTHxHEIGHT.bgr", path);
    frames->size = (size_t)frames->width * (size_t)frames->height * 3;
    FILE *file = fopen(path, "rbe");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        bench_fail("%s: %s", path, strerror(errno));
    frames->count = (size_t)ftell(file) / frames->size;
    rewind(file);
    frames->data = malloc(frames->count * frames->size);
    if (frames->count == 0 || !frames->data ||
        fread(frames->data, frames->size, frames->count, file) != frames->count)
        bench_fail("%s holds no frame, or too many", path);
    fclose(file);
}

uint8_t *bench_frame(const struct bench_frames *frames, size_t number) {
    return frames->data + number % frames->count * frames->size;
}
