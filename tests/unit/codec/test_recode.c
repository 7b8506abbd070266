/* Video that comes coded: passed on, or decoded and coded anew, and from one to the other. */
#include "base/error.h"
#include "moving.h"

#define STREAM_FRAMES 12

/* What a camera codes itself: a keyframe at 0 and at 8, each frame behind those before it. */
static void make_stream(sl_format format, sl_frame **frames) {
    sl_codec *camera = open_codec();
    for (int i = 0; i < STREAM_FRAMES; i++) {
        sl_codec_aim aim = usual;
        aim.format = format;
        aim.keyframe = i == 8;
        assert_int_equal(sl_codec_aim_at(camera, &aim), 0);
        frames[i] = encode(camera, i);
        assert_int_equal(frames[i]->keyframe, i == 0 || i == 8);
        sl_frame_follow(frames[i], frames[i]->keyframe ? NULL : frames[i - 1]);
    }
    sl_codec_close(&camera);
}

static void free_stream(sl_frame **frames) {
    for (int i = 0; i < STREAM_FRAMES; i++)
        sl_frame_unref(&frames[i]);
}

/* Codes a camera's frame for the way, anew or not, and looks at what the viewer sees. */
static bool send_on(sl_codec *sender, sl_codec *viewer, const sl_frame *frame, bool recode) {
    sl_frame *coded, *decoded,
        *original = picture(SL_FORMAT_I420, WIDTH, HEIGHT, (int)frame->sequence);
    sl_codec_aim aim = usual;
    aim.recode = recode;
    assert_int_equal(sl_codec_aim_at(sender, &aim), 0);
    assert_int_equal(sl_codec_encode(sender, frame, &coded), 0);
    assert_int_equal(coded->format, SL_FORMAT_H264);
    assert_int_equal(coded->sequence, frame->sequence);
    assert_int_equal(sl_codec_decode(viewer, coded, SL_OUTPUT_PLANES, &decoded), 0);
    assert_true(difference(original, decoded) < 20);
    bool keyframe = coded->keyframe;
    sl_frame_unref(&decoded);
    sl_frame_unref(&coded);
    sl_frame_unref(&original);
    return keyframe;
}

/* Coding anew can begin at any frame, whatever was left out, and goes back to what the camera coded
 * at a keyframe of its own. */
static void a_camera_s_video_is_coded_anew_from_any_frame(void **state) {
    (void)state;
    sl_codec *sender = open_codec(), *viewer = open_codec();
    sl_frame *frames[STREAM_FRAMES];
    make_stream(SL_FORMAT_H264, frames);
    assert_true(send_on(sender, viewer, frames[0], false));
    assert_false(send_on(sender, viewer, frames[1], false));
    assert_string_equal(sl_codec_last(sender).encoder, "copy");
    assert_true(send_on(sender, viewer, frames[4], true));
    assert_string_not_equal(sl_codec_last(sender).encoder, "copy");
    assert_false(send_on(sender, viewer, frames[5], true));
    assert_false(send_on(sender, viewer, frames[7], true));
    assert_true(send_on(sender, viewer, frames[8], false));
    assert_false(send_on(sender, viewer, frames[9], false));
    assert_true(send_on(sender, viewer, frames[11], true));
    free_stream(frames);
    sl_codec_close(&viewer);
    sl_codec_close(&sender);
}

static void a_camera_s_video_becomes_another(void **state) {
    (void)state;
    sl_codec *sender = open_codec(), *viewer = open_codec();
    sl_frame *frames[STREAM_FRAMES];
    make_stream(SL_FORMAT_HEVC, frames);
    assert_true(send_on(sender, viewer, frames[3], false));
    assert_false(send_on(sender, viewer, frames[10], false));
    free_stream(frames);
    sl_codec_close(&viewer);
    sl_codec_close(&sender);
}

/* A frame that does not hold those before it, and follows none that was decoded, is lost; and so
 * are those that build on it. */
static void what_is_too_far_from_its_keyframe_is_lost(void **state) {
    (void)state;
    sl_codec *sender = open_codec(), *viewer = open_codec();
    sl_frame *frames[STREAM_FRAMES], *apart, *coded;
    sl_buffer *bytes;
    make_stream(SL_FORMAT_H264, frames);
    assert_true(send_on(sender, viewer, frames[1], true));
    assert_int_equal(sl_frame_bytes(frames[5], &bytes), 0);
    assert_int_equal(sl_frame_new_coded(&apart, SL_FORMAT_H264, bytes), 0);
    sl_frame_follow(apart, NULL);
    apart->sequence = 5;
    assert_int_equal(sl_codec_encode(sender, apart, &coded), SL_EMESSAGE);
    assert_null(coded);
    /* It follows: right behind frame 4 it can be decoded. */
    assert_false(send_on(sender, viewer, frames[4], true));
    assert_false(send_on(sender, viewer, apart, true));
    assert_false(send_on(sender, viewer, frames[8], true));
    sl_frame_unref(&apart);
    sl_buffer_unref(&bytes);
    free_stream(frames);
    sl_codec_close(&viewer);
    sl_codec_close(&sender);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_s_video_is_coded_anew_from_any_frame),
        cmocka_unit_test(a_camera_s_video_becomes_another),
        cmocka_unit_test(what_is_too_far_from_its_keyframe_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
