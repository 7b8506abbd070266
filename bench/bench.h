/* bench: what its programs share. Each prints one line of JSON and exits 0, or says on standard
 * error what failed and exits 1. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Ends the program with this sentence. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* CLOCK_MONOTONIC and CLOCK_REALTIME in microseconds. */
int64_t bench_now_us(void);
int64_t bench_utc_us(void);

/* Sleeps until a point of the monotonic clock. */
void bench_sleep_until(int64_t when_us);

/* Seconds of processor time that this process has used. */
double bench_cpu_s(void);

/* The value at `share` (0 to 1) of these numbers, which it sorts. */
double bench_percentile(double *values, size_t count, double share);

/* Frames of raw BGR pixels, one after the other in a file, all in memory. */
struct bench_frames {
    uint8_t *data;
    size_t count;
    int width, height;
    size_t size; /* bytes of one */
};

/* Loads a file whose name ends in "-WIDTHxHEIGHT.bgr". */
void bench_load(struct bench_frames *frames, const char *path);
uint8_t *bench_frame(const struct bench_frames *frames, size_t number);

#endif
