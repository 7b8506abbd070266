/* The live pattern's messages: they come back as they were written, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/error.h>
#include <string.h>

#include "wire/live.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5};

static const sl_live_message samples[] = {
    {.kind = SL_LIVE_HELLO,
     .lowest = 1,
     .highest = 3,
     .codecs = 0x1234,
     .session = 0xfedcba98,
     .sent_us = 1234567890123,
     .camera = 0xfedcba9876543210,
     .text = "Garage £"},
    {.kind = SL_LIVE_WELCOME,
     .lowest = 1,
     .highest = 1,
     .codecs = 15,
     .session = 7,
     .sent_us = 1,
     .now_us = 1700000000000000},
    {.kind = SL_LIVE_REFUSAL, .lowest = 2, .highest = 2, .text = "too old"},
    {.kind = SL_LIVE_CHUNK,
     .codec = SL_LIVE_AV1,
     .flags = SL_LIVE_KEYFRAME,
     .epoch = 65535,
     .session = 9,
     .sequence = 0x80000001,
     .offset = 10,
     .total = 15,
     .sent_us = 5,
     .captured_us = 1700000000000000,
     .clock_us = -42,
     .width = 1920,
     .height = 1080,
     .data = bytes,
     .size = sizeof bytes},
    {.kind = SL_LIVE_ACK,
     .flags = SL_LIVE_KEYFRAME,
     .session = 9,
     .epoch = 2,
     .sequence = 3,
     .offset = 4,
     .bytes = UINT64_MAX,
     .sent_us = 5,
     .now_us = 6,
     .shown = 7,
     .shown_age_us = 8},
    {.kind = SL_LIVE_PING, .session = 1, .sent_us = 2},
    {.kind = SL_LIVE_PONG,
     .flags = SL_LIVE_UNWATCHED,
     .session = 1,
     .sent_us = 2,
     .now_us = 3,
     .bytes = 4},
    {.kind = SL_LIVE_VIEW, .flags = SL_LIVE_UNWATCHED, .session = 1},
    {.kind = SL_LIVE_LOSS,
     .flags = SL_LIVE_LOST,
     .session = 1,
     .lost_us = 12000000,
     .text = "the plug was pulled"},
    {.kind = SL_LIVE_END, .session = 1},
};

#define SAMPLES (sizeof samples / sizeof samples[0])

static sl_buffer *write(const sl_live_message *message) {
    sl_buffer *written = NULL;
    assert_int_equal(sl_live_write(message, &written), SL_OK);
    return written;
}

static int read(sl_buffer *from, sl_live_message *message) {
    return sl_live_read(&from, 1, message);
}

static void come_back_as_written(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        sl_live_message got, expected = samples[i];
        sl_buffer *written = write(&samples[i]);
        assert_int_equal(read(written, &got), SL_OK);
        if (expected.size > 0)
            assert_memory_equal(got.data, expected.data, expected.size);
        expected.data = got.data;
        assert_memory_equal(&got, &expected, sizeof got);
        sl_buffer_unref(&written);
    }
}

/* The layout that PROTOCOL.md draws, byte by byte. */
static void lies_as_drawn(void **state) {
    (void)state;
    static const uint8_t drawn[] = {
        'S',  'L',  'L',  'C', 3,    1,    0xff, 0xff, 0,    0, 0,    9,    0x80, 0,    0,
        1,    0,    0,    0,   10,   0,    0,    0,    15,   0, 0,    0,    0,    0,    0,
        0,    5,    0,    6,   10,   0x24, 0x18, 0x1e, 0x40, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xd6, 7,   0x80, 4,    0x38, 1,    2,    3, 4,    5};
    sl_buffer *written = write(&samples[3]);
    assert_int_equal(written->size, SL_LIVE_CHUNK_HEAD + sizeof bytes);
    assert_int_equal(written->size, sizeof drawn);
    assert_memory_equal(written->data, drawn, sizeof drawn);
    sl_buffer_unref(&written);
}

static void refuses_what_is_cut_short_or_too_long(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        sl_live_message got;
        sl_buffer *written = write(&samples[i]);
        size_t whole = written->size, tail = strlen(samples[i].text) + samples[i].size;
        for (written->size = 0; written->size < whole - tail; written->size++)
            assert_int_equal(read(written, &got), SL_EMESSAGE);
        sl_buffer_unref(&written);
        if (tail > 0)
            continue;
        sl_buffer *longer = NULL;
        written = write(&samples[i]);
        assert_int_equal(sl_buffer_new(&longer, written->size + 1), SL_OK);
        memcpy(longer->data, written->data, written->size);
        assert_int_equal(read(longer, &got), SL_EMESSAGE);
        sl_buffer_unref(&longer);
        sl_buffer_unref(&written);
    }
}

static void refuse(const sl_live_message *message) {
    sl_live_message got;
    sl_buffer *written = write(message);
    assert_int_equal(read(written, &got), SL_EMESSAGE);
    sl_buffer_unref(&written);
}

static void refuses_what_is_out_of_bounds(void **state) {
    (void)state;
    sl_live_message chunk = samples[3];
    chunk.total = 14; /* it would end behind it */
    refuse(&chunk);
    chunk = samples[3];
    chunk.offset = UINT32_MAX;
    refuse(&chunk);
    chunk.total = UINT32_MAX;
    refuse(&chunk);
    chunk = samples[3];
    chunk.codec = SL_LIVE_CODECS;
    refuse(&chunk);
    chunk = samples[3];
    chunk.clock_us = INT64_MAX;
    refuse(&chunk);
    chunk = samples[3];
    chunk.width = 0; /* and yet it has a height */
    refuse(&chunk);
    sl_live_message ack = samples[4];
    ack.now_us = -1;
    refuse(&ack);
    ack = samples[4];
    ack.sent_us = INT64_MAX;
    refuse(&ack);
    sl_live_message hello = samples[0];
    strcpy(hello.text, "a\"b");
    refuse(&hello);
}

static void writes_nothing_that_is_out_of_bounds(void **state) {
    (void)state;
    static const uint8_t much[SL_LIVE_CHUNK_MAX + 1];
    sl_live_message chunk = samples[3];
    sl_buffer *written = NULL;
    chunk.data = much;
    chunk.size = sizeof much;
    assert_int_equal(sl_live_write(&chunk, &written), SL_EINVAL);
    chunk.size = 0;
    assert_int_equal(sl_live_write(&chunk, &written), SL_EINVAL);
    assert_null(written);
}

static void makes_text_harmless(void **state) {
    (void)state;
    sl_live_message hello = samples[0], got;
    strcpy(hello.text, "a\033[2Jb\xff");
    sl_buffer *written = write(&hello);
    assert_int_equal(read(written, &got), SL_OK);
    assert_string_equal(got.text, "a?[2Jb?");
    written->data[written->size - 5] = '\0'; /* of a peer's text no part is hidden, either */
    assert_int_equal(read(written, &got), SL_OK);
    assert_string_equal(got.text, "a??2Jb?");
    sl_buffer_unref(&written);
}

static void names_are_told_apart_from_what_is_none(void **state) {
    (void)state;
    char name[SL_LIVE_NAME_MAX + 2] = "Haustür 2";
    assert_int_equal(sl_live_check_name(name), SL_OK);
    memset(name, 'a', SL_LIVE_NAME_MAX);
    assert_int_equal(sl_live_check_name(name), SL_OK);
    name[SL_LIVE_NAME_MAX] = 'a';
    static const char *const bad[] = {"", "a \"b\"", "a\\b", "a\nb", "a\xff", "\x1b[2J"};
    assert_int_equal(sl_live_check_name(name), SL_EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(sl_live_check_name(bad[i]), SL_EINVAL);
}

static void takes_one_part(void **state) {
    (void)state;
    sl_live_message got;
    sl_buffer *written = write(&samples[5]);
    sl_buffer *parts[] = {written, written};
    assert_int_equal(sl_live_read(parts, 2, &got), SL_EMESSAGE);
    assert_int_equal(sl_live_read(parts, 0, &got), SL_EMESSAGE);
    sl_buffer_unref(&written);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(come_back_as_written),
        cmocka_unit_test(lies_as_drawn),
        cmocka_unit_test(refuses_what_is_cut_short_or_too_long),
        cmocka_unit_test(refuses_what_is_out_of_bounds),
        cmocka_unit_test(writes_nothing_that_is_out_of_bounds),
        cmocka_unit_test(makes_text_harmless),
        cmocka_unit_test(names_are_told_apart_from_what_is_none),
        cmocka_unit_test(takes_one_part),
    };
    return cmocka_run_group_tests_name("wire/live", tests, NULL, NULL);
}
