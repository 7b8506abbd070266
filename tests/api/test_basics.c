/* What a user's program sees of settings, frames, errors, cancel objects and logging. */
#include <sightline/sightline.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>

static void library_is_of_these_headers(void **state) {
    (void)state;
    assert_string_equal(sl_version(), SL_VERSION);
    assert_string_equal(sl_error_name(SL_EAUTH), "SL_EAUTH");
    assert_non_null(sl_error());
    for (int i = SL_TUNNEL_NONE; i <= SL_TUNNEL_WAITING; i++)
        assert_non_null(sl_tunnel_state_name((sl_tunnel_state)i));
}

static void defaults_are_netgears(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_receiver_settings receiver;
    sl_sender_settings_init(&sender);
    sl_receiver_settings_init(&receiver);
    assert_int_equal(sender.link.port, 5555);
    assert_int_equal(receiver.link.port, 5555);
    assert_int_equal(sender.link.protocol, SL_PROTOCOL_TCP);
    assert_true(sender.codec.jpeg);
    assert_int_equal(sender.codec.quality, 90);
    assert_int_equal(sender.codec.colorspace, SL_COLORSPACE_BGR);
    assert_true(sender.codec.fast_dct);
    assert_false(sender.codec.fast_upsample);
    assert_true(sender.link.request_timeout_s == 4);
    assert_int_equal(sender.link.max_message_bytes, 64 * 1024 * 1024);
    assert_null(sender.tunnel.destination);
    sl_settings_finish(&sender);
    sl_settings_finish(&receiver);
}

static void settings_go_by_name(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_source_settings source;
    void *both[] = {&sender, &source};
    sl_sender_settings_init(&sender);
    sl_source_settings_init(&source);
    assert_int_equal(sl_settings_set(&sender, "jpeg_compression_quality", "80"), 0);
    assert_int_equal(sender.codec.quality, 80);
    assert_int_equal(sl_settings_set(&sender, "jpeg_compression_quality", "900"), SL_EINVAL);
    assert_string_equal(sl_error(), "jpeg_compression_quality must be from 10 to 100, not 900");
    assert_int_equal(sl_settings_set(&sender, "jpeg_compression", "GRAY"), 0);
    assert_int_equal(sender.codec.colorspace, SL_COLORSPACE_GRAY);
    assert_int_equal(sl_settings_set(&sender, "jpeg_compression", "false"), 0);
    assert_false(sender.codec.jpeg);
    assert_int_equal(sl_settings_set(&sender, "pattern", "2"), 0);
    assert_int_equal(sender.link.pattern, SL_PATTERN_PUBSUB);
    assert_int_equal(sl_settings_offer(both, 2, "size", "640x480"), 0);
    assert_int_equal(source.size.width, 640);
    assert_int_equal(sl_settings_offer(both, 2, "adress", "x"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "did you mean address?"));
    assert_null(sl_settings_find(&sender, "size"));
    sl_settings_finish(&sender);
    sl_settings_finish(&source);
}

/* Every option has what help and manual need, and a name that is its alone. */
static void check_options(const void *settings) {
    for (const sl_option_group *group = sl_settings_groups(settings); group->options; group++) {
        assert_non_null(group->title);
        for (size_t i = 0; i < group->count; i++) {
            const sl_option *option = &group->options[i];
            assert_ptr_equal(sl_settings_find(settings, option->name), option);
            assert_non_null(option->help);
            assert_int_not_equal(option->help[strlen(option->help) - 1], '.');
        }
    }
}

static void options_are_described(void **state) {
    (void)state;
    sl_sender_settings sender;
    sl_receiver_settings receiver;
    sl_source_settings source;
    sl_sink_settings sink;
    sl_sender_settings_init(&sender);
    sl_receiver_settings_init(&receiver);
    sl_source_settings_init(&source);
    sl_sink_settings_init(&sink);
    check_options(&sender);
    check_options(&receiver);
    check_options(&source);
    check_options(&sink);
}

static void count_release(void *opaque, void *data) {
    (void)data;
    ++*(int *)opaque;
}

static void frames_are_shared(void **state) {
    (void)state;
    uint8_t pixels[6] = {0};
    int released = 0;
    sl_frame *frame;
    assert_int_equal(sl_frame_wrap_array(&frame, "uint8", 2, (int64_t[]){2, 3}, pixels,
                                         count_release, &released),
                     0);
    assert_int_equal(frame->format, SL_FORMAT_GRAY);
    sl_frame *second = sl_frame_ref(frame);
    sl_frame_unref(&frame);
    assert_null(frame);
    assert_int_equal(released, 0);
    assert_int_equal(sl_frame_wait(second, NULL, 0), SL_OK);
    frame = sl_frame_ref(second);
    assert_int_equal(sl_frame_wait(second, NULL, 0), SL_EAGAIN);
    sl_frame_unref(&frame);
    sl_frame_unref(&second);
    assert_int_equal(released, 1);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I420, 0, 5), SL_EINVAL);
    assert_int_equal(sl_dtype_size(">u2"), 2);
}

static void cancel_ends_an_open_receiver(void **state) {
    (void)state;
    sl_cancel *cancel;
    sl_receiver *receiver;
    sl_receiver_settings settings;
    sl_frame *frame = NULL;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    struct pollfd polled = {.fd = sl_cancel_fd(cancel), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 0), 0);
    sl_receiver_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    settings.link.port = 0;
    settings.cancel = cancel;
    assert_int_equal(sl_receiver_open(&receiver, &settings), 0);
    assert_int_equal(sl_receiver_recv(receiver, &frame, 1), SL_EAGAIN);
    sl_cancel_trigger(cancel);
    assert_int_equal(poll(&polled, 1, 0), 1);
    assert_int_equal(sl_receiver_recv(receiver, &frame, -1), SL_ECANCELED);
    sl_receiver_close(&receiver);
    sl_receiver_close(&receiver);
    sl_cancel_close(&cancel);
}

static void closing_nothing_is_safe(void **state) {
    (void)state;
    sl_source *source = NULL;
    sl_sender *sender = NULL;
    sl_receiver *receiver = NULL;
    sl_sink *sink = NULL;
    sl_cancel *cancel = NULL;
    sl_frame *frame = NULL;
    sl_camera_list *list = NULL;
    sl_source_close(&source);
    sl_sender_close(&sender);
    sl_receiver_close(&receiver);
    assert_int_equal(sl_sink_close(&sink), 0);
    sl_cancel_close(&cancel);
    sl_frame_unref(&frame);
    sl_camera_list_close(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_is_of_these_headers),
        cmocka_unit_test(defaults_are_netgears),
        cmocka_unit_test(settings_go_by_name),
        cmocka_unit_test(options_are_described),
        cmocka_unit_test(frames_are_shared),
        cmocka_unit_test(cancel_ends_an_open_receiver),
        cmocka_unit_test(closing_nothing_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
