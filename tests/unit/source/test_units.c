/* Video that is handed over as it came, each frame behind those since its keyframe. */
#include "footage.h"
#include "frame/bitstream.h"
#include "source/units.h"

#define KEYFRAME 30 /* PHONE's second one; the first is 0 */

static sl_source *open_video(const char *path, sl_format video) {
    sl_source_settings settings = settings_for(path);
    settings.unpaced = true;
    settings.video = video;
    return open_source(&settings);
}

static int frames_before(const sl_frame *frame) {
    int count = 0;
    for (const sl_frame *each = frame; (each = sl_frame_before(each)) != NULL; count++)
        assert_int_equal(each->sequence + 1 + (uint64_t)count, frame->sequence);
    return count;
}

/* MP4's boxes become Annex B, with the parameter sets before each keyframe. */
static void hands_over_what_a_file_holds(void **state) {
    (void)state;
    sl_source *source = open_video(PHONE, SL_FORMAT_H264);
    sl_bitstream stream = {0};
    for (int i = 0; i < PHONE_FRAMES; i++) {
        sl_frame *frame = next_frame(source);
        bool key = i == 0 || i == KEYFRAME;
        assert_int_equal(frame->format, SL_FORMAT_H264);
        assert_int_equal(frame->width, 1920);
        assert_int_equal(frame->height, 1080);
        assert_int_equal(frame->sequence, i);
        assert_true(frame->captured_monotonic_us > 0);
        assert_int_equal(frame->keyframe, key);
        assert_int_equal(sl_bitstream_look(&stream, frame->format, frame->planes[0], frame->size),
                         key ? SL_BITSTREAM_AFRESH : SL_BITSTREAM_FOLLOWS);
        assert_true(sl_frame_follows(frame));
        assert_int_equal(frames_before(frame), i < KEYFRAME ? i : i - KEYFRAME);
        sl_frame_unref(&frame);
    }
    sl_frame *none;
    assert_int_equal(sl_source_read(source, &none, PATIENCE_MS), SL_EEND);
    sl_source_close(&source);
}

static void assert_decoded(const sl_source_settings *settings) {
    sl_source *source = open_source(settings);
    sl_frame *frame = next_frame(source);
    assert_true(frame->format < SL_FORMAT_JPEG);
    sl_frame_unref(&frame);
    sl_source_close(&source);
}

/* Whoever changes something decodes. */
static void decodes_what_is_to_be_changed(void **state) {
    (void)state;
    sl_source_settings settings[7];
    for (size_t i = 0; i < 7; i++) {
        settings[i] = settings_for(PHONE);
        settings[i].unpaced = true;
        settings[i].video = SL_FORMAT_H264;
    }
    settings[0].video = SL_FORMAT_NONE;
    settings[1].video = SL_FORMAT_HEVC;
    settings[2].fps = 10;
    settings[3].size = (sl_size){960, 540};
    settings[4].filter = "hflip";
    settings[5].timecode = true;
    settings[6].deliver = SL_DELIVER_PIXELS;
    for (size_t i = 0; i < 7; i++)
        assert_decoded(&settings[i]);
    settings[0].video = SL_FORMAT_AV1;
    refused(&settings[0], SL_EINVAL, "AV1");
}

/* The bare stream of PHONE, without one of its frames. */
static const char *store_without(uint64_t missing) {
    FILE *file = fopen(file_path("a.h264"), "wb");
    sl_source *source = open_video(PHONE, SL_FORMAT_H264);
    assert_non_null(file);
    for (int i = 0; i < PHONE_FRAMES; i++) {
        sl_frame *frame = next_frame(source);
        if (frame->sequence != missing)
            assert_int_equal(fwrite(frame->planes[0], 1, frame->size, file), frame->size);
        sl_frame_unref(&frame);
    }
    sl_source_close(&source);
    assert_int_equal(fclose(file), 0);
    return file_path("a.h264");
}

/* What builds on a frame that is not there is left out. */
static void leaves_out_what_has_lost_its_ground(void **state) {
    (void)state;
    static const struct {
        uint64_t missing, frames;
    } cases[] = {{5, 5 + PHONE_FRAMES - KEYFRAME}, {0, PHONE_FRAMES - KEYFRAME}};
    for (size_t i = 0; i < 2; i++) {
        int end;
        sl_source *source = open_video(store_without(cases[i].missing), SL_FORMAT_H264);
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_H264);
        assert_true(frame->keyframe);
        sl_frame_unref(&frame);
        uint64_t rest = 0;
        while ((end = sl_source_read(source, &frame, PATIENCE_MS)) == 0) {
            rest++;
            assert_int_equal(frame->keyframe, !sl_frame_before(frame));
            sl_frame_unref(&frame);
        }
        assert_int_equal(end, SL_EEND);
        assert_int_equal(1 + rest, cases[i].frames);
        sl_source_close(&source);
        forget_file("a.h264");
    }
}

/* Where the units of types 7 and 8, the parameter sets, before a keyframe end. */
static size_t length_of_sets(const sl_frame *frame) {
    const uint8_t *bytes = frame->planes[0];
    size_t at = 0;
    while (at + 3 < frame->size && (bytes[at] || bytes[at + 1] || bytes[at + 2] != 1 ||
                                    (bytes[at + 3] & 0x1f) == 7 || (bytes[at + 3] & 0x1f) == 8))
        at++;
    assert_in_range(at, 4, 100);
    return at;
}

static AVPacket *packet_of(const sl_frame *frame, size_t from) {
    AVPacket *packet = av_packet_alloc();
    assert_non_null(packet);
    assert_int_equal(av_new_packet(packet, (int)(frame->size - from)), 0);
    memcpy(packet->data, frame->planes[0] + from, frame->size - from);
    packet->flags = frame->keyframe ? AV_PKT_FLAG_KEY : 0;
    return packet;
}

/* As V4L2's drivers do, unless they are told to repeat their sets. */
static void remembers_sets_that_are_said_once(void **state) {
    (void)state;
    AVStream stream = {.codecpar = avcodec_parameters_alloc()};
    sl_source_shared shared = {0};
    sl_input input = {.shared = &shared, .stream = &stream, .settings.device = true};
    sl_source *source = open_video(PHONE, SL_FORMAT_H264);
    sl_units *units;
    stream.codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream.codecpar->codec_id = AV_CODEC_ID_H264;
    assert_int_equal(sl_units_open(&units, &input, SL_FORMAT_H264), SL_OK);
    for (int i = 0; i < PHONE_FRAMES; i++) {
        sl_frame *frame = next_frame(source), *taken;
        AVPacket *packet = packet_of(frame, i == KEYFRAME ? length_of_sets(frame) : 0);
        assert_int_equal(sl_units_take(units, packet, &taken), SL_OK);
        assert_int_equal(taken->keyframe, i == 0 || i == KEYFRAME);
        sl_frame_unref(&taken);
        sl_frame_unref(&frame);
        av_packet_free(&packet);
    }
    sl_units_close(&units);
    sl_source_close(&source);
    avcodec_parameters_free(&stream.codecpar);
}

static void survives_without_memory(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_source *source = NULL;
        sl_frame *frame = NULL;
        sl_source_settings settings = settings_for(PHONE);
        settings.unpaced = true;
        settings.video = SL_FORMAT_H264;
        int code = sl_source_open(&source, &settings);
        if (code >= 0)
            code = sl_source_read(source, &frame, PATIENCE_MS);
        assert_true(code == 0 || code == SL_ENOMEM);
        sl_frame_unref(&frame);
        sl_source_close(&source);
    }
}

static int clean_up(void **state) {
    (void)state;
    forget_files();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_over_what_a_file_holds),
        cmocka_unit_test(decodes_what_is_to_be_changed),
        cmocka_unit_test(leaves_out_what_has_lost_its_ground),
        cmocka_unit_test(remembers_sets_that_are_said_once),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
