/* Replies that carry something back: ours as NetGear reads them, its own, and what is neither. */
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

static sl_buffer *buffer_of(const char *text) {
    sl_buffer *buffer;
    assert_int_equal(sl_buffer_new(&buffer, strlen(text)), 0);
    memcpy(buffer->data, text, strlen(text));
    return buffer;
}

static void assert_text(const sl_buffer *buffer, const char *text) {
    assert_int_equal(buffer->size, strlen(text));
    assert_memory_equal(buffer->data, text, buffer->size);
}

static void values_have_netgears_types(void **state) {
    static const char *const values[][3] = {
        {"{\"a\": 1}", "dict", "{\"a\": 1}"},
        {"[1,2]", "list", "[1, 2]"},
        {"\"\xc3\xa4\"", "str", "\"\xc3\xa4\""},
        {"-7", "int", "-7"},
        {"0.5", "float", "0.5"},
        {"true", "bool", "true"},
        {"false", "bool", "false"},
        {"null", "NoneType", "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char expected[100];
        sl_buffer *reply;
        snprintf(expected, sizeof expected, "{\"return_type\": \"%s\", \"data\": %s}", values[i][1],
                 values[i][2]);
        assert_int_equal(sl_netgear_write_data(NULL, values[i][0], &reply), 0);
        assert_text(reply, expected);
        sl_buffer_unref(&reply);
    }
    sl_buffer *reply;
    assert_int_equal(sl_netgear_write_data("\"5566\"", NULL, &reply), 0);
    assert_text(reply, "{\"port\": \"5566\", \"return_type\": \"NoneType\", \"data\": null}");
    sl_buffer_unref(&reply);
    assert_int_equal(sl_netgear_write_data(NULL, "hello", &reply), SL_EINVAL);
    assert_null(reply);
}

static void arrays_and_jpegs_come_back(void **state) {
    sl_frame *frame, *returned;
    sl_buffer *parts[2];
    (void)state;
    assert_int_equal(sl_frame_new_array(&frame, ">u2", 2, (int64_t[]){3, 4}), 0);
    assert_int_equal(sl_netgear_write_array("5566", frame, &parts[0]), 0);
    assert_text(parts[0], "{\"port\": 5566, \"return_type\": \"ndarray\", \"compression\": false, "
                          "\"array_dtype\": \">u2\", \"array_shape\": [3, 4], \"data\": null}");
    assert_int_equal(sl_frame_bytes(frame, &parts[1]), 0);
    assert_int_equal(sl_netgear_read_reply(parts, 2, &returned), 0);
    assert_string_equal(returned->dtype, ">u2");
    assert_int_equal(returned->shape[1], 4);
    assert_ptr_equal(returned->planes[0], frame->planes[0]);
    assert_string_equal(returned->port, "5566");
    assert_null(returned->message);
    sl_frame_unref(&returned);
    sl_buffer_unref(&parts[0]);
    sl_frame_unref(&frame);

    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_JPEG, parts[1]), 0);
    frame->fast_dct = true;
    frame->colorspace = SL_COLORSPACE_RGB;
    assert_int_equal(sl_netgear_write_array(NULL, frame, &parts[0]), 0);
    assert_text(parts[0],
                "{\"return_type\": \"ndarray\", \"compression\": {\"dct\": true, \"ups\": "
                "false, \"colorspace\": \"RGB\"}, \"array_dtype\": \"\", "
                "\"array_shape\": \"\", \"data\": null}");
    assert_int_equal(sl_netgear_read_reply(parts, 2, &returned), 0);
    assert_int_equal(returned->format, SL_FORMAT_JPEG);
    assert_int_equal(returned->colorspace, SL_COLORSPACE_RGB);
    assert_null(returned->port);
    sl_frame_unref(&returned);
    sl_frame_unref(&frame);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
}

static sl_frame *read_value(const char *text) {
    sl_frame *returned;
    sl_buffer *reply = buffer_of(text);
    assert_int_equal(sl_netgear_read_reply(&reply, 1, &returned), 0);
    sl_buffer_unref(&reply);
    return returned;
}

static void values_come_back(void **state) {
    (void)state;
    assert_null(read_value("{\"return_type\": \"NoneType\", \"data\": null}"));
    sl_frame *returned = read_value("{\"data\":[1],\"return_type\":\"anything\",\"more\":0}");
    assert_int_equal(returned->format, SL_FORMAT_NONE);
    assert_string_equal(returned->message, "[1]");
    assert_null(returned->port);
    sl_frame_unref(&returned);
    returned = read_value("{\"port\":5566,\"return_type\":\"NoneType\",\"data\":null}");
    assert_null(returned->message);
    assert_string_equal(returned->port, "5566");
    sl_frame_unref(&returned);
}

static void what_is_no_reply_is_refused(void **state) {
    static const char *const wrong[] = {
        "Data received on device: ABCD1234 !",
        "",
        "7",
        "{\"return_type\": \"str\"}",
        "{\"data\": 1}",
        "{\"return_type\": 1, \"data\": 1}",
        "{\"return_type\": \"int\", \"data\": NaN}",
        ("{\"return_type\": \"ndarray\", \"compression\": false, \"array_dtype\": \"u1\", "
         "\"array_shape\": [1], \"data\": null}"),
        "{\"port\": {}, \"return_type\": \"int\", \"data\": 1}",
        "{\"port\": 5e3, \"return_type\": \"int\", \"data\": 1}",
    };
    sl_frame *returned;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sl_buffer *reply = buffer_of(wrong[i]);
        assert_int_equal(sl_netgear_read_reply(&reply, 1, &returned), SL_EMESSAGE);
        assert_null(returned);
        sl_buffer_unref(&reply);
    }
    sl_buffer *parts[3] = {buffer_of("{\"return_type\": \"int\", \"data\": 1}"), buffer_of("x"),
                           buffer_of("y")};
    assert_int_equal(sl_netgear_read_reply(parts, 0, &returned), SL_EMESSAGE);
    assert_int_equal(sl_netgear_read_reply(parts, 2, &returned), SL_EMESSAGE);
    assert_int_equal(sl_netgear_read_reply(parts, 3, &returned), SL_EMESSAGE);
    for (int i = 0; i < 3; i++)
        sl_buffer_unref(&parts[i]);
}

static void values_are_checked(void **state) {
    char *longest = malloc(SL_NETGEAR_JSON_MAX + 2);
    (void)state;
    memset(longest, 'x', SL_NETGEAR_JSON_MAX + 1);
    longest[0] = longest[SL_NETGEAR_JSON_MAX - 1] = '"';
    longest[SL_NETGEAR_JSON_MAX] = '\0';
    assert_int_equal(sl_netgear_check_json(longest), 0);
    sl_buffer *reply;
    assert_int_equal(sl_netgear_write_data("\"5566\"", longest, &reply), 0);
    sl_buffer_unref(&reply);
    memset(longest, 'x', SL_NETGEAR_JSON_MAX);
    longest[0] = longest[SL_NETGEAR_JSON_MAX] = '"';
    longest[SL_NETGEAR_JSON_MAX + 1] = '\0';
    assert_int_equal(sl_netgear_check_json(longest), SL_EINVAL);
    assert_int_equal(sl_netgear_check_json("1 2"), SL_EINVAL);
    assert_int_equal(sl_netgear_check_json(" \"a\\u0000\" "), 0);
    size_t most = SL_NETGEAR_JSON_LISTS_MAX - 1; /* and the one around them */
    longest[0] = '[';
    for (size_t i = 0; i < most; i++)
        memcpy(longest + 1 + 3 * i, "[],", 3);
    strcpy(longest + 3 * most, "]");
    assert_int_equal(sl_netgear_check_json(longest), 0);
    strcpy(longest + 3 * most, ",[]]");
    assert_int_equal(sl_netgear_check_json(longest), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "lists and objects"));
    free(longest);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_buffer *reply = NULL;
        sl_frame *returned = NULL;
        int result = sl_netgear_write_data("5566", "{\"a\": [1]}", &reply);
        if (result == 0)
            result = sl_netgear_read_reply(&reply, 1, &returned);
        assert_int_equal(result, fault_happened() ? SL_ENOMEM : 0);
        assert_true((returned != NULL) == (result == 0));
        sl_frame_unref(&returned);
        sl_buffer_unref(&reply);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_netgears_types), cmocka_unit_test(arrays_and_jpegs_come_back),
        cmocka_unit_test(values_come_back),           cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(values_are_checked),         cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
