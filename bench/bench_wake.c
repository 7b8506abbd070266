/*
 * How soon a live sender stops when nobody watches, and how soon somebody who watches again has a
 * picture. A receiver that looks for a second and away for three, in turns:
 *
 *   bench-wake ROUNDS [KEY=VALUE…]
 *
 * Prints {"port": N} once it is there, and at the end, of all rounds, {"stops_ms": MEDIAN,
 * "starts_ms": MEDIAN}: from the last frame that was taken to the last byte that came, and from
 * asking again to a decoded frame.
 */
#include "bench.h"
#include "bench_settings.h"

#include <sightline/sightline.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 100
#define LOOK_US    1000000
#define AWAY_US    3000000
#define STEP_US    5000
#define PATIENCE   30000 /* ms */

static void take(sl_receiver *receiver) {
    sl_frame *frame;
    bench_check(sl_receiver_recv(receiver, &frame, PATIENCE), "recv");
    sl_frame_unref(&frame);
}

/* Takes frames for a while; how long the first one took, in milliseconds. */
static double look(sl_receiver *receiver) {
    int64_t began_us = bench_now_us();
    take(receiver);
    double took_ms = (double)(bench_now_us() - began_us) / 1e3;
    while (bench_now_us() < began_us + LOOK_US)
        take(receiver);
    return took_ms;
}

/* Takes none for a while; how long bytes came all the same, in milliseconds. */
static double look_away(sl_receiver *receiver) {
    int64_t began_us = bench_now_us(), last_us = began_us;
    uint64_t bytes = 0;
    for (int64_t now_us = began_us; now_us < began_us + AWAY_US; now_us = bench_now_us()) {
        sl_stats stats;
        sl_receiver_stats(receiver, &stats);
        if (stats.bytes > bytes)
            last_us = now_us;
        bytes = stats.bytes;
        bench_sleep_until(now_us + STEP_US);
    }
    return (double)(last_us - began_us) / 1e3;
}

int main(int argc, char **argv) {
    static double stops_ms[ROUNDS_MAX], starts_ms[ROUNDS_MAX];
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    sl_receiver_settings settings;
    sl_receiver *receiver;
    sl_stats stats;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        bench_fail("say how many rounds, from 1 to %d", ROUNDS_MAX);
    sl_receiver_settings_init(&settings);
    bench_set(&settings, argc - 2, argv + 2);
    settings.output = SL_OUTPUT_PLANES;
    bench_check(sl_receiver_open(&receiver, &settings), "open");
    sl_receiver_stats(receiver, &stats);
    printf("{\"port\": %d}\n", stats.port);
    fflush(stdout);
    look(receiver);
    for (size_t i = 0; i < rounds; i++) {
        stops_ms[i] = look_away(receiver);
        starts_ms[i] = look(receiver);
    }
    printf("{\"stops_ms\": %.1f, \"starts_ms\": %.1f}\n", bench_percentile(stops_ms, rounds, 0.5),
           bench_percentile(starts_ms, rounds, 0.5));
    sl_receiver_close(&receiver);
    sl_settings_finish(&settings);
    return 0;
}
