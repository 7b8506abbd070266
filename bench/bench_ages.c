/*
 * How old each frame is when a viewer has it, decoded, by the timecode in its picture.
 *
 *   bench-ages [KEY=VALUE…]   a receiver, over the public API; prints {"port": N} once it is there
 *   bench-ages -              4:2:0 in Y4M on standard input, which another viewer has decoded
 *
 * Prints a line for each frame: when it was there (CLOCK_MONOTONIC, microseconds) and its age in
 * milliseconds, or "-" where what can be read is no age, because the picture is broken. At the end
 * of the stream a receiver prints {"rejected": N, "dropped": N, "reconnects": N}.
 */
#include "bench.h"
#include "bench_settings.h"

#include <inttypes.h>
#include <sightline/sightline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGE_MAX_MS 60000 /* more can't be, on links that last two minutes */
#define HEAD_MAX   256   /* bytes of a Y4M head */

static void tell_age(const sl_frame *frame) {
    uint32_t stamp;
    int64_t now_us = bench_now_us(), utc_us = bench_utc_us();
    int32_t age_ms = -1;
    if (sl_timecode_read(frame, &stamp))
        age_ms = (int32_t)((uint32_t)(utc_us / 1000) - stamp);
    if (age_ms >= 0 && age_ms <= AGE_MAX_MS)
        printf("%" PRId64 " %.3f\n", now_us, age_ms + (double)(utc_us % 1000) / 1e3);
    else
        printf("%" PRId64 " -\n", now_us);
}

static void receive(int count, char **words) {
    sl_receiver_settings settings;
    sl_receiver *receiver;
    sl_stats stats;
    sl_frame *frame;
    int result;
    sl_receiver_settings_init(&settings);
    bench_set(&settings, count, words);
    settings.output = SL_OUTPUT_PLANES;
    bench_check(sl_receiver_open(&receiver, &settings), "open");
    sl_receiver_stats(receiver, &stats);
    printf("{\"port\": %d}\n", stats.port);
    while ((result = sl_receiver_recv(receiver, &frame, -1)) == SL_OK) {
        tell_age(frame);
        sl_frame_unref(&frame);
    }
    if (result != SL_EEND)
        bench_check(result, "recv");
    sl_receiver_stats(receiver, &stats);
    printf("{\"rejected\": %" PRIu64 ", \"dropped\": %" PRIu64 ", \"reconnects\": %" PRIu64 "}\n",
           stats.rejected, stats.dropped, stats.reconnects);
    sl_receiver_close(&receiver);
    sl_settings_finish(&settings);
}

/* Width or height, which stand behind a blank and their letter. */
static int read_side(const char *head, const char *letter) {
    const char *found = strstr(head, letter);
    return found ? atoi(found + strlen(letter)) : 0;
}

/* The pixels of a frame with its head, into `pixels`; false at the end. */
static bool read_picture(uint8_t *pixels, size_t size) {
    char head[HEAD_MAX];
    if (!fgets(head, sizeof(head), stdin))
        return false;
    if (strncmp(head, "FRAME", 5) != 0)
        bench_fail("there is no frame where one should be");
    return fread(pixels, size, 1, stdin) == 1;
}

static void read_pictures(void) {
    char head[HEAD_MAX];
    if (!fgets(head, sizeof(head), stdin))
        return;
    int width = read_side(head, " W"), height = read_side(head, " H");
    bool planar = !strstr(head, " C") || strstr(head, " C420");
    if (strncmp(head, "YUV4MPEG2 ", 10) != 0 || width < 1 || height < 1 || !planar)
        bench_fail("standard input is no Y4M, 4:2:0");
    int64_t shape[] = {height, width};
    size_t luma = (size_t)width * (size_t)height;
    size_t size = luma + 2 * ((size_t)(width + 1) / 2) * ((size_t)(height + 1) / 2);
    uint8_t *pixels = malloc(size);
    if (!pixels)
        bench_fail("out of memory");
    while (read_picture(pixels, size)) {
        sl_frame *frame;
        bench_check(sl_frame_wrap_array(&frame, "uint8", 2, shape, pixels, NULL, NULL), "frame");
        tell_age(frame);
        sl_frame_unref(&frame);
    }
    free(pixels);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "-") == 0)
        read_pictures();
    else
        receive(argc - 1, argv + 1);
    return 0;
}
