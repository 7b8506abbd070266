/* Conversion: what is planned, and what comes out of it. */
#include "source/convert.h"
#include "footage.h"

static void plans(enum AVPixelFormat format, enum AVColorRange range, enum AVColorSpace space,
                  sl_deliver deliver, sl_size wanted, const char *expected) {
    char plan[SL_CONVERSION_MAX];
    sl_graph_input picture = {
        .width = 640, .height = 480, .format = format, .range = range, .space = space};
    sl_conversion_plan(plan, sizeof(plan), &picture, deliver, wanted);
    assert_string_equal(plan, expected);
}

static void does_nothing_where_it_can(void **state) {
    (void)state;
    const sl_size own = {0, 0}, same = {640, 480};
    plans(AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_UNSPECIFIED, SL_DELIVER_ANY, own,
          "");
    plans(AV_PIX_FMT_YUVJ422P, AVCOL_RANGE_JPEG, AVCOL_SPC_BT470BG, SL_DELIVER_PIXELS, same, "");
    plans(AV_PIX_FMT_YUV444P, AVCOL_RANGE_JPEG, AVCOL_SPC_SMPTE170M, SL_DELIVER_ANY, own, "");
    plans(AV_PIX_FMT_GRAY8, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_UNSPECIFIED, SL_DELIVER_ANY, own,
          "");
    plans(AV_PIX_FMT_BGR24, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_RGB, SL_DELIVER_BGR, own, "");
}

static void converts_range_and_matrix(void **state) {
    (void)state;
    const sl_size own = {0, 0}, half = {320, 240};
    plans(AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_UNSPECIFIED, SL_DELIVER_ANY, own,
          "colorspace=iall=bt601-6-625:irange=tv:all=bt601-6-625:range=pc:format=yuv420p:fast=1");
    plans(AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, SL_DELIVER_ANY, half,
          "scale=320:240:flags=bilinear,"
          "colorspace=iall=bt709:irange=tv:all=bt601-6-625:range=pc:format=yuv420p:fast=1");
    plans(AV_PIX_FMT_YUYV422, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_UNSPECIFIED, SL_DELIVER_ANY, own,
          "format=yuv422p,"
          "colorspace=iall=bt601-6-625:irange=tv:all=bt601-6-625:range=pc:format=yuv422p:fast=1");
    plans(AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_JPEG, AVCOL_SPC_BT470BG, SL_DELIVER_ANY, half,
          "scale=320:240:flags=bilinear");
}

static void converts_layouts(void **state) {
    (void)state;
    const sl_size own = {0, 0}, odd = {321, 241};
    plans(AV_PIX_FMT_BGR0, AVCOL_RANGE_UNSPECIFIED, AVCOL_SPC_RGB, SL_DELIVER_ANY, own,
          "scale=flags=bilinear:out_color_matrix=bt601:out_range=pc,format=yuvj422p");
    plans(AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, SL_DELIVER_BGR, own,
          "scale=flags=bilinear:in_color_matrix=bt709:in_range=tv,format=bgr24");
    plans(AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, SL_DELIVER_GRAY, own,
          "scale=flags=bilinear:in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:"
          "out_range=pc,format=gray");
    plans(AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, SL_DELIVER_ANY, odd,
          "scale=321:241:flags=bilinear,scale=flags=bilinear:in_color_matrix=bt709:in_range=tv:"
          "out_color_matrix=bt601:out_range=pc,format=yuvj420p");
}

/* A picture of one colour. */
static AVFrame *picture_of(enum AVPixelFormat format, int width, int height, int y, int u, int v) {
    AVFrame *picture = av_frame_alloc();
    assert_non_null(picture);
    picture->format = format;
    picture->width = width;
    picture->height = height;
    assert_int_equal(av_frame_get_buffer(picture, 0), 0);
    const int values[] = {y, u, v};
    bool halved = format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P;
    for (int i = 0; i < 3; i++) {
        int rows = i && halved ? (height + 1) / 2 : height;
        memset(picture->data[i], values[i], (size_t)picture->linesize[i] * (size_t)rows);
    }
    return picture;
}

static sl_frame *convert(AVFrame *picture, sl_deliver deliver, sl_size wanted) {
    sl_converter *converter;
    sl_frame *frame;
    assert_int_equal(sl_converter_open(&converter, deliver, wanted, false), 0);
    int code = sl_converter_run(converter, picture, false, &frame);
    if (code < 0)
        fail_msg("%s", sl_error());
    sl_converter_close(&converter);
    av_frame_free(&picture);
    return frame;
}

static void near(int value, int expected) {
    if (abs(value - expected) > 2)
        fail_msg("%d is not near %d", value, expected);
}

/* White, black and a colour of limited range, at every matrix that matters. */
static void pixels_become_full_range(void **state) {
    (void)state;
    const sl_size own = {0, 0};
    AVFrame *picture = picture_of(AV_PIX_FMT_YUV420P, 64, 48, 235, 128, 128);
    picture->color_range = AVCOL_RANGE_MPEG;
    sl_frame *frame = convert(picture, SL_DELIVER_ANY, own);
    assert_int_equal(frame->format, SL_FORMAT_I420);
    near(frame->planes[0][0], 255);
    near(frame->planes[1][0], 128);
    sl_frame_unref(&frame);
    /* BT.709's red, 81 % bright there, is darker in BT.601's luma. */
    picture = picture_of(AV_PIX_FMT_YUV420P, 64, 48, 63, 102, 240);
    picture->color_range = AVCOL_RANGE_MPEG;
    picture->colorspace = AVCOL_SPC_BT709;
    frame = convert(picture, SL_DELIVER_ANY, own);
    near(frame->planes[0][0], 76);
    near(frame->planes[1][0], 85);
    near(frame->planes[2][0], 255);
    sl_frame_unref(&frame);
    picture = picture_of(AV_PIX_FMT_YUV420P, 64, 48, 63, 102, 240);
    picture->color_range = AVCOL_RANGE_MPEG;
    picture->colorspace = AVCOL_SPC_BT709;
    frame = convert(picture, SL_DELIVER_BGR, own);
    assert_int_equal(frame->format, SL_FORMAT_BGR);
    near(frame->planes[0][0], 0);
    near(frame->planes[0][1], 0);
    near(frame->planes[0][2], 255);
    sl_frame_unref(&frame);
    picture = picture_of(AV_PIX_FMT_YUV420P, 64, 48, 16, 128, 128);
    picture->color_range = AVCOL_RANGE_MPEG;
    frame = convert(picture, SL_DELIVER_GRAY, own);
    near(frame->planes[0][0], 0);
    sl_frame_unref(&frame);
}

static void sizes_may_be_odd(void **state) {
    (void)state;
    static const sl_deliver ways[] = {SL_DELIVER_ANY, SL_DELIVER_BGR, SL_DELIVER_GRAY};
    for (size_t i = 0; i < 3; i++) {
        AVFrame *picture = picture_of(AV_PIX_FMT_YUV420P, 101, 57, 126, 128, 128);
        sl_frame *frame = convert(picture, ways[i], (sl_size){0, 0});
        assert_int_equal(frame->width, 101);
        assert_int_equal(frame->height, 57);
        near((int)mean_of_plane(frame, 0), 128);
        if (ways[i] != SL_DELIVER_ANY) {
            sl_buffer *bytes;
            assert_int_equal(sl_frame_bytes(frame, &bytes), 0);
            assert_int_equal(bytes->size, 101 * 57 * (ways[i] == SL_DELIVER_BGR ? 3 : 1));
            sl_buffer_unref(&bytes);
        }
        sl_frame_unref(&frame);
    }
}

/* Upside-down pictures have rows that go backwards in memory. */
static void rows_may_go_backwards(void **state) {
    (void)state;
    AVFrame *picture = picture_of(AV_PIX_FMT_YUVJ444P, 64, 48, 100, 110, 120);
    for (int i = 0; i < 3; i++) {
        picture->data[i] += picture->linesize[i] * 47;
        picture->linesize[i] = -picture->linesize[i];
    }
    picture->data[0][0] = 200;
    sl_frame *frame = convert(picture, SL_DELIVER_ANY, (sl_size){0, 0});
    assert_int_equal(frame->format, SL_FORMAT_I444);
    assert_int_equal(frame->planes[0][0], 200);
    assert_int_equal(frame->planes[2][frame->strides[2] * 47 + 63], 120);
    sl_frame_unref(&frame);
}

static void writable_frames_are_not_shared(void **state) {
    (void)state;
    sl_converter *converter;
    sl_frame *frame;
    assert_int_equal(sl_converter_open(&converter, SL_DELIVER_ANY, (sl_size){0, 0}, false), 0);
    AVFrame *picture = picture_of(AV_PIX_FMT_YUVJ420P, 64, 48, 100, 110, 120);
    AVFrame *other = av_frame_clone(picture);
    assert_non_null(other);
    assert_int_equal(sl_converter_run(converter, picture, true, &frame), 0);
    frame->planes[0][0] = 1;
    assert_int_equal(other->data[0][0], 100);
    sl_frame_unref(&frame);
    /* And where nobody writes, nothing is copied. */
    assert_int_equal(av_frame_ref(picture, other), 0);
    assert_int_equal(sl_converter_run(converter, picture, false, &frame), 0);
    assert_ptr_equal(frame->planes[0], other->data[0]);
    sl_converter_close(&converter);
    av_frame_free(&other);
    av_frame_free(&picture);
    sl_frame_unref(&frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_nothing_where_it_can),
        cmocka_unit_test(converts_range_and_matrix),
        cmocka_unit_test(converts_layouts),
        cmocka_unit_test(pixels_become_full_range),
        cmocka_unit_test(sizes_may_be_odd),
        cmocka_unit_test(rows_may_go_backwards),
        cmocka_unit_test(writable_frames_are_not_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
