/* JPEG: every colour space and format there and back, and what a hostile peer may send. */
#include "codec/codec.h"
#include "base/error.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sl_codec_settings defaults = {
    .jpeg = true, .colorspace = SL_COLORSPACE_BGR, .quality = 95, .min_quality = 30};

static sl_codec *open_codec(sl_colorspace colorspace) {
    sl_codec *codec;
    sl_codec_settings settings = defaults;
    settings.colorspace = colorspace;
    assert_int_equal(sl_codec_open(&codec, &settings), 0);
    return codec;
}

/* A JPEG frame of these bytes. */
static sl_frame *coded_of(const void *data, size_t size) {
    sl_buffer *bytes;
    sl_frame *coded;
    assert_int_equal(sl_buffer_new(&bytes, size), 0);
    memcpy(bytes->data, data, size);
    assert_int_equal(sl_frame_new_coded(&coded, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    return coded;
}

static size_t load(const char *name, uint8_t *data, size_t room) {
    char path[512];
    const char *folder = getenv("SIGHTLINE_TEST_DATA");
    snprintf(path, sizeof(path), "%s/jpeg/%s", folder ? folder : "tests/data", name);
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    assert_in_range(size, 1, room - 1);
    return size;
}

/* Decodes the bytes; the result, and the frame if there is one. */
static int decode(const void *data, size_t size, sl_output output, sl_frame **frame) {
    sl_codec *codec = open_codec(SL_COLORSPACE_BGR);
    sl_frame *coded = coded_of(data, size);
    int result = sl_codec_decode(codec, coded, output, frame);
    assert_true((*frame != NULL) == (result == 0));
    sl_frame_unref(&coded);
    sl_codec_close(&codec);
    return result;
}

static void assert_near(int value, int expected, int distance) {
    assert_in_range(value + 256, expected + 256 - distance, expected + 256 + distance);
}

/* An array whose channels each have one value comes back the same. */
static void there_and_back(sl_colorspace colorspace, const int64_t *shape, int dimensions) {
    static const uint8_t values[] = {200, 100, 50, 255};
    int channels = sl_colorspace_channels(colorspace);
    sl_codec *codec = open_codec(colorspace);
    sl_frame *frame, *coded, *decoded;
    assert_int_equal(sl_frame_new_array(&frame, "uint8", dimensions, shape), 0);
    for (size_t i = 0; i < frame->size; i++)
        frame->planes[0][i] = values[i % (size_t)channels];
    frame->sequence = 7;
    frame->captured_utc_us = 8;
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_int_equal(coded->format, SL_FORMAT_JPEG);
    assert_int_equal(coded->colorspace, colorspace);
    assert_int_equal(coded->width, shape[1]);
    assert_int_equal(coded->sequence, 7);
    assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_ARRAY, &decoded), 0);
    assert_int_equal(decoded->captured_utc_us, 8);
    assert_int_equal(decoded->dimensions, channels == 1 ? 2 : 3);
    assert_int_equal(decoded->shape[0], shape[0]);
    assert_int_equal(decoded->shape[1], shape[1]);
    assert_int_equal(decoded->size, frame->size);
    assert_true((decoded->format == SL_FORMAT_BGR) == (colorspace == SL_COLORSPACE_BGR));
    /* The fourth channel comes back only where it is ink: JPEG has no room for opacity. */
    for (size_t i = 0; i < decoded->size; i++) {
        int value = values[i % (size_t)channels];
        if (channels != 4 || colorspace == SL_COLORSPACE_CMYK)
            assert_near(decoded->planes[0][i], value, 6);
    }
    sl_frame_unref(&decoded);
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void every_colour_space_comes_back(void **state) {
    (void)state;
    for (int i = SL_COLORSPACE_BGR; i <= SL_COLORSPACE_CMYK; i++) {
        int channels = sl_colorspace_channels((sl_colorspace)i);
        there_and_back((sl_colorspace)i, (int64_t[]){17, 33, channels}, 3);
    }
    there_and_back(SL_COLORSPACE_GRAY, (int64_t[]){17, 33}, 2);
}

static void gray_arrays_stay_gray_whatever_is_set(void **state) {
    (void)state;
    sl_codec *codec = open_codec(SL_COLORSPACE_RGBA);
    sl_frame *frame, *coded;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 16, 8), 0);
    memset(frame->planes[0], 90, frame->size);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_int_equal(coded->colorspace, SL_COLORSPACE_GRAY);
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void assert_refused(sl_colorspace colorspace, const char *dtype, int dimensions,
                           const int64_t *shape, const char *word) {
    sl_codec *codec = open_codec(colorspace);
    sl_frame *frame, *coded;
    assert_int_equal(sl_frame_new_array(&frame, dtype, dimensions, shape), 0);
    memset(frame->planes[0], 0, frame->size);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_EINVAL);
    assert_null(coded);
    assert_non_null(strstr(sl_error(), word));
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void arrays_that_do_not_fit_are_refused(void **state) {
    (void)state;
    assert_refused(SL_COLORSPACE_GRAY, "uint8", 3, (int64_t[]){8, 8, 3}, "GRAY");
    assert_refused(SL_COLORSPACE_BGR, "uint8", 3, (int64_t[]){8, 8, 4}, "BGR has 3 channels");
    assert_refused(SL_COLORSPACE_BGR, "uint8", 3, (int64_t[]){8, 8, 1}, "has 1");
    assert_refused(SL_COLORSPACE_RGBA, "uint8", 3, (int64_t[]){8, 8, 3}, "RGBA");
    assert_refused(SL_COLORSPACE_BGR, "float32", 3, (int64_t[]){8, 8, 3}, "float32");
    assert_refused(SL_COLORSPACE_BGR, "uint8", 4, (int64_t[]){8, 8, 3, 1}, "dimensions");
    assert_refused(SL_COLORSPACE_BGR, "uint8", 3, (int64_t[]){1, 65536, 3}, "no picture");
    assert_refused(SL_COLORSPACE_BGR, "uint8", 3, (int64_t[]){0, 4, 3}, "no picture");
}

/* A planar picture of one colour: Y 180, U 90, V 150, its luma falling off to the right. */
static sl_frame *planar(sl_format format, int width, int height) {
    sl_frame *frame;
    assert_int_equal(sl_frame_new(&frame, format, width, height), 0);
    memset(frame->planes[0], 0, frame->size);
    for (int plane = 0; plane < sl_format_planes(format); plane++) {
        for (int y = 0; y < sl_plane_height(format, plane, height); y++)
            memset(frame->planes[plane] + (size_t)y * frame->strides[plane],
                   plane == 0   ? 180
                   : plane == 1 ? 90
                                : 150,
                   (size_t)sl_plane_width(format, plane, width));
    }
    return frame;
}

static void assert_planar(const sl_frame *frame, sl_format format, int width, int height) {
    assert_int_equal(frame->format, format);
    assert_int_equal(frame->width, width);
    assert_int_equal(frame->height, height);
    for (int plane = 0; plane < sl_format_planes(format); plane++) {
        for (int y = 0; y < sl_plane_height(format, plane, height); y++) {
            const uint8_t *row = frame->planes[plane] + (size_t)y * frame->strides[plane];
            for (int x = 0; x < sl_plane_width(format, plane, width); x++)
                assert_near(row[x], plane == 0 ? 180 : plane == 1 ? 90 : 150, 3);
        }
    }
}

static void planes_come_back_as_they_are(void **state) {
    (void)state;
    static const int sizes[][2] = {{64, 32}, {33, 17}, {32, 17}, {33, 16}, {1, 1}, {2, 3}};
    for (int format = SL_FORMAT_GRAY; format <= SL_FORMAT_I444; format++) {
        if (format == SL_FORMAT_BGR)
            continue;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            sl_codec *codec = open_codec(SL_COLORSPACE_BGR);
            sl_frame *frame = planar((sl_format)format, sizes[i][0], sizes[i][1]);
            sl_frame *coded, *decoded;
            assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
            assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_PLANES, &decoded), 0);
            assert_planar(decoded, (sl_format)format, sizes[i][0], sizes[i][1]);
            sl_frame_unref(&decoded);
            sl_frame_unref(&coded);
            sl_frame_unref(&frame);
            sl_codec_close(&codec);
        }
    }
}

static void gray_takes_the_luma_of_planes(void **state) {
    (void)state;
    sl_codec *codec = open_codec(SL_COLORSPACE_GRAY);
    sl_frame *frame = planar(SL_FORMAT_I420, 33, 17);
    sl_frame *coded, *decoded;
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_int_equal(coded->colorspace, SL_COLORSPACE_GRAY);
    assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_ARRAY, &decoded), 0);
    assert_planar(decoded, SL_FORMAT_GRAY, 33, 17);
    assert_int_equal(decoded->dimensions, 2);
    sl_frame_unref(&decoded);
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void jpegs_pass_through(void **state) {
    (void)state;
    uint8_t data[2048];
    size_t size = load("420-odd.jpg", data, sizeof(data));
    sl_codec_settings settings = defaults;
    settings.fast_dct = true;
    sl_codec *codec;
    sl_frame *frame = coded_of(data, size), *coded;
    assert_int_equal(sl_codec_open(&codec, &settings), 0);
    assert_int_equal(sl_frame_put_message(frame, "1"), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_ptr_equal(coded->planes[0], frame->planes[0]);
    assert_true(coded->fast_dct);
    assert_false(frame->fast_dct);
    assert_string_equal(coded->message, "1");
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

/* A slope with noise, as a camera sees it. */
static sl_frame *grainy(int number) {
    sl_frame *frame = planar(SL_FORMAT_I420, 320, 240);
    unsigned random = (unsigned)number;
    for (size_t i = 0; i < frame->strides[0] * 240; i++) {
        random = random * 1103515245 + 12345;
        frame->planes[0][i] = (uint8_t)(i / 512 + (random >> 16) % 24);
    }
    return frame;
}

/* Codes so many frames, and gives the size of the last, which is number 0. */
static size_t last_of(sl_codec *codec, const sl_codec_aim *aim, int count) {
    size_t size = 0;
    assert_int_equal(sl_codec_aim_at(codec, aim), 0);
    for (int number = count - 1; number >= 0; number--) {
        sl_frame *frame = grainy(number), *coded;
        assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
        size = coded->size;
        sl_frame_unref(&coded);
        sl_frame_unref(&frame);
    }
    return size;
}

/* Of a plain JPEG. */
static size_t size_at(int quality) {
    sl_codec *codec;
    sl_codec_settings settings = defaults;
    sl_frame *frame = grainy(0), *coded;
    settings.quality = quality;
    assert_int_equal(sl_codec_open(&codec, &settings), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    size_t size = coded->size;
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
    return size;
}

static void aimed_ones_settle_at_the_size_that_is_asked_for(void **state) {
    (void)state;
    sl_codec *codec = open_codec(SL_COLORSPACE_BGR);
    sl_codec_aim aim = {.format = SL_FORMAT_JPEG, .fps = 10, .scale = 1, .quality = 90};
    for (int quality = 40; quality <= 80; quality += 20) {
        double asked = (double)size_at(quality);
        aim.bit_rate = (int64_t)(asked * 8 * aim.fps);
        assert_true(fabs((double)last_of(codec, &aim, 10) / asked - 1) < 0.15);
        assert_in_range(sl_codec_last(codec).quality, 31, 89);
        assert_false(sl_codec_last(codec).best);
    }
    /* As far as it goes one way, and the other. */
    aim.bit_rate = 1000;
    last_of(codec, &aim, 1);
    assert_int_equal(sl_codec_last(codec).quality, 30);
    assert_true(sl_codec_last(codec).quantiser > 40);
    aim.bit_rate = 100000000;
    assert_int_equal(last_of(codec, &aim, 10), size_at(90));
    assert_int_equal(sl_codec_last(codec).quality, 90);
    assert_true(sl_codec_last(codec).best);
    sl_codec_close(&codec);
}

static void all_sorts_of_jpeg_decode(void **state) {
    (void)state;
    static const struct {
        const char *name;
        sl_format planes; /* what SL_OUTPUT_PLANES gives */
    } files[] = {
        {"420-odd.jpg", SL_FORMAT_I420},
        {"422-odd.jpg", SL_FORMAT_I422},
        {"444.jpg", SL_FORMAT_I444},
        {"gray.jpg", SL_FORMAT_GRAY},
        {"440.jpg", SL_FORMAT_BGR},
        {"411.jpg", SL_FORMAT_BGR},
        {"rgb.jpg", SL_FORMAT_BGR},
        {"cmyk.jpg", SL_FORMAT_BGR},
        {"progressive.jpg", SL_FORMAT_I420},
        {"no-huffman-tables.jpg", SL_FORMAT_I422}, /* as MJPEG cameras send it */
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        uint8_t data[2048];
        sl_frame *frame;
        size_t size = load(files[i].name, data, sizeof(data));
        assert_int_equal(decode(data, size, SL_OUTPUT_PLANES, &frame), 0);
        assert_int_equal(frame->format, files[i].planes);
        sl_frame_unref(&frame);
        /* As with NetGear, only a header that says CMYK unpacks a CMYK JPEG. */
        bool cmyk = strcmp(files[i].name, "cmyk.jpg") == 0;
        assert_int_equal(decode(data, size, SL_OUTPUT_ARRAY, &frame), cmyk ? SL_EMESSAGE : 0);
        if (!cmyk)
            assert_int_equal(frame->format, SL_FORMAT_BGR);
        sl_frame_unref(&frame);
    }
}

static void truncated_jpegs_are_refused(void **state) {
    (void)state;
    uint8_t data[2048];
    sl_frame *frame;
    size_t size = load("422-odd.jpg", data, sizeof(data));
    for (size_t kept = 1; kept < size; kept++) {
        sl_output output = kept % 2 ? SL_OUTPUT_PLANES : SL_OUTPUT_ARRAY;
        assert_int_equal(decode(data, kept, output, &frame), SL_EMESSAGE);
    }
}

/* A camera's sloppiness: bytes that nothing needs, before the end marker and after it. */
static void extraneous_bytes_do_no_harm(void **state) {
    (void)state;
    uint8_t data[2048] = {0};
    sl_frame *frame;
    size_t size = load("422-odd.jpg", data, sizeof(data));
    assert_int_equal(decode(data, size + 100, SL_OUTPUT_ARRAY, &frame), 0);
    sl_frame_unref(&frame);
    memset(data + size - 2, 0, 5);
    data[size + 3] = 0xff;
    data[size + 4] = 0xd9;
    assert_int_equal(decode(data, size + 5, SL_OUTPUT_ARRAY, &frame), 0);
    sl_frame_unref(&frame);
    assert_int_equal(decode(data, size + 3, SL_OUTPUT_ARRAY, &frame), SL_EMESSAGE);
    assert_int_equal(decode(data, size + 5, SL_OUTPUT_PLANES, &frame), 0);
    sl_frame_unref(&frame);
}

/* Writes another size into the header of a baseline JPEG. */
static void set_size(uint8_t *data, size_t size, unsigned width, unsigned height) {
    for (size_t i = 0; i + 9 < size; i++) {
        if (data[i] == 0xff && data[i + 1] == 0xc0) {
            data[i + 5] = (uint8_t)(height >> 8);
            data[i + 6] = (uint8_t)height;
            data[i + 7] = (uint8_t)(width >> 8);
            data[i + 8] = (uint8_t)width;
            return;
        }
    }
    fail();
}

static void bombs_are_refused(void **state) {
    (void)state;
    uint8_t data[2048];
    sl_frame *frame;
    size_t size = load("422-odd.jpg", data, sizeof(data));
    set_size(data, size, 65500, 65500);
    for (int output = SL_OUTPUT_ARRAY; output <= SL_OUTPUT_PLANES; output++) {
        assert_int_equal(decode(data, size, (sl_output)output, &frame), SL_EMESSAGE);
        assert_non_null(strstr(sl_error(), "bomb"));
    }
    set_size(data, size, 2000, 2000); /* modest, but more than so few bytes can hold */
    assert_int_equal(decode(data, size, SL_OUTPUT_ARRAY, &frame), SL_EMESSAGE);
    assert_non_null(strstr(sl_error(), "bomb"));
    set_size(data, size, 0, 10);
    assert_int_equal(decode(data, size, SL_OUTPUT_ARRAY, &frame), SL_EMESSAGE);
}

/* A recording takes JPEGs as they came, but none that is cut off. */
static void what_is_not_decoded_is_looked_at(void **state) {
    (void)state;
    uint8_t data[2048];
    sl_frame *frame;
    size_t size = load("422-odd.jpg", data, sizeof(data));
    assert_int_equal(decode(data, size, SL_OUTPUT_CODED, &frame), 0);
    assert_int_equal(frame->size, size);
    sl_frame_unref(&frame);
    assert_int_equal(decode(data, size / 2, SL_OUTPUT_CODED, &frame), SL_EMESSAGE);
    assert_int_equal(decode("no JPEG", 7, SL_OUTPUT_CODED, &frame), SL_EMESSAGE);
}

/* Each scan of a progressive JPEG is a pass over all of its pixels: few bytes, much work. */
static void endless_scans_are_refused(void **state) {
    (void)state;
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0};
    uint8_t data[4096];
    sl_frame *frame;
    size_t size = load("422-odd.jpg", data, sizeof(data)) - 2;
    uint8_t *baseline = memmem(data, size, "\xff\xc0", 2);
    baseline[1] = 0xc2; /* progressive */
    for (int i = 0; i < 33; i++, size += sizeof(scan))
        memcpy(data + size, scan, sizeof(scan));
    data[size++] = 0xff;
    data[size++] = 0xd9;
    assert_int_equal(decode(data, size, SL_OUTPUT_PLANES, &frame), SL_EMESSAGE);
    assert_non_null(strstr(sl_error(), "too many scans"));
}

static void a_codec_goes_on_after_a_bad_frame(void **state) {
    (void)state;
    uint8_t data[2048];
    size_t size = load("422-odd.jpg", data, sizeof(data));
    sl_codec *codec = open_codec(SL_COLORSPACE_BGR);
    sl_frame *good = coded_of(data, size), *bad = coded_of(data, size / 2), *frame;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sl_codec_decode(codec, bad, SL_OUTPUT_ARRAY, &frame), SL_EMESSAGE);
        assert_null(frame);
        assert_int_equal(sl_codec_decode(codec, good, SL_OUTPUT_ARRAY, &frame), 0);
        sl_frame_unref(&frame);
    }
    sl_frame_unref(&bad);
    sl_frame_unref(&good);
    sl_codec_close(&codec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_colour_space_comes_back),
        cmocka_unit_test(gray_arrays_stay_gray_whatever_is_set),
        cmocka_unit_test(arrays_that_do_not_fit_are_refused),
        cmocka_unit_test(planes_come_back_as_they_are),
        cmocka_unit_test(gray_takes_the_luma_of_planes),
        cmocka_unit_test(jpegs_pass_through),
        cmocka_unit_test(aimed_ones_settle_at_the_size_that_is_asked_for),
        cmocka_unit_test(all_sorts_of_jpeg_decode),
        cmocka_unit_test(truncated_jpegs_are_refused),
        cmocka_unit_test(extraneous_bytes_do_no_harm),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(what_is_not_decoded_is_looked_at),
        cmocka_unit_test(endless_scans_are_refused),
        cmocka_unit_test(a_codec_goes_on_after_a_bad_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
