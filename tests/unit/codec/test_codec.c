/* Which kind codes what, the options by name, and arrays that travel as they are. */
#include "codec/codec.h"
#include "base/error.h"
#include "base/settings.h"
#include "fault.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

struct settings {
    sl_settings settings;
    sl_codec_settings codec;
};

static struct settings defaults(void) {
    static sl_option_group groups[2];
    groups[0] = (sl_option_group){.title = "Codec",
                                  .options = sl_codec_options,
                                  .count = sl_codec_option_count,
                                  .offset = offsetof(struct settings, codec)};
    struct settings settings;
    sl_settings_init(&settings, sizeof(settings), groups);
    return settings;
}

static void options_have_netgears_defaults(void **state) {
    (void)state;
    struct settings settings = defaults();
    assert_true(settings.codec.jpeg);
    assert_int_equal(settings.codec.colorspace, SL_COLORSPACE_BGR);
    assert_int_equal(settings.codec.quality, 90);
    assert_int_equal(settings.codec.min_quality, 30);
    assert_true(settings.codec.fast_dct);
    assert_false(settings.codec.fast_upsample);
}

static void compression_is_a_flag_or_a_colour_space(void **state) {
    (void)state;
    struct settings settings = defaults();
    const char *name = "jpeg_compression";
    assert_int_equal(sl_settings_set(&settings, name, "GRAY"), 0);
    assert_true(settings.codec.jpeg);
    assert_int_equal(settings.codec.colorspace, SL_COLORSPACE_GRAY);
    assert_int_equal(sl_settings_set(&settings, name, "false"), 0);
    assert_false(settings.codec.jpeg);
    assert_int_equal(sl_settings_set(&settings, name, "True"), 0);
    assert_true(settings.codec.jpeg);
    assert_int_equal(settings.codec.colorspace, SL_COLORSPACE_BGR);
    assert_int_equal(sl_settings_set(&settings, name, "HSV"), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "jpeg_compression"));
    assert_non_null(strstr(sl_error(), "CMYK"));
    assert_int_equal(sl_settings_set(&settings, "jpeg_compression_quality", "9"), SL_EINVAL);
    assert_int_equal(sl_settings_set(&settings, "jpeg_compression_quality", "10"), 0);
    assert_int_equal(settings.codec.quality, 10);
    sl_settings_finish(&settings);
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    sl_codec *codec;
    sl_codec_settings settings = defaults().codec;
    settings.quality = 101;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_EINVAL);
    settings = defaults().codec;
    settings.colorspace = (sl_colorspace)99;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_EINVAL);
    assert_null(codec);
    sl_codec_close(&codec);
}

static void video_is_chosen_by_name(void **state) {
    (void)state;
    struct settings settings = defaults();
    assert_int_equal(settings.codec.video_codec, SL_VIDEO_AUTO);
    assert_int_equal(settings.codec.video_preset, SL_PRESET_AUTO);
    assert_null(settings.codec.video_encoder);
    assert_int_equal(sl_settings_set(&settings, "video_codec", "av1"), 0);
    assert_int_equal(sl_codec_live_format(&settings.codec), SL_FORMAT_AV1);
    assert_int_equal(sl_settings_set(&settings, "video_codec", "vp9"), SL_EINVAL);
    assert_int_equal(sl_settings_set(&settings, "video_preset", "veryslow"), 0);
    assert_int_equal(settings.codec.video_preset, SL_PRESET_VERYSLOW);
    assert_int_equal(sl_settings_set(&settings, "video_preset", "slapdash"), SL_EINVAL);
    sl_settings_finish(&settings);
}

static void encoders_that_there_are_not_are_refused(void **state) {
    (void)state;
    sl_codec *codec;
    sl_codec_settings settings = defaults().codec;
    settings.video_preset = (sl_video_preset)99;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_EINVAL);
    settings = defaults().codec;
    settings.video_encoder = "libx999";
    assert_int_equal(sl_codec_open(&codec, &settings), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "libx999"));
    settings.video_encoder = "libx265";
    settings.video_codec = SL_VIDEO_H264;
    assert_int_equal(sl_codec_open(&codec, &settings), SL_EINVAL);
    assert_non_null(strstr(sl_error(), "HEVC"));
    settings.video_codec = SL_VIDEO_AUTO;
    assert_int_equal(sl_codec_live_format(&settings), SL_FORMAT_HEVC);
    settings.video_encoder = "auto";
    assert_int_equal(sl_codec_live_format(&settings), SL_FORMAT_H264);
    settings.video_codec = SL_VIDEO_JPEG;
    assert_int_equal(sl_codec_live_format(&settings), SL_FORMAT_JPEG);
}

static void raw_arrays_are_passed_on(void **state) {
    (void)state;
    sl_codec *codec;
    sl_frame *frame, *coded, *decoded;
    sl_codec_settings settings = defaults().codec;
    settings.jpeg = false;
    assert_int_equal(sl_codec_open(&codec, &settings), 0);
    assert_int_equal(sl_frame_new_array(&frame, "float32", 3, (int64_t[]){2, 3, 4}), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_ptr_equal(coded, frame);
    assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_PLANES, &decoded), 0);
    assert_ptr_equal(decoded, frame);
    sl_frame_unref(&decoded);
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I420, 16, 16), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_EINVAL);
    assert_null(coded);
    assert_non_null(strstr(sl_error(), "I420"));
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void no_output_takes_what_is_no_jpeg(void **state) {
    (void)state;
    sl_codec *codec;
    sl_buffer *bytes;
    sl_frame *coded, *frame;
    sl_codec_settings settings = defaults().codec;
    assert_int_equal(sl_codec_open(&codec, &settings), 0);
    assert_int_equal(sl_buffer_new(&bytes, 4), 0);
    memcpy(bytes->data, "oops", 4);
    assert_int_equal(sl_frame_new_coded(&coded, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    for (int output = SL_OUTPUT_ARRAY; output <= SL_OUTPUT_CODED; output++) {
        assert_int_equal(sl_codec_decode(codec, coded, (sl_output)output, &frame), SL_EMESSAGE);
        assert_null(frame);
    }
    sl_frame_unref(&coded);
    sl_codec_close(&codec);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    sl_codec_settings settings = defaults().codec;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_codec *codec = NULL;
        sl_frame *frame = NULL, *coded = NULL, *decoded = NULL;
        int result = sl_codec_open(&codec, &settings);
        if (result == 0)
            result = sl_frame_new(&frame, SL_FORMAT_I420, 33, 17);
        if (result == 0) {
            memset(frame->planes[0], 100, frame->size);
            result = sl_frame_put_message(frame, "\"hello\"");
        }
        if (result == 0)
            result = sl_codec_encode(codec, frame, &coded);
        if (result == 0)
            result = sl_codec_decode(codec, coded, nth % 2 ? SL_OUTPUT_PLANES : SL_OUTPUT_ARRAY,
                                     &decoded);
        assert_int_equal(result, fault_happened() ? SL_ENOMEM : 0);
        assert_true((decoded != NULL) == (result == 0));
        sl_frame_unref(&decoded);
        sl_frame_unref(&coded);
        sl_frame_unref(&frame);
        sl_codec_close(&codec);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_netgears_defaults),
        cmocka_unit_test(compression_is_a_flag_or_a_colour_space),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(video_is_chosen_by_name),
        cmocka_unit_test(encoders_that_there_are_not_are_refused),
        cmocka_unit_test(raw_arrays_are_passed_on),
        cmocka_unit_test(no_output_takes_what_is_no_jpeg),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
