/* Which of a camera's modes is taken, on made-up cameras. */
#include "source/mode.h"
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/videodev2.h>
#include <sightline/error.h>
#include <string.h>

/* What a usual USB camera says: raw pictures are slow when they are large. */
static const sl_mode usual[] = {
    {V4L2_PIX_FMT_YUYV, 640, 480, 30},    {V4L2_PIX_FMT_YUYV, 320, 240, 30},
    {V4L2_PIX_FMT_YUYV, 1280, 720, 10},   {V4L2_PIX_FMT_YUYV, 1920, 1080, 5},
    {V4L2_PIX_FMT_MJPEG, 640, 480, 60},   {V4L2_PIX_FMT_MJPEG, 1280, 720, 30},
    {V4L2_PIX_FMT_MJPEG, 1920, 1080, 30},
};

static const sl_mode *choose(const sl_mode *modes, size_t count, sl_mode_wish wish) {
    size_t chosen;
    int code = sl_mode_choose(modes, count, &wish, "the camera", &chosen);
    if (code < 0)
        fail_msg("nothing was chosen: %s", sl_error());
    return &modes[chosen];
}

static void refuses(const sl_mode *modes, size_t count, sl_mode_wish wish, const char *words) {
    size_t chosen;
    assert_int_equal(sl_mode_choose(modes, count, &wish, "the camera", &chosen), SL_ESOURCE);
    if (!strstr(sl_error(), words))
        fail_msg("\"%s\" has no \"%s\"", sl_error(), words);
}

static void passes_jpeg_on(void **state) {
    (void)state;
    const sl_mode *mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.passes = true});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_MJPEG);
    assert_int_equal(mode->width, 1280);
    mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.passes = true, .size = {640, 480}});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_MJPEG);
}

/* What is sent as video goes on without being decoded, where the camera codes it itself. */
static void passes_video_on(void **state) {
    (void)state;
    const sl_mode modes[] = {
        {V4L2_PIX_FMT_MJPEG, 1280, 720, 30},
        {V4L2_PIX_FMT_H264, 1280, 720, 30},
        {V4L2_PIX_FMT_HEVC, 1280, 720, 30},
    };
    sl_mode_wish wish = {.passes = true};
    assert_int_equal(choose(modes, 3, wish)->fourcc, V4L2_PIX_FMT_MJPEG);
    wish.video = SL_FORMAT_H264;
    assert_int_equal(choose(modes, 3, wish)->fourcc, V4L2_PIX_FMT_H264);
    wish.video = SL_FORMAT_HEVC;
    assert_int_equal(choose(modes, 3, wish)->fourcc, V4L2_PIX_FMT_HEVC);
}

static void prefers_raw_where_it_is_fast_enough(void **state) {
    (void)state;
    const sl_mode *mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.size = {640, 480}});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_YUYV);
    mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.size = {640, 480}, .fps = 60});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_MJPEG);
    mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.size = {1280, 720}});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_MJPEG);
    mode = choose(usual, SL_COUNT(usual), (sl_mode_wish){.size = {1920, 1080}, .fps = 5});
    assert_int_equal(mode->fourcc, V4L2_PIX_FMT_YUYV);
}

static void delivers_what_is_there_already(void **state) {
    (void)state;
    const sl_mode modes[] = {
        {V4L2_PIX_FMT_YUV420, 640, 480, 30},
        {V4L2_PIX_FMT_GREY, 640, 480, 30},
        {V4L2_PIX_FMT_BGR24, 640, 480, 30},
    };
    assert_int_equal(choose(modes, 3, (sl_mode_wish){.deliver = SL_DELIVER_GRAY})->fourcc,
                     V4L2_PIX_FMT_GREY);
    assert_int_equal(choose(modes, 3, (sl_mode_wish){.deliver = SL_DELIVER_BGR})->fourcc,
                     V4L2_PIX_FMT_BGR24);
    assert_int_equal(choose(modes, 3, (sl_mode_wish){.deliver = SL_DELIVER_PIXELS})->fourcc,
                     V4L2_PIX_FMT_YUV420);
}

static void says_what_the_camera_can_do(void **state) {
    (void)state;
    refuses(usual, SL_COUNT(usual), (sl_mode_wish){.size = {1000, 1000}},
            "the camera can't do 1000x1000; it can do 640x480, 320x240, 1280x720, 1920x1080");
    refuses(usual, SL_COUNT(usual), (sl_mode_wish){.size = {1280, 720}, .fps = 120},
            "can't do 120 frames a second; it can do up to 30 at 1280x720");
    refuses(usual, SL_COUNT(usual), (sl_mode_wish){.fps = 500}, "it can do up to 60 at 640x480");
    const sl_mode strange = {v4l2_fourcc('X', 'Y', 'Z', '1'), 640, 480, 30};
    refuses(&strange, 1, (sl_mode_wish){0}, "no format that can be read");
    refuses(NULL, 0, (sl_mode_wish){0}, "no format that can be read");
}

static void lives_with_drivers_that_say_little(void **state) {
    (void)state;
    const sl_mode modes[] = {
        {v4l2_fourcc('X', 'Y', 'Z', '1'), 1280, 720, 90},
        {V4L2_PIX_FMT_NV12, 2592, 1944, 0},
    };
    assert_int_equal(choose(modes, 2, (sl_mode_wish){.fps = 30})->width, 2592);
}

static void names_formats(void **state) {
    (void)state;
    char letters[5];
    assert_string_equal(sl_mode_format(V4L2_PIX_FMT_MJPEG, letters), "MJPEG");
    assert_string_equal(sl_mode_format(v4l2_fourcc('A', 'B', '\1', 'D'), letters), "AB D");
    assert_string_equal(sl_mode_libav_format(V4L2_PIX_FMT_YUYV), "yuyv422");
    assert_null(sl_mode_libav_format(v4l2_fourcc('A', 'B', 'C', 'D')));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_jpeg_on),
        cmocka_unit_test(passes_video_on),
        cmocka_unit_test(prefers_raw_where_it_is_fast_enough),
        cmocka_unit_test(delivers_what_is_there_already),
        cmocka_unit_test(says_what_the_camera_can_do),
        cmocka_unit_test(lives_with_drivers_that_say_little),
        cmocka_unit_test(names_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
