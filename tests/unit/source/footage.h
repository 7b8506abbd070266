/* Sources to open in tests, real footage, and files made on the spot. */
#ifndef TESTS_UNIT_SOURCE_FOOTAGE_H
#define TESTS_UNIT_SOURCE_FOOTAGE_H

#include "base/clock.h"
#include "fault.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sightline/error.h>
#include <sightline/source.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENCV_DATA   "/usr/share/doc/opencv-doc/examples/data/"
#define STREET        OPENCV_DATA "vtest.avi" /* 768x576, 10 frames/s, 795 frames, limited range */
#define STREET_FRAMES 795
/* 1920x1080, 41 frames, H.264, limited-range BT.709, variable timestamps */
#define PHONE        "/usr/share/forensics-samples/original-files/movie1/VID_20191220_170832.mp4"
#define PHONE_FRAMES 41

/* Far more than anything here takes; only a hang reaches it. */
#define PATIENCE_MS 60000

static inline sl_source_settings settings_for(const char *source) {
    sl_source_settings settings;
    sl_source_settings_init(&settings);
    settings.source = source;
    return settings;
}

static inline sl_source *open_source(const sl_source_settings *settings) {
    sl_source *source;
    int code = sl_source_open(&source, settings);
    if (code < 0)
        fail_msg("%s: %s", settings->source, sl_error());
    return source;
}

/* Opens and expects `code`, and a sentence with `words` in it. */
static inline void refused(const sl_source_settings *settings, int code, const char *words) {
    sl_source *source;
    int got = sl_source_open(&source, settings);
    assert_null(source);
    if (got != code || !strstr(sl_error(), words))
        fail_msg("%s gave %s \"%s\" instead of %s with \"%s\"", settings->source,
                 sl_error_name(got), sl_error(), sl_error_name(code), words);
}

static inline sl_frame *next_frame(sl_source *source) {
    sl_frame *frame;
    int code = sl_source_read(source, &frame, PATIENCE_MS);
    if (code < 0)
        fail_msg("no frame: %s: %s", sl_error_name(code), sl_error());
    return frame;
}

/* Reads to the end and checks the order; returns how many frames there were. */
static inline uint64_t count_frames(sl_source *source, int *end) {
    uint64_t count = 0;
    sl_frame *frame;
    int64_t last_us = 0;
    while ((*end = sl_source_read(source, &frame, PATIENCE_MS)) == 0) {
        assert_int_equal(frame->sequence, count);
        assert_true(frame->captured_monotonic_us >= last_us);
        last_us = frame->captured_monotonic_us;
        sl_frame_unref(&frame);
        count++;
    }
    return count;
}

static inline double mean_of_plane(const sl_frame *frame, int plane) {
    double sum = 0;
    int width = sl_plane_width(frame->format, plane, frame->width);
    int height = sl_plane_height(frame->format, plane, frame->height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            sum += frame->planes[plane][frame->strides[plane] * (size_t)y + (size_t)x];
    return sum / width / height;
}

/* A file in a folder that goes with forget_files(). */
static char files_folder[256];

static inline const char *file_path(const char *name) {
    static char path[512];
    if (!*files_folder) {
        const char *base = getenv("TMPDIR");
        snprintf(files_folder, sizeof(files_folder), "%s/sightline-test-XXXXXX",
                 base ? base : "/tmp");
        assert_non_null(mkdtemp(files_folder));
    }
    snprintf(path, sizeof(path), "%s/%s", files_folder, name);
    return path;
}

static inline void forget_file(const char *name) {
    unlink(file_path(name));
}

static inline void forget_files(void) {
    if (*files_folder)
        assert_int_equal(rmdir(files_folder), 0);
    *files_folder = '\0';
}

/* A whole file, which the caller frees. */
static inline uint8_t *load(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static inline const char *store(const char *name, const void *bytes, size_t size) {
    const char *path = file_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* A Y4M of `count` gray pictures whose brightness counts up from `first`; the caller frees it. */
static inline char *make_y4m(int width, int height, int count, int first, size_t *size) {
    size_t picture = (size_t)width * (size_t)height * 3 / 2;
    char *bytes = malloc(128 + (size_t)count * (picture + 6));
    assert_non_null(bytes);
    char *at = bytes + sprintf(bytes, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n",
                               width, height);
    for (int i = 0; i < count; i++) {
        memcpy(at, "FRAME\n", 6);
        memset(at + 6, first + i, (size_t)width * (size_t)height);
        memset(at + 6 + (size_t)width * (size_t)height, 128, picture / 3);
        at += 6 + picture;
    }
    *size = (size_t)(at - bytes);
    return bytes;
}

#endif
