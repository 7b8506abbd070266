/* NetGear's messages: ours as it reads them, its own as we read them, and what neither should. */
#include "wire/netgear.h"
#include "base/error.h"
#include "fault.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sl_buffer *buffer_of(const void *data, size_t size) {
    sl_buffer *buffer;
    assert_int_equal(sl_buffer_new(&buffer, size), 0);
    memcpy(buffer->data, data, size);
    return buffer;
}

static sl_buffer *text_of(const char *text) {
    return buffer_of(text, strlen(text));
}

/* Reads a head and, unless it is NULL, a second part of `size` zeros. */
static int read_parts(const char *head, const sl_buffer *payload, sl_netgear_message *message) {
    sl_buffer *parts[2] = {text_of(head), payload ? buffer_of(payload->data, payload->size) : NULL};
    int result = sl_netgear_read(parts, payload ? 2 : 1, message);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    return result;
}

static int read_sized(const char *head, size_t size, sl_netgear_message *message) {
    static uint8_t zeros[256];
    sl_buffer payload = {.data = zeros, .size = size};
    return read_parts(head, &payload, message);
}

static void assert_text(const sl_buffer *buffer, const char *text) {
    assert_int_equal(buffer->size, strlen(text));
    assert_memory_equal(buffer->data, text, buffer->size);
}

static void arrays_have_netgears_head(void **state) {
    (void)state;
    sl_frame *frame;
    sl_buffer *head;
    assert_int_equal(sl_frame_new_array(&frame, ">u2", 2, (int64_t[]){3, 4}), 0);
    assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_PUBSUB, NULL, &head), 0);
    assert_text(head, "{\"terminate_flag\": false, \"compression\": false, \"message\": null, "
                      "\"pattern\": \"2\", \"dtype\": \">u2\", \"shape\": [3, 4]}");
    sl_buffer_unref(&head);
    sl_frame_unref(&frame);
}

static void jpegs_have_netgears_head(void **state) {
    (void)state;
    sl_frame *frame;
    sl_buffer *bytes = text_of("jpeg"), *head;
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    frame->fast_dct = true;
    frame->colorspace = SL_COLORSPACE_GRAY;
    assert_int_equal(sl_frame_put_message(frame, "{\"a\": [1, \"\xc3\xa4\"]}"), 0);
    assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_PAIR, NULL, &head), 0);
    assert_text(head, "{\"terminate_flag\": false, \"compression\": {\"dct\": true, \"ups\": "
                      "false, \"colorspace\": \"GRAY\"}, \"message\": {\"a\": [1, \"ä\"]}, "
                      "\"pattern\": \"0\", \"dtype\": \"\", \"shape\": \"\"}");
    sl_buffer_unref(&head);
    assert_int_equal(sl_frame_put_message(frame, "{oops"), 0);
    assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_PAIR, NULL, &head), SL_EINVAL);
    assert_null(head);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I420, 2, 2), 0);
    assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_PAIR, NULL, &head), SL_EINVAL);
    sl_frame_unref(&frame);
}

static void replies_and_ends_are_netgears(void **state) {
    (void)state;
    sl_buffer *buffer;
    char device[9];
    sl_netgear_device_name(device);
    assert_int_equal(strspn(device, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 8);
    assert_int_equal(sl_netgear_write_reply("ABCD1234", &buffer), 0);
    assert_text(buffer, "Data received on device: ABCD1234 !");
    sl_buffer_unref(&buffer);
    assert_int_equal(sl_netgear_write_end(NULL, &buffer), 0);
    assert_text(buffer, "{\"terminate_flag\": true}");
    sl_netgear_message message;
    assert_int_equal(sl_netgear_read(&buffer, 1, &message), 0);
    assert_true(message.end);
    assert_null(message.frame);
    sl_buffer_unref(&buffer);
}

/* Who sends stands first, as it was given, and comes back so. */
static void senders_say_their_ports(void **state) {
    (void)state;
    static const char *const ports[] = {"5566", "\"5566\"", "\"a \\u0000\""};
    sl_frame *frame;
    sl_buffer *parts[2], *end;
    sl_netgear_message message;
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 1, (int64_t[]){1}), 0);
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        char begin[64];
        snprintf(begin, sizeof(begin), "{\"port\": %s, \"terminate_flag\": false", ports[i]);
        assert_true(sl_netgear_is_port(ports[i]));
        assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_REQREP, ports[i], &parts[0]), 0);
        assert_memory_equal(parts[0]->data, begin, strlen(begin));
        assert_int_equal(sl_frame_bytes(frame, &parts[1]), 0);
        assert_int_equal(sl_netgear_read(parts, 2, &message), 0);
        assert_string_equal(message.port, ports[i]);
        assert_string_equal(message.frame->port, ports[i]);
        sl_frame_unref(&message.frame);
        assert_int_equal(sl_netgear_write_end(ports[i], &end), 0);
        assert_int_equal(sl_netgear_read(&end, 1, &message), 0);
        assert_true(message.end);
        assert_string_equal(message.port, ports[i]);
        sl_buffer_unref(&end);
        sl_buffer_unref(&parts[0]);
        sl_buffer_unref(&parts[1]);
    }
    sl_frame_unref(&frame);
}

static void other_ports_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "1.5", "[5566]", "{}", "true",
        "\"0123456789012345678901234567890123456789012345678901234567890123\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char head[160];
        sl_netgear_message message;
        assert_false(sl_netgear_is_port(wrong[i]));
        snprintf(head, sizeof(head), "{\"terminate_flag\": true, \"port\": %s}", wrong[i]);
        assert_int_equal(read_parts(head, NULL, &message), SL_EMESSAGE);
    }
    assert_false(sl_netgear_is_port("5566 x"));
    assert_false(sl_netgear_is_port(""));
}

static void frames_come_back(void **state) {
    (void)state;
    sl_frame *frame;
    sl_buffer *parts[2];
    sl_netgear_message message;
    assert_int_equal(sl_frame_new_array(&frame, "int16", 3, (int64_t[]){2, 3, 5}), 0);
    memset(frame->planes[0], 1, frame->size);
    assert_int_equal(sl_frame_put_message(frame, "{\"t\": 1.5, \"n\": \"\\u0000\"}"), 0);
    assert_int_equal(sl_netgear_write_head(frame, SL_PATTERN_REQREP, NULL, &parts[0]), 0);
    assert_int_equal(sl_frame_bytes(frame, &parts[1]), 0);
    assert_int_equal(sl_netgear_read(parts, 2, &message), 0);
    assert_false(message.end);
    assert_int_equal(message.pattern, SL_PATTERN_REQREP);
    assert_string_equal(message.frame->dtype, "int16");
    assert_int_equal(message.frame->dimensions, 3);
    assert_int_equal(message.frame->shape[2], 5);
    assert_ptr_equal(message.frame->planes[0], parts[1]->data);
    assert_string_equal(message.frame->message, "{\"t\": 1.5, \"n\": \"\\u0000\"}");
    sl_frame_unref(&message.frame);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    sl_frame_unref(&frame);
}

static void netgears_own_heads_are_read(void **state) {
    (void)state;
    sl_netgear_message message;
    assert_int_equal(read_sized("{\"port\": \"5567\", \"terminate_flag\": false, \"compression\": "
                                "{\"dct\": true, \"ups\": true, \"colorspace\": \"RGBA\"}, "
                                "\"message\": null, \"pattern\": \"2\", \"dtype\": \"\", "
                                "\"shape\": \"\"}",
                                9, &message),
                     0);
    assert_int_equal(message.frame->format, SL_FORMAT_JPEG);
    assert_int_equal(message.frame->colorspace, SL_COLORSPACE_RGBA);
    assert_true(message.frame->fast_dct && message.frame->fast_upsample);
    assert_int_equal(message.frame->size, 9);
    assert_null(message.frame->message);
    sl_frame_unref(&message.frame);
    assert_int_equal(read_sized("{\"terminate_flag\":false,\"compression\":false,\"pattern\":1,"
                                "\"dtype\":\"uint8\",\"shape\":[2,3]}",
                                6, &message),
                     0);
    assert_int_equal(message.frame->format, SL_FORMAT_GRAY);
    assert_int_equal(message.pattern, 1);
    sl_frame_unref(&message.frame);
    assert_int_equal(read_parts("{\"terminate_flag\": true, \"port\": 5}", NULL, &message), 0);
    assert_true(message.end);
    assert_int_equal(message.pattern, -1);
}

#define ARRAY "{\"terminate_flag\": false, \"compression\": false, \"pattern\": \"1\", "
#define JPEG  "{\"terminate_flag\": false, \"pattern\": \"1\", \"compression\": "

static void other_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *head;
        const char *reason; /* a word of it */
    } heads[] = {
        {"", "not JSON"},
        {"hello", "not JSON"},
        {"\xff\xfe{}", "not JSON"},
        {"{\"message\": NaN}", "not JSON"},
        {"{\"a\": 1, \"a\": 2}", "duplicate"},
        {"[]", "object"},
        {"{}", "terminate_flag"},
        {"{\"terminate_flag\": 0}", "terminate_flag"},
        {"{\"terminate_flag\": false}", "compression"},
        {"{\"terminate_flag\": false, \"pattern\": \"3\", \"compression\": false}", "pattern"},
        {"{\"terminate_flag\": false, \"pattern\": [], \"compression\": false}", "pattern"},
        {JPEG "true}", "compression"},
        {JPEG "null}", "compression"},
        {JPEG "{}}", "colorspace"},
        {JPEG "{\"colorspace\": \"BGR\", \"ups\": false}}", "dct"},
        {JPEG "{\"colorspace\": \"BGR\", \"dct\": false, \"ups\": 1}}", "ups"},
        {JPEG "{\"colorspace\": \"HSV\", \"dct\": false, \"ups\": false}}", "HSV"},
        {JPEG "{\"colorspace\": \"BGR\\u0000\", \"dct\": false, \"ups\": false}}", "colorspace"},
        {ARRAY "\"shape\": [6]}", "dtype"},
        {ARRAY "\"dtype\": 1, \"shape\": [6]}", "dtype"},
        {ARRAY "\"dtype\": \"\", \"shape\": [6]}", "dtype"},
        {ARRAY "\"dtype\": \"object\", \"shape\": [6]}", "dtype"},
        {ARRAY "\"dtype\": \"uint8\"}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": \"\"}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": []}", "dimensions"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [1, 1, 1, 1, 1, 1, 1, 1, 6]}", "dimensions"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [-1, -6]}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [0, 6]}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [6.0]}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [true, 6]}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [7]}", "shape"},
        {ARRAY "\"dtype\": \"uint16\", \"shape\": [6]}", "shape"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [4294967296, 4294967296, 6]}", "larger"},
        {ARRAY "\"dtype\": \"uint8\", \"shape\": [9223372036854775808]}", "not JSON"},
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        sl_netgear_message message;
        assert_int_equal(read_sized(heads[i].head, 6, &message), SL_EMESSAGE);
        assert_null(message.frame);
        if (!strstr(sl_error(), heads[i].reason))
            fail_msg("%s: %s", heads[i].head, sl_error());
    }
}

static void other_numbers_of_parts_are_refused(void **state) {
    (void)state;
    const char *head = ARRAY "\"dtype\": \"uint8\", \"shape\": [6]}";
    sl_netgear_message message;
    assert_int_equal(read_parts(head, NULL, &message), SL_EMESSAGE);
    assert_int_equal(read_sized(head, 0, &message), SL_EMESSAGE);
    sl_buffer *parts[3] = {text_of(head), text_of("sixsix"), text_of("sixsix")};
    assert_int_equal(sl_netgear_read(parts, 3, &message), SL_EMESSAGE);
    assert_int_equal(sl_netgear_read(parts, 0, &message), SL_EMESSAGE);
    assert_int_equal(sl_netgear_read(parts, 2, &message), 0);
    sl_frame_unref(&message.frame);
    for (int i = 0; i < 3; i++)
        sl_buffer_unref(&parts[i]);
}

static void heads_are_bounded(void **state) {
    (void)state;
    sl_netgear_message message;
    sl_buffer *head;
    assert_int_equal(sl_buffer_new(&head, SL_NETGEAR_HEAD_MAX + 1), 0);
    memset(head->data, '[', head->size);
    assert_int_equal(sl_netgear_read(&head, 1, &message), SL_EMESSAGE);
    assert_non_null(strstr(sl_error(), "bytes"));
    head->size = SL_NETGEAR_HEAD_MAX;
    assert_int_equal(sl_netgear_read(&head, 1, &message), SL_EMESSAGE);
    sl_buffer_unref(&head);
}

/* `opening`, then so many empty lists, then `closing`. */
static sl_buffer *lists_of(const char *opening, size_t count, const char *closing) {
    sl_buffer *head;
    size_t begin = strlen(opening), end = strlen(closing);
    assert_int_equal(sl_buffer_new(&head, begin + 3 * count - 1 + end), 0);
    for (size_t i = 0; i < count; i++)
        memcpy(head->data + begin + 3 * i, "[],", i + 1 < count ? 3 : 2);
    memcpy(head->data, opening, begin);
    memcpy(head->data + begin + 3 * count - 1, closing, end);
    return head;
}

static void lists_are_bounded(void **state) {
    (void)state;
    sl_netgear_message message;
    for (size_t more = 0; more < 2; more++) {
        size_t count = SL_NETGEAR_HEAD_LISTS_MAX - 2 + more;
        sl_buffer *head = lists_of("{\"terminate_flag\": true, \"m\": [", count, "]}");
        assert_int_equal(sl_netgear_read(&head, 1, &message), more ? SL_EMESSAGE : 0);
        sl_buffer_unref(&head);
        head = lists_of("{\"terminate_flag\": true, \"m\": \"\\\"[", count + 9, "\"}");
        assert_int_equal(sl_netgear_read(&head, 1, &message), 0);
        sl_buffer_unref(&head);
    }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_netgear_message message = {0};
        sl_frame *frame = NULL;
        sl_buffer *parts[2] = {NULL, NULL};
        int result = sl_frame_new_array(&frame, "uint8", 2, (int64_t[]){2, 3});
        if (result == 0)
            result = sl_frame_put_message(frame, "[1, 2]");
        if (result == 0)
            result = sl_frame_bytes(frame, &parts[1]);
        if (result == 0)
            result = sl_netgear_write_head(frame, SL_PATTERN_REQREP, NULL, &parts[0]);
        if (result == 0)
            result = sl_netgear_read(parts, 2, &message);
        assert_int_equal(result, fault_happened() ? SL_ENOMEM : 0);
        assert_true((message.frame != NULL) == (result == 0));
        sl_frame_unref(&message.frame);
        sl_frame_unref(&frame);
        sl_buffer_unref(&parts[0]);
        sl_buffer_unref(&parts[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_have_netgears_head),
        cmocka_unit_test(jpegs_have_netgears_head),
        cmocka_unit_test(replies_and_ends_are_netgears),
        cmocka_unit_test(senders_say_their_ports),
        cmocka_unit_test(other_ports_are_refused),
        cmocka_unit_test(frames_come_back),
        cmocka_unit_test(netgears_own_heads_are_read),
        cmocka_unit_test(other_messages_are_refused),
        cmocka_unit_test(other_numbers_of_parts_are_refused),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
