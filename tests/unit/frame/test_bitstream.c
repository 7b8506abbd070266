/* Coded video told from its bytes: where it starts afresh, and where a frame is missing. */
#include "frame/bitstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* A coded frame, made bit by bit. */
struct coded {
    uint8_t bytes[256];
    size_t bits;
};

static void put(struct coded *coded, unsigned count, unsigned value) {
    while (count-- > 0) {
        coded->bytes[coded->bits / 8] |= (uint8_t)((value >> count & 1) << (7 - coded->bits % 8));
        coded->bits++;
    }
}

static void put_golomb(struct coded *coded, unsigned value) {
    unsigned length = 0;
    while ((value + 1) >> (length + 1))
        length++;
    put(coded, length, 0);
    put(coded, length + 1, value + 1);
}

/* Ends a NAL unit and begins another. */
static void begin_unit(struct coded *coded, unsigned header_bits, unsigned header) {
    if (coded->bits > 0)
        put(coded, 1, 1);
    coded->bits = (coded->bits + 7) / 8 * 8;
    put(coded, 24, 1);
    put(coded, header_bits, header);
}

/* A sequence parameter set of the main profile, with frame_num of 4 bits. */
static void put_sps(struct coded *coded, unsigned references, bool gaps, unsigned across,
                    unsigned down) {
    begin_unit(coded, 8, 0x67);
    put(coded, 24, 77 << 16 | 51);
    put_golomb(coded, 0);
    put_golomb(coded, 0); /* log2_max_frame_num - 4 */
    put_golomb(coded, 2);
    put_golomb(coded, references);
    put(coded, 1, gaps);
    put_golomb(coded, across - 1);
    put_golomb(coded, down - 1);
    put(coded, 1, 1);
}

static void put_slice(struct coded *coded, unsigned header, unsigned frame_num) {
    begin_unit(coded, 8, header);
    put_golomb(coded, 0);
    put_golomb(coded, 7);
    put_golomb(coded, 0);
    put(coded, 4, frame_num);
    put(coded, 16, 0x5a5a);
}

static sl_bitstream_state look(sl_bitstream *stream, sl_format format, const struct coded *coded) {
    return sl_bitstream_look(stream, format, coded->bytes, (coded->bits + 7) / 8);
}

/* A keyframe of H.264. */
static sl_bitstream_state begin(sl_bitstream *stream, bool gaps) {
    struct coded coded = {0};
    put_sps(&coded, 1, gaps, 80, 45);
    begin_unit(&coded, 8, 0x68);
    put_slice(&coded, 0x65, 0);
    return look(stream, SL_FORMAT_H264, &coded);
}

static sl_bitstream_state follow(sl_bitstream *stream, unsigned header, unsigned frame_num) {
    struct coded coded = {0};
    put_slice(&coded, header, frame_num);
    return look(stream, SL_FORMAT_H264, &coded);
}

static void missing_frames_leave_a_gap(void **state) {
    (void)state;
    sl_bitstream stream = {0};
    assert_int_equal(begin(&stream, false), SL_BITSTREAM_AFRESH);
    /* Once around: the number has four bits. */
    for (unsigned number = 1; number <= 17; number++)
        assert_int_equal(follow(&stream, 0x41, number % 16), SL_BITSTREAM_FOLLOWS);
    /* A picture that no other needs has the next number, which the next one has, too. */
    assert_int_equal(follow(&stream, 0x01, 2), SL_BITSTREAM_FOLLOWS);
    assert_int_equal(follow(&stream, 0x41, 2), SL_BITSTREAM_FOLLOWS);
    assert_int_equal(follow(&stream, 0x41, 4), SL_BITSTREAM_GAP);
    assert_int_equal(follow(&stream, 0x41, 5), SL_BITSTREAM_GAP);
    assert_int_equal(begin(&stream, false), SL_BITSTREAM_AFRESH);
    assert_int_equal(follow(&stream, 0x41, 1), SL_BITSTREAM_FOLLOWS);
}

static void gaps_that_are_allowed_are_none(void **state) {
    (void)state;
    sl_bitstream stream = {0};
    assert_int_equal(begin(&stream, true), SL_BITSTREAM_AFRESH);
    assert_int_equal(follow(&stream, 0x41, 9), SL_BITSTREAM_FOLLOWS);
}

static void keyframes_need_their_parameters(void **state) {
    (void)state;
    sl_bitstream stream = {0};
    assert_int_equal(follow(&stream, 0x65, 0), SL_BITSTREAM_FOLLOWS);
    struct coded coded = {0};
    put_sps(&coded, 1, false, 80, 45);
    put_slice(&coded, 0x65, 0);
    assert_int_equal(look(&stream, SL_FORMAT_H264, &coded), SL_BITSTREAM_FOLLOWS);
}

static sl_bitstream_state look_at_sps(unsigned references, unsigned across, unsigned down) {
    sl_bitstream stream = {0};
    struct coded coded = {0};
    put_sps(&coded, references, false, across, down);
    begin_unit(&coded, 8, 0x68);
    put_slice(&coded, 0x65, 0);
    return look(&stream, SL_FORMAT_H264, &coded);
}

static void pictures_may_not_take_too_much_memory(void **state) {
    (void)state;
    assert_int_equal(look_at_sps(5, 256, 144), SL_BITSTREAM_AFRESH);
    assert_int_equal(look_at_sps(6, 256, 144), SL_BITSTREAM_LARGE);
    assert_int_equal(look_at_sps(16, 120, 68), SL_BITSTREAM_AFRESH);
    assert_int_equal(look_at_sps(17, 16, 16), SL_BITSTREAM_LARGE);
    assert_int_equal(look_at_sps(1, 60000, 60000), SL_BITSTREAM_LARGE);
}

/* Of the high profile, with what may stand before the size: lossless transform bypass, scaling
 * lists (one of them whole, one that ends at once), and a table for the order of pictures. */
static sl_bitstream_state look_at_high_sps(unsigned references, unsigned across, unsigned down) {
    sl_bitstream stream = {0};
    struct coded coded = {0};
    begin_unit(&coded, 8, 0x67);
    put(&coded, 24, 100 << 16 | 52);
    put_golomb(&coded, 0);
    put_golomb(&coded, 1); /* 4:2:0 */
    put_golomb(&coded, 0);
    put_golomb(&coded, 0);
    put(&coded, 2, 3);
    put(&coded, 1, 1);
    for (int i = 0; i < 16; i++)
        put_golomb(&coded, i % 2 ? 1 : 2); /* 1, -1 */
    put(&coded, 1, 1);
    put_golomb(&coded, 16); /* -8 */
    put(&coded, 6, 0);
    put_golomb(&coded, 0);
    put_golomb(&coded, 1); /* order by a table */
    put(&coded, 1, 0);
    put_golomb(&coded, 3);
    put_golomb(&coded, 4);
    put_golomb(&coded, 2);
    put_golomb(&coded, 5);
    put_golomb(&coded, 6);
    put_golomb(&coded, references);
    put(&coded, 1, 0);
    put_golomb(&coded, across - 1);
    put_golomb(&coded, down - 1);
    put(&coded, 1, 1);
    begin_unit(&coded, 8, 0x68);
    put_slice(&coded, 0x65, 0);
    return look(&stream, SL_FORMAT_H264, &coded);
}

static void nothing_hides_how_much_memory_pictures_take(void **state) {
    (void)state;
    assert_int_equal(look_at_high_sps(5, 256, 144), SL_BITSTREAM_AFRESH);
    assert_int_equal(look_at_high_sps(6, 256, 144), SL_BITSTREAM_LARGE);
}

/* The shortest there are: access unit delimiters, and empty temporal delimiters. */
static sl_bitstream_state look_at_many(sl_format format, size_t units) {
    static const uint8_t h264[] = {0, 0, 1, 9, 0xf0}, hevc[] = {0, 0, 1, 0x46, 1, 0x50},
                         av1[] = {0x12, 0};
    const uint8_t *unit = format == SL_FORMAT_H264 ? h264 : format == SL_FORMAT_HEVC ? hevc : av1;
    size_t size = format == SL_FORMAT_H264   ? sizeof(h264)
                  : format == SL_FORMAT_HEVC ? sizeof(hevc)
                                             : sizeof(av1);
    static uint8_t bytes[2000 * sizeof(hevc)];
    sl_bitstream stream = {0};
    for (size_t i = 0; i < units; i++)
        memcpy(bytes + i * size, unit, size);
    return sl_bitstream_look(&stream, format, bytes, units * size);
}

static void frames_may_not_have_thousands_of_units(void **state) {
    (void)state;
    for (int format = SL_FORMAT_H264; format <= SL_FORMAT_AV1; format++) {
        assert_int_equal(look_at_many((sl_format)format, 1000), SL_BITSTREAM_FOLLOWS);
        assert_int_equal(look_at_many((sl_format)format, 2000), SL_BITSTREAM_LARGE);
    }
}

static void hevc_starts_with_an_idr(void **state) {
    (void)state;
    sl_bitstream stream = {0};
    static const unsigned types[] = {32, 33, 34};
    for (unsigned slice = 0; slice < 32; slice++) {
        struct coded coded = {0};
        for (size_t i = 0; i < 3; i++)
            begin_unit(&coded, 16, types[i] << 9 | 1);
        begin_unit(&coded, 16, slice << 9 | 1);
        put(&coded, 16, 0xffff);
        assert_int_equal(look(&stream, SL_FORMAT_HEVC, &coded),
                         slice == 19 || slice == 20 ? SL_BITSTREAM_AFRESH : SL_BITSTREAM_FOLLOWS);
    }
}

/* Temporal delimiter, sequence header, and a frame whose first bits are these. */
static sl_bitstream_state look_at_obus(unsigned frame_bits, unsigned size) {
    sl_bitstream stream = {0};
    struct coded coded = {0};
    put(&coded, 16, 0x1200);
    put(&coded, 24, 0x0a01aa);
    put(&coded, 16, 0x3200 | size);
    put(&coded, 8, frame_bits << 4);
    return look(&stream, SL_FORMAT_AV1, &coded);
}

static void av1_starts_with_a_shown_key_frame(void **state) {
    (void)state;
    assert_int_equal(look_at_obus(1, 1), SL_BITSTREAM_AFRESH);
    assert_int_equal(look_at_obus(0, 1), SL_BITSTREAM_FOLLOWS); /* not shown */
    assert_int_equal(look_at_obus(3, 1), SL_BITSTREAM_FOLLOWS); /* builds on others */
    assert_int_equal(look_at_obus(9, 1), SL_BITSTREAM_FOLLOWS); /* shows an old one */
    assert_int_equal(look_at_obus(1, 2), SL_BITSTREAM_FOLLOWS); /* longer than all */
}

static void anything_may_come(void **state) {
    (void)state;
    uint8_t bytes[64];
    sl_bitstream stream = {0};
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525U + 1013904223U;
            bytes[i] = seed >> 31 ? (uint8_t)(seed >> 20) : (uint8_t)(seed >> 24 & 3);
        }
        sl_format format = (sl_format)(SL_FORMAT_H264 + round % 3);
        sl_bitstream_look(&stream, format, bytes, seed >> 8 & 63);
    }
    assert_int_equal(sl_bitstream_look(&stream, SL_FORMAT_AV1, bytes, 0), SL_BITSTREAM_FOLLOWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_frames_leave_a_gap),
        cmocka_unit_test(gaps_that_are_allowed_are_none),
        cmocka_unit_test(keyframes_need_their_parameters),
        cmocka_unit_test(pictures_may_not_take_too_much_memory),
        cmocka_unit_test(nothing_hides_how_much_memory_pictures_take),
        cmocka_unit_test(frames_may_not_have_thousands_of_units),
        cmocka_unit_test(hevc_starts_with_an_idr),
        cmocka_unit_test(av1_starts_with_a_shown_key_frame),
        cmocka_unit_test(anything_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
