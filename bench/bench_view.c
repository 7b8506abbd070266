/*
 * The viewer end of a measurement, over the public API. Prints first where it is reached, with its
 * gate if it has one; then waits for a sender, takes every decoded frame until the sender ends, and
 * prints what it saw: the rate without the first half second, and latencies where frames carry
 * microseconds in their timecode.
 *
 *   bench-view [KEY=VALUE…]
 */
#include "bench.h"
#include "bench_settings.h"

#include <sightline/sightline.h>
#include <stdio.h>

#define FRAMES_MAX 100000
#define WARM_US    500000

static int64_t arrivals_us[FRAMES_MAX];
static double latencies_ms[FRAMES_MAX];

/* Takes frames until the end; how many. */
static size_t receive(sl_receiver *receiver, size_t *frame_bytes) {
    size_t count = 0;
    for (;;) {
        sl_frame *frame;
        uint32_t stamp;
        int result = sl_receiver_recv(receiver, &frame, 30000);
        if (result == SL_EEND)
            return count;
        bench_check(result, "recv");
        uint32_t now = (uint32_t)bench_utc_us();
        if (count < FRAMES_MAX) {
            arrivals_us[count] = bench_now_us();
            if (sl_timecode_read(frame, &stamp))
                latencies_ms[count] = (double)(uint32_t)(now - stamp) / 1e3;
            count++;
        }
        *frame_bytes = frame->size;
        sl_frame_unref(&frame);
    }
}

static void print_result(size_t count, size_t frame_bytes, double cpu_s) {
    size_t first = 0;
    while (first < count && arrivals_us[first] - arrivals_us[0] < WARM_US)
        first++;
    size_t counted = count - first;
    double seconds = counted > 1 ? (double)(arrivals_us[count - 1] - arrivals_us[first]) / 1e6 : 0;
    double rate = seconds > 0 ? (double)(counted - 1) / seconds : 0;
    printf(
        "{\"frames\": %zu, \"fps\": %.3f, \"bytes_per_s\": %.0f, \"latency_ms\": {\"p50\": %.3f, "
        "\"p95\": %.3f}, \"cpu_s\": %.4f}\n",
        count, rate, rate * (double)frame_bytes,
        bench_percentile(latencies_ms + first, counted, 0.5),
        bench_percentile(latencies_ms + first, counted, 0.95), cpu_s);
}

int main(int argc, char **argv) {
    sl_receiver_settings settings;
    sl_receiver *receiver;
    sl_stats stats;
    sl_gate_place gate = {.port = 0};
    size_t frame_bytes = 0;
    sl_receiver_settings_init(&settings);
    bench_set(&settings, argc - 1, argv + 1);
    bench_check(sl_receiver_open(&receiver, &settings), "open");
    sl_receiver_stats(receiver, &stats);
    sl_receiver_gate(receiver, &gate);
    printf("{\"port\": %d, \"gate\": %d, \"host_key\": \"%s\"}\n", stats.port, gate.port,
           gate.host_key);
    fflush(stdout);
    /* The processor time of an idle receiver is counted from when all has settled. */
    while (!stats.connected) {
        bench_sleep_until(bench_now_us() + 10000);
        sl_receiver_stats(receiver, &stats);
    }
    double cpu_s = bench_cpu_s();
    size_t count = receive(receiver, &frame_bytes);
    print_result(count, frame_bytes, bench_cpu_s() - cpu_s);
    sl_receiver_close(&receiver);
    sl_settings_finish(&settings);
    return 0;
}
