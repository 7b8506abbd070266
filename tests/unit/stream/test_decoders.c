/* Each sender of video has a decoder, for as long as it sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/sightline.h>
#include <string.h>

#include "base/clock.h"
#include "frame/frame.h"
#include "stream/decoders.h"

/* Of a sender that sends no video, but says so. */
static void decode(sl_decoders *decoders, const char *port) {
    sl_buffer *bytes = NULL;
    sl_frame *coded = NULL, *frame = NULL;
    assert_int_equal(sl_buffer_new(&bytes, 4), SL_OK);
    memcpy(bytes->data, "oops", 4);
    assert_int_equal(sl_frame_new_coded(&coded, SL_FORMAT_H264, bytes), SL_OK);
    assert_int_equal(sl_frame_set_port(coded, port), SL_OK);
    assert_int_equal(sl_decoders_decode(decoders, coded, SL_OUTPUT_PLANES, &frame), SL_EMESSAGE);
    assert_null(frame);
    sl_frame_unref(&coded);
    sl_buffer_unref(&bytes);
}

static void idle_ones_are_closed(void **state) {
    (void)state;
    sl_receiver_settings settings;
    sl_decoders *decoders = NULL;
    sl_receiver_settings_init(&settings);
    assert_int_equal(sl_decoders_open(&decoders, &settings.codec, true), SL_OK);
    decode(decoders, "\"garage\"");
    decode(decoders, "\"garden\"");
    decode(decoders, "\"garage\"");
    assert_int_equal(sl_decoders_close_idle(decoders, sl_now_us()), 3); /* one for all else */
    assert_int_equal(sl_decoders_close_idle(decoders, sl_now_us() + 60 * SL_SECOND_US), 0);
    decode(decoders, "\"garage\"");
    assert_int_equal(sl_decoders_close_idle(decoders, sl_now_us()), 1);
    sl_decoders_close(&decoders);
    assert_null(decoders);
    sl_settings_finish(&settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_ones_are_closed),
    };
    return cmocka_run_group_tests_name("stream/decoders", tests, NULL, NULL);
}
