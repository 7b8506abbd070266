/*
 * What this machine can do at all, without Sightline.
 *
 *   bench-limits memcpy FRAMES      milliseconds to copy one frame
 *   bench-limits tcp FRAMES         bytes a second over one loopback TCP connection; each end has
 *                                   one half of the cores, the writer the first
 *   bench-limits jpeg FRAMES CORES  milliseconds to encode and to decode a frame, on one core;
 *                                   with CORES, on so many at once
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <turbojpeg.h>
#include <unistd.h>

#define WINDOW_US 800000
#define CORES_MAX 64
#define QUALITY   90

static void copy_frames(const struct bench_frames *frames) {
    uint8_t *to = malloc(frames->size);
    if (!to)
        bench_fail("out of memory");
    memset(to, 1, frames->size);
    int64_t start_us = bench_now_us();
    size_t copies = 0;
    while (bench_now_us() - start_us < WINDOW_US)
        memcpy(to, bench_frame(frames, copies++), frames->size);
    double elapsed_ms = (double)(bench_now_us() - start_us) / 1e3;
    printf("{\"ms\": %.4f}\n", elapsed_ms / (double)copies);
    free(to);
}

/* Leaves this process one half of the cores that it may use, if there is more than one. */
static void take_half(bool first) {
    cpu_set_t all, half;
    CPU_ZERO(&half);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        bench_fail("cannot tell which cores there are");
    int count = CPU_COUNT(&all), seen = 0;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &all) && (seen++ < count / 2) == first)
            CPU_SET(core, &half);
    }
    if (count > 1 && sched_setaffinity(0, sizeof half, &half) != 0)
        bench_fail("cannot choose cores");
}

/* The child of the pair: writes frames until the other end closes. */
static void write_frames(const struct bench_frames *frames, const struct sockaddr_in *address) {
    take_half(true);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || connect(client, (const struct sockaddr *)address, sizeof(*address)) != 0)
        _exit(1);
    for (size_t number = 0;; number++) {
        const uint8_t *at = bench_frame(frames, number), *end = at + frames->size;
        while (at < end) {
            ssize_t written = send(client, at, (size_t)(end - at), MSG_NOSIGNAL);
            if (written <= 0)
                _exit(0);
            at += written;
        }
    }
}

/* Frames are read whole into memory, as every receiver of frames must. */
static double read_frames(int server, const struct bench_frames *frames) {
    uint8_t *to = malloc(frames->size);
    size_t bytes = 0, filled = 0;
    int64_t start_us = 0, warm_us = bench_now_us() + WINDOW_US / 4;
    int64_t now_us = 0;
    if (!to)
        bench_fail("out of memory");
    do {
        ssize_t got = recv(server, to + filled, frames->size - filled, 0);
        if (got <= 0)
            bench_fail("the connection broke");
        filled = (filled + (size_t)got) % frames->size;
        now_us = bench_now_us();
        if (start_us)
            bytes += (size_t)got;
        else if (now_us >= warm_us)
            start_us = now_us;
    } while (!start_us || now_us - start_us < WINDOW_US);
    free(to);
    return (double)bytes / ((double)(now_us - start_us) / 1e6);
}

static void stream_frames(const struct bench_frames *frames) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        bench_fail("cannot listen");
    pid_t child = fork();
    if (child == 0)
        write_frames(frames, &address);
    take_half(false);
    int server = accept(listener, NULL, NULL);
    double rate = read_frames(server, frames);
    close(server);
    close(listener);
    waitpid(child, NULL, 0);
    printf("{\"bytes_per_s\": %.0f}\n", rate);
}

/* One core's work on JPEG: every frame encoded and decoded again, as Sightline is set to. */
struct core {
    pthread_t thread;
    const struct bench_frames *frames;
    double encode_ms, decode_ms;
    size_t coded_bytes;
};

static void *code_frames(void *argument) {
    struct core *core = argument;
    const struct bench_frames *frames = core->frames;
    tjhandle compressor = tjInitCompress(), decompressor = tjInitDecompress();
    unsigned long room = tjBufSize(frames->width, frames->height, TJSAMP_422);
    unsigned char *jpeg = tjAlloc((int)room), *pixels = malloc(frames->size);
    int64_t encode_us = 0, decode_us = 0;
    size_t rounds = 0;
    if (!compressor || !decompressor || !jpeg || !pixels)
        bench_fail("out of memory");
    for (; encode_us + decode_us < 2 * WINDOW_US; rounds++) {
        unsigned long size = room;
        int64_t start_us = bench_now_us();
        if (tjCompress2(compressor, bench_frame(frames, rounds), frames->width, 0, frames->height,
                        TJPF_BGR, &jpeg, &size, TJSAMP_422, QUALITY,
                        TJFLAG_FASTDCT | TJFLAG_NOREALLOC))
            bench_fail("%s", tjGetErrorStr2(compressor));
        int64_t coded_us = bench_now_us();
        if (tjDecompress2(decompressor, jpeg, size, pixels, frames->width, 0, frames->height,
                          TJPF_BGR, TJFLAG_FASTDCT))
            bench_fail("%s", tjGetErrorStr2(decompressor));
        encode_us += coded_us - start_us;
        decode_us += bench_now_us() - coded_us;
        core->coded_bytes += size;
    }
    core->encode_ms = (double)encode_us / 1e3 / (double)rounds;
    core->decode_ms = (double)decode_us / 1e3 / (double)rounds;
    core->coded_bytes /= rounds;
    tjFree(jpeg);
    free(pixels);
    tjDestroy(compressor);
    tjDestroy(decompressor);
    return NULL;
}

static void code_on_cores(const struct bench_frames *frames, int count) {
    struct core cores[CORES_MAX];
    double encode_ms = 0, decode_ms = 0;
    if (count < 1 || count > CORES_MAX)
        bench_fail("1 to %d cores", CORES_MAX);
    for (int i = 0; i < count; i++) {
        cores[i] = (struct core){.frames = frames};
        if (pthread_create(&cores[i].thread, NULL, code_frames, &cores[i]) != 0)
            bench_fail("cannot start a thread");
    }
    for (int i = 0; i < count; i++) {
        pthread_join(cores[i].thread, NULL);
        encode_ms += cores[i].encode_ms / count;
        decode_ms += cores[i].decode_ms / count;
    }
    printf("{\"encode_ms\": %.3f, \"decode_ms\": %.3f, \"bytes\": %zu}\n", encode_ms, decode_ms,
           cores[0].coded_bytes);
}

int main(int argc, char **argv) {
    struct bench_frames frames;
    if (argc < 3)
        bench_fail("usage: bench-limits memcpy|tcp|jpeg FRAMES [CORES]");
    bench_load(&frames, argv[2]);
    if (strcmp(argv[1], "memcpy") == 0)
        copy_frames(&frames);
    else if (strcmp(argv[1], "tcp") == 0)
        stream_frames(&frames);
    else
        code_on_cores(&frames, argc > 3 ? atoi(argv[3]) : 1);
    free(frames.data);
    return 0;
}
