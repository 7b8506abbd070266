/* Bidirectional mode: messages with frames, and data with replies, within one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/sightline.h>
#include <stdlib.h>
#include <string.h>

struct ends {
    sl_receiver *receiver;
    sl_sender *sender;
};

static void open_ends(struct ends *ends, sl_pattern pattern, const char *compression) {
    sl_receiver_settings receiving;
    sl_sender_settings sending;
    sl_stats stats;
    sl_receiver_settings_init(&receiving);
    sl_sender_settings_init(&sending);
    receiving.link.address = sending.link.address = "127.0.0.1";
    receiving.link.port = 0;
    receiving.link.pattern = sending.link.pattern = pattern;
    receiving.link.bidirectional_mode = sending.link.bidirectional_mode = true;
    assert_int_equal(sl_settings_set(&receiving, "jpeg_compression", compression), 0);
    sending.codec.jpeg = false;
    assert_int_equal(sl_receiver_open(&ends->receiver, &receiving), 0);
    sl_receiver_stats(ends->receiver, &stats);
    sending.link.port = stats.port;
    assert_int_equal(sl_sender_open(&ends->sender, &sending), 0);
    sl_settings_finish(&receiving);
    sl_settings_finish(&sending);
}

static void close_ends(struct ends *ends) {
    sl_sender_close(&ends->sender);
    sl_receiver_close(&ends->receiver);
}

/* Sends one frame with a message, which must arrive as it is, and waits for its reply. */
static void exchange(struct ends *ends, const char *message, const char *arrives) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 4, 2), 0);
    memset(frame->planes[0], 7, frame->size);
    assert_int_equal(sl_frame_set_message(frame, message), 0);
    assert_int_equal(sl_sender_send(ends->sender, frame, -1), 0);
    sl_frame_unref(&frame);
    assert_int_equal(sl_receiver_recv(ends->receiver, &frame, -1), 0);
    if (arrives)
        assert_string_equal(frame->message, arrives);
    else
        assert_null(frame->message);
    assert_null(frame->port);
    sl_frame_unref(&frame);
    assert_int_equal(sl_sender_flush(ends->sender, -1), 0);
}

static void expect_returned(struct ends *ends, const char *json) {
    sl_frame *returned;
    assert_int_equal(sl_sender_returned(ends->sender, &returned), 0);
    assert_int_equal(returned->format, SL_FORMAT_NONE);
    assert_string_equal(returned->message, json);
    assert_null(returned->port);
    sl_frame_unref(&returned);
    assert_int_equal(sl_sender_returned(ends->sender, &returned), SL_EAGAIN);
    assert_null(returned);
}

/* What one end says and how the other reads it. */
static const char *const values[][2] = {
    {"true", "true"},
    {" -17", "-17"},
    {"1.5", "1.5"},
    {"\"Gr\xc3\xbc\xc3\x9f"
     "e\"",
     "\"Gr\\u00FC\\u00DFe\""},
    {"[1,[2,{\"a\":null}]]", "[1, [2, {\"a\": null}]]"},
    {"{}", "{}"},
    {"\"\"", "\"\""},
};

static void values_go_both_ways(void **state) {
    sl_frame *returned;
    struct ends ends;
    open_ends(&ends, *(sl_pattern *)*state, "false");
    exchange(&ends, NULL, NULL);
    assert_int_equal(sl_sender_returned(ends.sender, &returned), SL_EAGAIN);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(sl_receiver_return(ends.receiver, values[i][0], NULL), 0);
        for (int again = 0; again < 2; again++) { /* it goes with every reply */
            exchange(&ends, values[i][0], values[i][1]);
            expect_returned(&ends, values[i][1]);
        }
    }
    assert_int_equal(sl_receiver_return(ends.receiver, NULL, NULL), 0);
    exchange(&ends, "null", NULL);
    assert_int_equal(sl_sender_returned(ends.sender, &returned), SL_EAGAIN);
    close_ends(&ends);
}

static void large_values_go_both_ways(void **state) {
    const size_t size = 1024 * 1024;
    char *json = malloc(size + 1), *longer = malloc(3 * size);
    struct ends ends;
    memset(json, 'x', size);
    json[0] = json[size - 1] = '"';
    json[size] = '\0';
    memset(longer, '1', 3 * size);
    longer[3 * size - 1] = '\0';
    longer[0] = longer[3 * size - 2] = '"';
    open_ends(&ends, *(sl_pattern *)*state, "false");
    assert_int_equal(sl_receiver_return(ends.receiver, longer, NULL), SL_EINVAL);
    assert_int_equal(sl_receiver_return(ends.receiver, json, NULL), 0);
    exchange(&ends, json, json);
    expect_returned(&ends, json);
    close_ends(&ends);
    free(json);
    free(longer);
}

static void arrays_come_back(void **state) {
    int64_t shape[] = {2, 1, 3};
    sl_frame *array, *returned;
    struct ends ends;
    open_ends(&ends, *(sl_pattern *)*state, "false");
    assert_int_equal(sl_frame_new_array(&array, ">f4", 2, (int64_t[]){0, 3}), 0);
    assert_int_equal(sl_receiver_return(ends.receiver, NULL, array), SL_EINVAL);
    assert_int_equal(sl_sender_send(ends.sender, array, 0), SL_EINVAL); /* and goes on */
    sl_frame_unref(&array);
    assert_int_equal(sl_frame_new_array(&array, ">f4", 3, shape), 0);
    for (size_t i = 0; i < array->size; i++)
        array->planes[0][i] = (uint8_t)i;
    assert_int_equal(sl_receiver_return(ends.receiver, "1", array), SL_EINVAL);
    assert_int_equal(sl_receiver_return(ends.receiver, NULL, array), 0);
    exchange(&ends, NULL, NULL);
    assert_int_equal(sl_sender_returned(ends.sender, &returned), 0);
    assert_string_equal(returned->dtype, ">f4");
    assert_int_equal(returned->dimensions, 3);
    assert_memory_equal(returned->shape, shape, sizeof shape);
    assert_memory_equal(returned->planes[0], array->planes[0], array->size);
    assert_null(returned->message);
    sl_frame_unref(&returned);
    sl_frame_unref(&array);
    close_ends(&ends);
}

static void pictures_come_back_as_jpeg(void **state) {
    static const char *const spaces[] = {"true", "RGB", "GRAY"};
    for (size_t i = 0; i < 3; i++) {
        sl_frame *picture, *returned;
        struct ends ends;
        bool gray = strcmp(spaces[i], "GRAY") == 0;
        open_ends(&ends, *(sl_pattern *)*state, spaces[i]);
        assert_int_equal(sl_frame_new(&picture, gray ? SL_FORMAT_GRAY : SL_FORMAT_BGR, 32, 16), 0);
        memset(picture->planes[0], 200, picture->size);
        assert_int_equal(sl_receiver_return(ends.receiver, NULL, picture), 0);
        exchange(&ends, NULL, NULL);
        assert_int_equal(sl_sender_returned(ends.sender, &returned), 0);
        assert_string_equal(returned->dtype, "uint8");
        assert_int_equal(returned->dimensions, gray ? 2 : 3);
        assert_int_equal(returned->shape[1], 32);
        assert_in_range(returned->planes[0][0], 198, 202);
        sl_frame_unref(&returned);
        sl_frame_unref(&picture);
        close_ends(&ends);
    }
}

static void what_is_wrong_is_said(void **state) {
    sl_frame *frame, *other, *returned;
    sl_receiver_settings receiving;
    sl_sender_settings sending;
    sl_receiver *receiver;
    sl_sender *sender;
    (void)state;
    sl_receiver_settings_init(&receiving);
    sl_sender_settings_init(&sending);
    receiving.link.port = 0;
    assert_int_equal(sl_receiver_open(&receiver, &receiving), 0);
    assert_int_equal(sl_receiver_return(receiver, "1", NULL), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "bidirectional_mode"));
    sl_receiver_close(&receiver);
    assert_int_equal(sl_sender_open(&sender, &sending), 0);
    assert_int_equal(sl_sender_returned(sender, &returned), SL_EINVAL);
    sl_sender_close(&sender);

    receiving.link.pattern = sending.link.pattern = SL_PATTERN_PUBSUB;
    receiving.link.bidirectional_mode = sending.link.bidirectional_mode = true;
    assert_int_equal(sl_receiver_open(&receiver, &receiving), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "bidirectional_mode"));
    assert_int_equal(sl_sender_open(&sender, &sending), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "bidirectional_mode"));
    receiving.link.pattern = SL_PATTERN_PAIR;
    assert_int_equal(sl_receiver_open(&receiver, &receiving), 0);
    assert_int_equal(sl_receiver_return(receiver, "hello", NULL), SL_EINVAL);
    assert_int_equal(sl_frame_new_array(&frame, "float32", 1, (int64_t[]){3}), 0);
    assert_int_equal(sl_receiver_return(receiver, NULL, frame), SL_EINVAL); /* no JPEG of that */
    sl_receiver_close(&receiver);

    static const char *const wrong[] = {"", "hello", "{", "1 2", "NaN", "\"\xff\"", "{'a': 1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(sl_frame_set_message(frame, wrong[i]), SL_EINVAL);
    assert_null(frame->message);
    other = sl_frame_ref(frame);
    assert_int_equal(sl_frame_set_message(frame, "1"), SL_EINVAL);
    sl_frame_unref(&other);
    assert_int_equal(sl_frame_with_message(&other, frame, "nothing"), SL_EINVAL);
    assert_null(other);
    assert_int_equal(sl_frame_with_message(&other, frame, "{\"a\": 1}"), 0);
    assert_ptr_equal(other->planes[0], frame->planes[0]);
    assert_string_equal(other->message, "{\"a\": 1}");
    assert_null(frame->message);
    sl_frame_unref(&other);
    sl_frame_unref(&frame);
    sl_settings_finish(&receiving);
    sl_settings_finish(&sending);
}

int main(void) {
    static sl_pattern pair = SL_PATTERN_PAIR, reqrep = SL_PATTERN_REQREP;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(values_go_both_ways, &pair),
        cmocka_unit_test_prestate(values_go_both_ways, &reqrep),
        cmocka_unit_test_prestate(large_values_go_both_ways, &pair),
        cmocka_unit_test_prestate(large_values_go_both_ways, &reqrep),
        cmocka_unit_test_prestate(arrays_come_back, &pair),
        cmocka_unit_test_prestate(arrays_come_back, &reqrep),
        cmocka_unit_test_prestate(pictures_come_back_as_jpeg, &reqrep),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
