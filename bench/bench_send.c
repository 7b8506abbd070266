/*
 * The camera end of a measurement, over the public API: frames are made before the clock starts.
 *
 *   bench-send FRAMES RATE SECONDS [KEY=VALUE…]
 *
 * RATE is frames a second; 0 is as fast as they are taken; "idle" sends nothing at all. With a
 * rate, each frame carries its time of capture, in microseconds, in the timecode strip.
 */
#include "bench.h"
#include "bench_settings.h"

#include <sightline/sightline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_US 1000000

static uint64_t send_all(sl_sender *sender, const struct bench_frames *frames, int64_t end_us) {
    uint64_t sent = 0;
    int64_t shape[] = {frames->height, frames->width, 3};
    while (bench_now_us() < end_us) {
        sl_frame *frame;
        bench_check(
            sl_frame_wrap_array(&frame, "uint8", 3, shape, bench_frame(frames, sent), NULL, NULL),
            "frame");
        int result = sl_sender_send(sender, frame, 1000);
        sl_frame_unref(&frame);
        if (result != SL_EAGAIN)
            bench_check(result, "send");
        sent += result == SL_OK;
    }
    return sent;
}

/* A frame's pixels are copied before its time comes, as a camera's driver would have done. */
static uint64_t send_paced(sl_sender *sender, const struct bench_frames *frames, double rate,
                           int64_t end_us) {
    uint64_t sent = 0;
    int64_t start_us = bench_now_us() + SETTLE_US / 10;
    for (uint64_t tick = 0;; tick++) {
        int64_t due_us = start_us + (int64_t)((double)tick * 1e6 / rate);
        sl_frame *frame;
        if (due_us >= end_us)
            return sent;
        bench_check(sl_frame_new(&frame, SL_FORMAT_BGR, frames->width, frames->height), "frame");
        memcpy(frame->planes[0], bench_frame(frames, tick), frames->size);
        bench_sleep_until(due_us);
        sl_timecode_draw(frame, bench_utc_us() * 1000);
        sent += sl_sender_send(sender, frame, 0) == SL_OK;
        sl_frame_unref(&frame);
    }
}

int main(int argc, char **argv) {
    struct bench_frames frames;
    sl_sender_settings settings;
    sl_sender *sender;
    uint64_t sent = 0;
    if (argc < 4)
        bench_fail("usage: bench-send FRAMES RATE|idle SECONDS [KEY=VALUE…]");
    bench_load(&frames, argv[1]);
    sl_sender_settings_init(&settings);
    bench_set(&settings, argc - 4, argv + 4);
    bench_check(sl_sender_open(&sender, &settings), "open");
    bench_check(sl_sender_wait(sender, 20000), "wait");
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    bool idle = strcmp(argv[2], "idle") == 0;
    if (idle)
        bench_sleep_until(bench_now_us() + SETTLE_US);
    double cpu_s = bench_cpu_s();
    int64_t start_us = bench_now_us(), end_us = start_us + (int64_t)(seconds * 1e6);
    if (idle)
        bench_sleep_until(end_us);
    else
        sent = rate > 0 ? send_paced(sender, &frames, rate, end_us)
                        : send_all(sender, &frames, end_us);
    bench_check(sl_sender_flush(sender, 10000), "flush");
    printf("{\"sent\": %llu, \"seconds\": %.3f, \"cpu_s\": %.4f}\n", (unsigned long long)sent,
           (double)(bench_now_us() - start_us) / 1e6, bench_cpu_s() - cpu_s);
    sl_sender_close(&sender);
    sl_settings_finish(&settings);
    free(frames.data);
    return 0;
}
