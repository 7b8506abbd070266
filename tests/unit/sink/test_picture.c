/* Pictures in files: exact pixels, and whole files or none. */
#include "pictures.h"

#include <libavcodec/avcodec.h>
#include <sys/stat.h>

/* Decodes the file's one picture. */
static AVFrame *decode(const char *path) {
    AVFormatContext *file = NULL;
    assert_int_equal(avformat_open_input(&file, path, NULL, NULL), 0);
    AVCodecContext *context =
        avcodec_alloc_context3(avcodec_find_decoder(file->streams[0]->codecpar->codec_id));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
    assert_int_equal(av_read_frame(file, packet), 0);
    assert_int_equal(avcodec_send_packet(context, packet), 0);
    assert_int_equal(avcodec_send_packet(context, NULL), 0);
    assert_int_equal(avcodec_receive_frame(context, frame), 0);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    avformat_close_input(&file);
    return frame;
}

static void bgr_is_exact(void **state) {
    (void)state;
    sl_sink *sink;
    sl_frame *frame = picture(SL_FORMAT_BGR, 63, 47, 9);
    assert_int_equal(open_sink(&sink, in_folder("bgr.png"), NULL), 0);
    assert_int_equal(sl_sink_output(sink), SL_OUTPUT_PLANES);
    assert_int_equal(sl_sink_write(sink, frame), 0);
    AVFrame *read = decode(path_of("bgr.png")); /* the first is there at once */
    assert_int_equal(read->width, 63);
    assert_int_equal(read->height, 47);
    assert_int_equal(read->format, AV_PIX_FMT_RGB24);
    for (int y = 0; y < 47; y++)
        for (int x = 0; x < 63; x++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(read->data[0][y * read->linesize[0] + x * 3 + c],
                                 frame->planes[0][(y * 63 + x) * 3 + 2 - c]);
    av_frame_free(&read);
    sl_frame_unref(&frame);
    assert_int_equal(sl_sink_close(&sink), 0);
}

static void gray_is_exact(void **state) {
    (void)state;
    sl_sink *sink;
    sl_frame *frame = picture(SL_FORMAT_GRAY, 63, 47, 9);
    assert_int_equal(open_sink(&sink, in_folder("gray.PNG"), NULL), 0);
    assert_int_equal(sl_sink_write(sink, frame), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    AVFrame *read = decode(path_of("gray.PNG"));
    assert_int_equal(read->format, AV_PIX_FMT_GRAY8);
    for (int y = 0; y < 47; y++)
        assert_memory_equal(read->data[0] + y * read->linesize[0], frame->planes[0] + y * 63, 63);
    av_frame_free(&read);
    sl_frame_unref(&frame);
}

/* Black, white and grey stay what they are: the range is full on both sides. */
static void yuv_is_full_range(void **state) {
    (void)state;
    static const uint8_t levels[] = {0, 16, 128, 235, 255};
    for (size_t i = 0; i < sizeof(levels); i++) {
        sl_sink *sink;
        sl_frame *frame = picture(SL_FORMAT_I420, 64, 48, 0);
        memset(frame->planes[0], levels[i], frame->strides[0] * 48);
        memset(frame->planes[1], 128, frame->strides[1] * 24);
        memset(frame->planes[2], 128, frame->strides[2] * 24);
        assert_int_equal(open_sink(&sink, in_folder("yuv.png"), NULL), 0);
        assert_int_equal(put(sink, frame), 0);
        assert_int_equal(sl_sink_close(&sink), 0);
        AVFrame *read = decode(path_of("yuv.png"));
        for (int c = 0; c < 3; c++)
            assert_in_range(read->data[0][c] + 1, levels[i], levels[i] + 2);
        av_frame_free(&read);
    }
}

static void the_last_frame_is_kept(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, in_folder("last.png"), NULL), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 64, 48, 1)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 64, 48, 2)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 32, 24, 77)), 0);
    assert_int_equal(put(sink, array("int16", 2, (int64_t[]){24, 32})), 0);
    assert_int_equal(sl_sink_dropped(sink), 1);
    assert_int_equal(sl_sink_close(&sink), 0);
    AVFrame *read = decode(path_of("last.png"));
    assert_int_equal(read->width, 32);
    assert_int_equal(read->data[0][0], 77);
    av_frame_free(&read);
}

static void a_jpeg_is_written_as_it_came(void **state) {
    (void)state;
    sl_sink *sink;
    struct content content;
    sl_frame *frame = jpeg(64, 48, 3, 0);
    assert_int_equal(open_sink(&sink, in_folder("a.jpg"), NULL), 0);
    assert_int_equal(sl_sink_output(sink), SL_OUTPUT_JPEG);
    assert_int_equal(sl_sink_write(sink, frame), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of("a.jpg"), &content), 0);
    assert_int_equal(content.size, frame->size);
    assert_memory_equal(content.bytes, frame->planes[0],
                        frame->size < sizeof(content.bytes) ? frame->size : sizeof(content.bytes));
    sl_frame_unref(&frame);
    assert_int_equal(open_sink(&sink, in_folder("b.jpeg"), NULL), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_BGR, 65, 49, 3)), 0); /* a raw sender's */
    assert_int_equal(sl_sink_close(&sink), 0);
    AVFrame *read = decode(path_of("b.jpeg"));
    assert_int_equal(read->width, 65);
    av_frame_free(&read);
}

static void nothing_is_left_beside_it(void **state) {
    (void)state;
    sl_sink *sink;
    char command[256];
    assert_int_equal(open_sink(&sink, in_folder("none/a.png"), NULL), SL_ESINK);
    assert_int_equal(mkdir(path_of("d.png"), 0700), 0);
    assert_int_equal(open_sink(&sink, in_folder("d.png"), NULL), SL_ESINK);
    assert_non_null(strstr(sl_error(), "is a folder"));
    assert_int_equal(open_sink(&sink, in_folder("unused.png"), NULL), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(access(path_of("unused.png"), F_OK), -1);
    snprintf(command, sizeof(command), "test -z \"$(find %s -name '.*.*' ! -path %s)\"", folder,
             folder);
    assert_int_equal(system(command), 0);
}

static void a_moment_without_descriptors_costs_a_picture(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, in_folder("moment.png"), NULL), 0);
    have_descriptors(false);
    int code = put(sink, picture(SL_FORMAT_GRAY, 64, 48, 1));
    have_descriptors(true);
    assert_int_equal(code, 0);
    assert_int_equal(sl_sink_dropped(sink), 1);
    assert_int_equal(access(path_of("moment.png"), F_OK), -1);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 64, 48, 77)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    AVFrame *read = decode(path_of("moment.png"));
    assert_int_equal(read->data[0][0], 77);
    av_frame_free(&read);
    have_descriptors(false);
    code = open_sink(&sink, in_folder("moment.png"), NULL);
    have_descriptors(true);
    assert_int_equal(code, SL_ESINK); /* not for a moment: nothing has begun */
}

/* Somebody who may write in the folder too waits for the name that this process once used. */
static void what_others_put_there_is_not_written_to(void **state) {
    (void)state;
    sl_sink *sink;
    struct stat theirs, ours;
    char name[64];
    snprintf(name, sizeof(name), ".planted.png.%d", (int)getpid());
    assert_int_equal(open_sink(&sink, in_folder("planted.png"), NULL), 0);
    FILE *planted = fopen(path_of(name), "w");
    assert_non_null(planted);
    fclose(planted);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 64, 48, 1)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(stat(path_of(name), &theirs), 0);
    assert_int_equal(theirs.st_size, 0);
    assert_int_equal(stat(path_of("planted.png"), &ours), 0);
    assert_int_not_equal(ours.st_ino, theirs.st_ino);
    assert_int_equal(ours.st_mode & 0777, theirs.st_mode & 0777);
    assert_int_equal(unlink(path_of(name)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bgr_is_exact),
        cmocka_unit_test(gray_is_exact),
        cmocka_unit_test(yuv_is_full_range),
        cmocka_unit_test(the_last_frame_is_kept),
        cmocka_unit_test(a_jpeg_is_written_as_it_came),
        cmocka_unit_test(a_moment_without_descriptors_costs_a_picture),
        cmocka_unit_test(what_others_put_there_is_not_written_to),
        cmocka_unit_test(nothing_is_left_beside_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
