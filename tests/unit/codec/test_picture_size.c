/* How large a coded frame's picture is, as its headers say, whatever they say. */
#include "frame/frame.h"
#include "moving.h"

#define SIDE 100 /* none of the block sizes divides it */

static sl_frame *code(sl_format format, int number) {
    sl_codec *codec = open_codec();
    sl_codec_aim aim = usual;
    sl_frame *frame = NULL, *coded = NULL;
    aim.format = format;
    for (int i = 0; i <= number; i++) {
        sl_frame_unref(&coded);
        frame = picture(SL_FORMAT_I420, WIDTH, SIDE, i);
        assert_int_equal(sl_codec_aim_at(codec, &aim), 0);
        assert_int_equal(sl_codec_encode(codec, frame, &coded), 0);
        sl_frame_unref(&frame);
    }
    sl_codec_close(&codec);
    return coded;
}

static void headers_tell(void **state) {
    (void)state;
    for (int format = SL_FORMAT_JPEG; format <= SL_FORMAT_AV1; format++) {
        int width = 0, height = 0;
        sl_frame *coded = code((sl_format)format, 0);
        assert_true(sl_codec_picture_size(coded, &width, &height));
        assert_int_equal(width, WIDTH);
        assert_int_equal(height, SIDE);
        sl_frame_unref(&coded);
    }
}

static void other_frames_have_none(void **state) {
    (void)state;
    int width, height;
    sl_frame *coded = code(SL_FORMAT_H264, 1);
    assert_false(sl_codec_picture_size(coded, &width, &height));
    sl_frame_unref(&coded);
    int64_t shape[] = {7};
    assert_int_equal(sl_frame_new_array(&coded, "float32", 1, shape), 0);
    assert_false(sl_codec_picture_size(coded, &width, &height));
    sl_frame_unref(&coded);
}

/* A peer calls anything a keyframe. */
static void any_bytes_may_come(void **state) {
    (void)state;
    for (int format = SL_FORMAT_JPEG; format <= SL_FORMAT_AV1; format++) {
        sl_frame *whole = code((sl_format)format, 0);
        for (size_t size = 0; size < whole->size; size += size < 200 ? 1 : 97) {
            int width = 0, height = 0;
            sl_buffer *bytes = NULL;
            sl_frame *cut = NULL;
            assert_int_equal(sl_buffer_new(&bytes, size), 0);
            memcpy(bytes->data, whole->planes[0], size);
            if (size > 20)
                bytes->data[size / 2] ^= 0x55;
            assert_int_equal(sl_frame_new_coded(&cut, (sl_format)format, bytes), 0);
            cut->keyframe = true;
            if (sl_codec_picture_size(cut, &width, &height))
                assert_true(width > 0 && height > 0);
            sl_frame_unref(&cut);
            sl_buffer_unref(&bytes);
        }
        sl_frame_unref(&whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_tell),
        cmocka_unit_test(other_frames_have_none),
        cmocka_unit_test(any_bytes_may_come),
    };
    return cmocka_run_group_tests_name("codec/picture_size", tests, NULL, NULL);
}
