/* Pictures to encode, and codecs that do. */
#ifndef TESTS_UNIT_CODEC_MOVING_H
#define TESTS_UNIT_CODEC_MOVING_H

#include "codec/codec.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  320
#define HEIGHT 240

static const sl_codec_settings defaults = {.jpeg = true,
                                           .colorspace = SL_COLORSPACE_BGR,
                                           .quality = 90,
                                           .video_preset = SL_PRESET_SUPERFAST};

/* One thread, for what libx264 makes with several depends on who is faster. */
static const sl_codec_aim usual = {.format = SL_FORMAT_H264,
                                   .bit_rate = 1000000,
                                   .fps = 30,
                                   .scale = 1,
                                   .quality = 90,
                                   .threads = 1};

static inline sl_codec *open_codec(void) {
    sl_codec *codec;
    assert_int_equal(sl_codec_open(&codec, &defaults), 0);
    return codec;
}

static inline sl_codec *open_aimed(sl_format format) {
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    aim.format = format;
    assert_int_equal(sl_codec_aim_at(codec, &aim), 0);
    return codec;
}

/* Something to look at: blocks of gray, each of its own, that move by two pixels a frame. */
static inline sl_frame *picture(sl_format format, int width, int height, int number) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, format, width, height), 0);
    memset(frame->planes[0], 128, frame->size);
    size_t samples = (size_t)width * (format == SL_FORMAT_BGR ? 3 : 1);
    size_t step = format == SL_FORMAT_BGR ? 6 : 2;
    for (size_t y = 0; y < (size_t)height; y++) {
        for (size_t x = 0; x < samples; x++) {
            unsigned block = (unsigned)((x + step * (size_t)number) / (4 * step) + y / 8 * 977);
            frame->planes[0][y * frame->strides[0] + x] =
                (uint8_t)(32 + (block * 2654435761U >> 16) % 192);
        }
    }
    frame->sequence = (uint64_t)number;
    frame->captured_utc_us = 1000 + number;
    return frame;
}

/* The coded frame of picture `number`, of the usual size. */
static inline sl_frame *encode(sl_codec *codec, int number) {
    sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, number), *coded;
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_int_equal(coded->sequence, number);
    sl_frame_unref(&frame);
    return coded;
}

/* Mean difference of two pictures' brightness. */
static inline double difference(const sl_frame *one, const sl_frame *other) {
    uint64_t sum = 0;
    for (int y = 0; y < other->height; y++) {
        for (int x = 0; x < other->width; x++)
            sum += (uint64_t)abs(one->planes[0][(size_t)y * one->strides[0] + (size_t)x] -
                                 other->planes[0][(size_t)y * other->strides[0] + (size_t)x]);
    }
    return (double)sum / other->width / other->height;
}

#endif
