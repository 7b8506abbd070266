/* Video there and back, frame by frame: rates and sizes that change, and what a peer may do wrong.
 */
#include "base/error.h"
#include "codec/video.h"
#include "fault.h"
#include "moving.h"

static void assert_decodes(sl_codec *codec, const sl_frame *coded) {
    sl_frame *frame;
    assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_PLANES, &frame), 0);
    assert_int_equal(frame->sequence, coded->sequence);
    sl_frame_unref(&frame);
}

static void assert_refused(sl_codec *codec, const sl_frame *coded) {
    sl_frame *frame;
    assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_PLANES, &frame), SL_EMESSAGE);
    assert_null(frame);
}

static void there_and_back(sl_format format, int threads) {
    sl_codec *encoder = open_codec(), *decoder = open_codec();
    sl_codec_aim aim = usual;
    aim.format = format;
    aim.threads = threads;
    assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
    for (int number = 0; number < 6; number++) {
        sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, number), *coded, *decoded;
        assert_int_equal(sl_codec_encode(encoder, frame, &coded), 0);
        assert_int_equal(coded->format, format);
        assert_int_equal(coded->width, WIDTH);
        assert_int_equal(coded->keyframe, number == 0);
        assert_int_equal(sl_codec_decode(decoder, coded, SL_OUTPUT_PLANES, &decoded), 0);
        assert_int_equal(decoded->format, SL_FORMAT_I420);
        assert_int_equal(decoded->sequence, number);
        assert_int_equal(decoded->captured_utc_us, 1000 + number);
        assert_true(difference(frame, decoded) < 16);
        sl_frame_unref(&decoded);
        sl_frame_unref(&coded);
        sl_frame_unref(&frame);
    }
    assert_non_null(sl_codec_last(encoder).encoder);
    assert_int_equal(sl_codec_last(encoder).width, WIDTH);
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void each_frame_gives_its_picture_at_once(void **state) {
    (void)state;
    for (int format = SL_FORMAT_H264; format <= SL_FORMAT_AV1; format++) {
        assert_true(sl_codec_can_decode((sl_format)format));
        there_and_back((sl_format)format, 0);
        there_and_back((sl_format)format, 2);
    }
    assert_true(sl_codec_can_decode(SL_FORMAT_JPEG));
    assert_false(sl_codec_can_decode(SL_FORMAT_BGR));
}

/* Noise, as a sensor's in the dark, that no frame shares with the one before it. */
static void add_noise(const sl_frame *frame, unsigned seed) {
    for (size_t at = 0; at < (size_t)frame->height * frame->strides[0]; at++) {
        seed = seed * 1664525U + 1013904223U;
        frame->planes[0][at] = (uint8_t)(frame->planes[0][at] + (seed >> 27));
    }
}

/* Bytes of 30 frames; none of them a keyframe, but the first of all. */
static size_t second_of(sl_codec *codec, const sl_codec_aim *aim, int *number) {
    size_t bytes = 0;
    assert_int_equal(sl_codec_aim_at(codec, aim), 0);
    for (int i = 0; i < 30; i++) {
        sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, *number), *coded;
        add_noise(frame, (unsigned)*number);
        assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
        assert_int_equal(coded->keyframe, *number == 0);
        bytes += coded->size;
        ++*number;
        sl_frame_unref(&frame);
        sl_frame_unref(&coded);
    }
    return bytes;
}

static void rates_change_without_a_keyframe(void **state) {
    (void)state;
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    int number = 0;
    aim.bit_rate = 1200000;
    second_of(codec, &aim, &number);
    size_t full = second_of(codec, &aim, &number);
    assert_in_range(full * 8, 700000, 1320000);
    aim.bit_rate = 600000;
    size_t half = second_of(codec, &aim, &number);
    assert_in_range(half * 8, 400000, 690000);
    assert_in_range(sl_codec_last(codec).quantiser, SL_VIDEO_QUANTISER_BEST + 1, 51);
    assert_false(sl_codec_last(codec).best);
    /* The same in half as many frames. */
    aim.fps = 15;
    size_t slow = second_of(codec, &aim, &number);
    assert_in_range(slow * 4, 400000, 690000);
    sl_codec_close(&codec);
}

static void rate_beyond_the_best_quality_is_not_used(void **state) {
    (void)state;
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    int number = 0;
    aim.bit_rate = 50000000;
    size_t bytes = second_of(codec, &aim, &number);
    assert_true(bytes * 8 < 30000000);
    assert_true(sl_codec_last(codec).best);
    sl_codec_close(&codec);
}

/* Of few bits libx264 takes a quarter, and leaves the picture coarse: it gets more. */
static void few_bits_are_not_left(void **state) {
    (void)state;
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    int number = 0;
    aim.bit_rate = 150000;
    second_of(codec, &aim, &number);
    second_of(codec, &aim, &number);
    size_t bytes = second_of(codec, &aim, &number);
    assert_in_range(bytes * 8, 60000, 150000);
    sl_codec_close(&codec);
}

/* They are told a rate, and would begin afresh with another. */
static void encoders_that_begin_afresh_are_asked_for_no_more(void **state) {
    (void)state;
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    int number = 0;
    aim.format = SL_FORMAT_HEVC;
    aim.bit_rate = 150000;
    for (int second = 0; second < 3; second++)
        second_of(codec, &aim, &number); /* none is a keyframe, but the first */
    sl_codec_close(&codec);
}

static size_t encoded(sl_video_encoder *encoder, int number, bool keyframe) {
    sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, number), *coded;
    add_noise(frame, (unsigned)number);
    assert_int_equal(sl_video_encoder_encode(encoder, frame, keyframe, &coded), 0);
    assert_int_equal(coded->keyframe, keyframe);
    size_t size = coded->size;
    sl_frame_unref(&frame);
    sl_frame_unref(&coded);
    return size;
}

/* For a machine that has no time for finer ones. */
static void the_finest_quantiser_changes_without_a_keyframe(void **state) {
    (void)state;
    sl_video_maker other;
    sl_video_encoder *encoder;
    sl_video_plan plan = {
        .width = WIDTH,
        .height = HEIGHT,
        .threads = 1,
        .frame_bits = 10000000,
        .preset = SL_PRESET_ULTRAFAST,
        .quantiser = 18,
    };
    const sl_video_maker *maker = sl_video_maker_named("libx264", &other);
    assert_int_equal(sl_video_encoder_open(&encoder, maker, true, &plan), 0);
    encoded(encoder, 0, true);
    size_t fine = encoded(encoder, 1, false);
    assert_int_equal(sl_video_encoder_quantiser(encoder), 18);
    plan.quantiser = 24;
    assert_true(sl_video_encoder_steer(encoder, &plan));
    size_t coarse = encoded(encoder, 2, false);
    assert_int_equal(sl_video_encoder_quantiser(encoder), 24);
    assert_true(coarse < fine);
    sl_video_encoder_close(&encoder);
}

static void keyframes_come(sl_format format) {
    sl_codec *encoder = open_aimed(format), *decoder = open_codec();
    sl_codec_aim aim = usual;
    aim.format = format;
    for (int number = 0; number < 6; number++) {
        aim.keyframe = number == 3;
        assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
        sl_frame *coded = encode(encoder, number);
        assert_int_equal(coded->keyframe, number % 3 == 0);
        /* Whoever comes late begins there. */
        if (number >= 3)
            assert_decodes(decoder, coded);
        sl_frame_unref(&coded);
    }
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void keyframes_come_when_asked_for(void **state) {
    (void)state;
    for (int format = SL_FORMAT_H264; format <= SL_FORMAT_AV1; format++)
        keyframes_come((sl_format)format);
}

static void another_size_begins_with_a_keyframe(void **state) {
    (void)state;
    sl_codec *encoder = open_codec(), *decoder = open_codec();
    sl_codec_aim aim = usual;
    for (int number = 0; number < 4; number++) {
        sl_frame *frame;
        aim.scale = number < 2 ? 1 : 0.75;
        assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
        sl_frame *coded = encode(encoder, number);
        assert_int_equal(coded->keyframe, number % 2 == 0);
        assert_int_equal(coded->width, number < 2 ? 320 : 240);
        assert_int_equal(sl_codec_decode(decoder, coded, SL_OUTPUT_PLANES, &frame), 0);
        assert_int_equal(frame->width, coded->width);
        assert_int_equal(frame->height, coded->height);
        sl_frame_unref(&frame);
        sl_frame_unref(&coded);
    }
    assert_int_equal(sl_codec_last(encoder).height, 180);
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void aims_out_of_range_are_refused(void **state) {
    (void)state;
    sl_codec *codec = open_codec();
    for (int wrong = 0; wrong < 7; wrong++) {
        sl_codec_aim aim = usual;
        aim.format = wrong == 0 ? SL_FORMAT_BGR : aim.format;
        aim.bit_rate = wrong == 1 ? 0 : aim.bit_rate;
        aim.fps = wrong == 2 ? 0 : aim.fps;
        aim.scale = wrong == 3 ? 0 : wrong == 4 ? 1.5 : aim.scale;
        aim.quality = wrong == 5 ? 101 : aim.quality;
        aim.threads = wrong == 6 ? -1 : aim.threads;
        assert_int_equal(sl_codec_aim_at(codec, &aim), SL_EINVAL);
    }
    sl_codec_close(&codec);
}

static void nothing_is_given_out_after_a_missing_frame(void **state) {
    (void)state;
    sl_codec *encoder = open_aimed(SL_FORMAT_H264), *decoder = open_codec();
    sl_codec_aim aim = usual;
    for (int number = 0; number < 9; number++) {
        aim.keyframe = number == 6;
        assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
        sl_frame *coded = encode(encoder, number);
        if (number == 3 || number == 4 || number == 5)
            assert_refused(decoder, coded);
        else if (number != 2)
            assert_decodes(decoder, coded);
        sl_frame_unref(&coded);
    }
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void nor_before_the_first_keyframe(void **state) {
    (void)state;
    for (int format = SL_FORMAT_H264; format <= SL_FORMAT_AV1; format++) {
        sl_codec *encoder = open_aimed((sl_format)format), *decoder = open_codec();
        sl_frame *first = encode(encoder, 0), *second = encode(encoder, 1);
        assert_refused(decoder, second);
        assert_decodes(decoder, first);
        assert_decodes(decoder, second);
        sl_frame_unref(&second);
        sl_frame_unref(&first);
        sl_codec_close(&decoder);
        sl_codec_close(&encoder);
    }
}

/* The first `size` bytes of a coded frame. */
static sl_frame *cut(const sl_frame *coded, size_t size) {
    sl_buffer *bytes;
    sl_frame *part;
    assert_int_equal(sl_buffer_new(&bytes, size), 0);
    memcpy(bytes->data, coded->planes[0], size);
    assert_int_equal(sl_frame_new_coded(&part, coded->format, bytes), 0);
    sl_buffer_unref(&bytes);
    return part;
}

static void damaged_frames_are_refused(void **state) {
    (void)state;
    for (int format = SL_FORMAT_H264; format <= SL_FORMAT_AV1; format++) {
        sl_codec *encoder = open_aimed((sl_format)format), *decoder = open_codec();
        sl_frame *first = encode(encoder, 0), *second = encode(encoder, 1);
        /* What is left of HEVC decodes to something more often than not. */
        size_t parts = format == SL_FORMAT_HEVC ? 1 : 8;
        for (size_t part = 0; part < parts; part++) {
            sl_frame *head = cut(first, first->size * part / 8);
            sl_frame *rest = cut(second, second->size * part / 8);
            assert_refused(decoder, head);
            assert_refused(decoder, second);
            assert_decodes(decoder, first);
            assert_refused(decoder, rest);
            assert_refused(decoder, second);
            sl_frame_unref(&rest);
            sl_frame_unref(&head);
        }
        assert_decodes(decoder, first);
        assert_decodes(decoder, second);
        sl_frame_unref(&second);
        sl_frame_unref(&first);
        sl_codec_close(&decoder);
        sl_codec_close(&encoder);
    }
}

static void coded_output_begins_with_a_keyframe_too(void **state) {
    (void)state;
    sl_codec *encoder = open_aimed(SL_FORMAT_H264), *decoder = open_codec();
    sl_frame *first = encode(encoder, 0), *second = encode(encoder, 1), *passed;
    assert_int_equal(sl_codec_decode(decoder, second, SL_OUTPUT_CODED, &passed), SL_EMESSAGE);
    assert_null(passed);
    assert_int_equal(sl_codec_decode(decoder, first, SL_OUTPUT_CODED, &passed), 0);
    assert_ptr_equal(passed, first);
    sl_frame_unref(&passed);
    assert_int_equal(sl_codec_decode(decoder, second, SL_OUTPUT_CODED, &passed), 0);
    assert_ptr_equal(passed, second);
    sl_frame_unref(&passed);
    sl_frame *empty = cut(second, 0);
    assert_int_equal(sl_codec_decode(decoder, empty, SL_OUTPUT_CODED, &passed), SL_EMESSAGE);
    assert_int_equal(sl_codec_decode(decoder, second, SL_OUTPUT_CODED, &passed), SL_EMESSAGE);
    sl_frame_unref(&empty);
    sl_frame_unref(&second);
    sl_frame_unref(&first);
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

/* What was passed on was not decoded: pictures begin with the next keyframe, and nothing is wrong.
 */
static void pictures_begin_after_what_was_passed_on(void **state) {
    (void)state;
    sl_codec *encoder = open_aimed(SL_FORMAT_H264), *decoder = open_codec();
    sl_frame *first = encode(encoder, 0), *second = encode(encoder, 1), *out;
    assert_decodes(decoder, first);
    assert_int_equal(sl_codec_decode(decoder, second, SL_OUTPUT_CODED, &out), 0);
    sl_frame_unref(&out);
    sl_frame *third = encode(encoder, 2);
    assert_int_equal(sl_codec_decode(decoder, third, SL_OUTPUT_PLANES, &out), SL_EAGAIN);
    assert_null(out);
    sl_frame *fourth = encode(encoder, 3);
    assert_int_equal(sl_codec_decode(decoder, fourth, SL_OUTPUT_CODED, &out), 0);
    sl_frame_unref(&out);
    assert_decodes(decoder, first);
    assert_decodes(decoder, second);
    sl_frame_unref(&fourth);
    sl_frame_unref(&third);
    sl_frame_unref(&second);
    sl_frame_unref(&first);
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void every_picture_becomes_video(void **state) {
    (void)state;
    static const int sizes[][2] = {{320, 240}, {33, 17}, {65, 48}};
    for (int format = SL_FORMAT_GRAY; format <= SL_FORMAT_I444; format++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            sl_codec *encoder = open_aimed(SL_FORMAT_H264), *decoder = open_codec();
            sl_frame *frame = picture((sl_format)format, sizes[i][0], sizes[i][1], 0);
            sl_frame *coded, *decoded;
            assert_int_equal(sl_codec_encode(encoder, frame, &coded), 0);
            assert_int_equal(sl_codec_decode(decoder, coded, SL_OUTPUT_PLANES, &decoded), 0);
            assert_int_equal(decoded->width, sizes[i][0] & ~1);
            assert_int_equal(decoded->height, sizes[i][1] & ~1);
            if (format != SL_FORMAT_BGR)
                assert_true(difference(frame, decoded) < 16);
            sl_frame_unref(&decoded);
            sl_frame_unref(&coded);
            sl_frame_unref(&frame);
            sl_codec_close(&decoder);
            sl_codec_close(&encoder);
        }
    }
}

/* Colours, in the order that is set, come back in it. */
static void colours_come_back(void **state) {
    (void)state;
    static const uint8_t values[] = {200, 100, 50, 255};
    for (int i = SL_COLORSPACE_BGR; i < SL_COLORSPACE_CMYK; i++) {
        sl_codec_settings settings = defaults;
        settings.colorspace = (sl_colorspace)i;
        int channels = sl_colorspace_channels(settings.colorspace);
        sl_codec *codec;
        sl_frame *frame, *coded, *decoded;
        assert_int_equal(sl_codec_open(&codec, &settings), 0);
        assert_int_equal(sl_codec_aim_at(codec, &usual), 0);
        assert_int_equal(sl_frame_new_array(&frame, "uint8", 3, (int64_t[]){32, 64, channels}), 0);
        for (size_t at = 0; at < frame->size; at++)
            frame->planes[0][at] = values[at % (size_t)channels];
        assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
        assert_int_equal(sl_codec_decode(codec, coded, SL_OUTPUT_ARRAY, &decoded), 0);
        assert_int_equal(decoded->size, frame->size);
        /* What is in the place of opacity comes from nowhere. */
        bool first = i == SL_COLORSPACE_XBGR || i == SL_COLORSPACE_XRGB ||
                     i == SL_COLORSPACE_ABGR || i == SL_COLORSPACE_ARGB;
        for (int c = first; c < (first ? 4 : channels == 1 ? 1 : 3); c++)
            assert_in_range(decoded->planes[0][c] + 8, values[c], values[c] + 16);
        sl_frame_unref(&decoded);
        sl_frame_unref(&coded);
        sl_frame_unref(&frame);
        sl_codec_close(&codec);
    }
}

static void what_is_no_picture_is_refused(void **state) {
    (void)state;
    sl_codec *codec = open_aimed(SL_FORMAT_H264);
    sl_frame *frame, *coded;
    assert_int_equal(sl_frame_new_array(&frame, "float32", 3, (int64_t[]){32, 32, 3}), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_EINVAL);
    assert_null(coded);
    sl_frame_unref(&frame);
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_I420, 320, 1), 0);
    assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_EINVAL);
    assert_null(coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void jpegs_become_video(void **state) {
    (void)state;
    sl_codec *plain = open_codec(), *encoder = open_aimed(SL_FORMAT_H264);
    sl_frame *frame = picture(SL_FORMAT_I422, WIDTH, HEIGHT, 1), *jpeg, *coded, *decoded;
    assert_int_equal(sl_codec_encode(plain, frame, &jpeg), 0);
    assert_int_equal(sl_codec_encode(encoder, jpeg, &coded), 0);
    assert_int_equal(coded->format, SL_FORMAT_H264);
    assert_true(coded->keyframe);
    assert_int_equal(sl_codec_decode(plain, coded, SL_OUTPUT_PLANES, &decoded), 0);
    assert_true(difference(frame, decoded) < 16);
    sl_frame_unref(&decoded);
    /* And what is video already stays as it is. */
    assert_int_equal(sl_codec_encode(encoder, coded, &decoded), 0);
    assert_ptr_equal(decoded->planes[0], coded->planes[0]);
    assert_true(decoded->keyframe);
    assert_string_equal(sl_codec_last(encoder).encoder, "copy");
    assert_true(sl_codec_last(encoder).copied);
    sl_frame_unref(&decoded);
    sl_frame_unref(&coded);
    sl_frame_unref(&jpeg);
    sl_frame_unref(&frame);
    sl_codec_close(&encoder);
    sl_codec_close(&plain);
}

static void live_jpegs_follow_the_aim(void **state) {
    (void)state;
    sl_codec *plain = open_codec(), *encoder = open_codec();
    sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, 1), *large, *same, *small;
    sl_codec_aim aim = usual;
    aim.format = SL_FORMAT_JPEG;
    aim.bit_rate = 100000000;
    assert_int_equal(sl_codec_encode(plain, frame, &large), 0);
    /* A camera's own passes where the rate allows it, and else is coded anew. */
    assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
    assert_int_equal(sl_codec_encode(encoder, large, &same), 0);
    assert_ptr_equal(same, large);
    assert_true(sl_codec_last(encoder).best);
    sl_frame_unref(&same);
    aim.bit_rate = 100000;
    aim.scale = 0.5;
    assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
    assert_int_equal(sl_codec_encode(encoder, large, &small), 0);
    assert_int_equal(small->format, SL_FORMAT_JPEG);
    assert_int_equal(small->width, WIDTH / 2);
    assert_true(small->size < large->size / 3);
    assert_string_equal(sl_codec_last(encoder).encoder, "jpeg");
    assert_false(sl_codec_last(encoder).best);
    sl_frame_unref(&small);
    sl_frame_unref(&large);
    sl_frame_unref(&frame);
    sl_codec_close(&encoder);
    sl_codec_close(&plain);
}

static void timecodes_survive_a_low_rate(void **state) {
    (void)state;
    sl_codec *encoder = open_codec(), *decoder = open_codec();
    sl_codec_aim aim = usual;
    aim.bit_rate = 500000;
    assert_int_equal(sl_codec_aim_at(encoder, &aim), 0);
    for (int number = 0; number < 20; number++) {
        sl_frame *frame = picture(SL_FORMAT_I420, 1280, 720, number), *coded, *decoded;
        uint32_t drawn = 571428571 + (uint32_t)number * 33, seen = 0;
        assert_true(sl_timecode_draw(frame, (int64_t)drawn * 1000));
        assert_int_equal(sl_codec_encode(encoder, frame, &coded), 0);
        assert_int_equal(sl_codec_decode(decoder, coded, SL_OUTPUT_PLANES, &decoded), 0);
        assert_true(sl_timecode_read(decoded, &seen));
        assert_int_equal(seen, drawn);
        sl_frame_unref(&decoded);
        sl_frame_unref(&coded);
        sl_frame_unref(&frame);
    }
    sl_codec_close(&decoder);
    sl_codec_close(&encoder);
}

static void an_encoder_that_fails_says_why(void **state) {
    (void)state;
    /* Needs a driver; and looks ahead. */
    static const char *const names[] = {"h264_omx", "librav1e"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sl_codec *codec;
        sl_codec_settings settings = defaults;
        sl_codec_aim aim = usual;
        sl_frame *frame = picture(SL_FORMAT_I420, WIDTH, HEIGHT, 0), *coded;
        settings.video_encoder = names[i];
        if (sl_codec_open(&codec, &settings) == 0) {
            aim.format = sl_codec_live_format(&settings);
            assert_int_equal(sl_codec_aim_at(codec, &aim), 0);
            assert_int_equal(sl_codec_encode(codec, frame, &coded), SL_EUNSUPPORTED);
            assert_non_null(strstr(sl_error(), names[i]));
            assert_null(coded);
        }
        sl_frame_unref(&frame);
        sl_codec_close(&codec);
    }
}

/* libx265 takes no picture this small. */
static void jpeg_takes_the_place_of_what_fails(void **state) {
    (void)state;
    sl_codec *codec = open_aimed(SL_FORMAT_HEVC);
    sl_frame *frame = picture(SL_FORMAT_I420, 8, 8, 0), *coded;
    assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
    assert_int_equal(coded->format, SL_FORMAT_JPEG);
    assert_string_equal(sl_codec_last(codec).encoder, "jpeg");
    sl_frame_unref(&coded);
    sl_frame_unref(&frame);
    sl_codec_close(&codec);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_codec *codec = NULL;
        sl_frame *frame = NULL, *coded = NULL, *decoded = NULL;
        int result = sl_codec_open(&codec, &defaults);
        if (result == 0)
            result = sl_codec_aim_at(codec, &usual);
        if (result == 0)
            result = sl_frame_new(&frame, SL_FORMAT_BGR, 64, 48);
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
        cmocka_unit_test(each_frame_gives_its_picture_at_once),
        cmocka_unit_test(rates_change_without_a_keyframe),
        cmocka_unit_test(few_bits_are_not_left),
        cmocka_unit_test(encoders_that_begin_afresh_are_asked_for_no_more),
        cmocka_unit_test(rate_beyond_the_best_quality_is_not_used),
        cmocka_unit_test(the_finest_quantiser_changes_without_a_keyframe),
        cmocka_unit_test(keyframes_come_when_asked_for),
        cmocka_unit_test(another_size_begins_with_a_keyframe),
        cmocka_unit_test(aims_out_of_range_are_refused),
        cmocka_unit_test(nothing_is_given_out_after_a_missing_frame),
        cmocka_unit_test(nor_before_the_first_keyframe),
        cmocka_unit_test(damaged_frames_are_refused),
        cmocka_unit_test(coded_output_begins_with_a_keyframe_too),
        cmocka_unit_test(pictures_begin_after_what_was_passed_on),
        cmocka_unit_test(every_picture_becomes_video),
        cmocka_unit_test(colours_come_back),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(jpegs_become_video),
        cmocka_unit_test(live_jpegs_follow_the_aim),
        cmocka_unit_test(timecodes_survive_a_low_rate),
        cmocka_unit_test(an_encoder_that_fails_says_why),
        cmocka_unit_test(jpeg_takes_the_place_of_what_fails),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
