/* Files: real footage, JPEG passed on, loops, pace, and files that are no good. */
#include "footage.h"

#include <sightline/log.h>

#define PHOTO  OPENCV_DATA "fruits.jpg" /* 512x480 */
#define PHOTO2 OPENCV_DATA "baboon.jpg" /* 512x512 */

static sl_source *open_unpaced(const char *path) {
    sl_source_settings settings = settings_for(path);
    settings.unpaced = true;
    return open_source(&settings);
}

static void reads_every_frame_in_order(void **state) {
    (void)state;
    int end;
    sl_source *source = open_unpaced(STREET);
    assert_false(sl_source_live(source));
    assert_string_equal(sl_source_describe(source), "768x576, 10 frames/s, MSMPEG4V3");
    assert_true(sl_source_fps(source) == 10);
    assert_int_equal(count_frames(source, &end), STREET_FRAMES);
    assert_int_equal(end, SL_EEND);
    /* The end stays the end. */
    sl_frame *frame;
    assert_int_equal(sl_source_read(source, &frame, 0), SL_EEND);
    sl_source_stats stats;
    sl_source_stats_get(source, &stats);
    assert_int_equal(stats.frames, STREET_FRAMES);
    assert_int_equal(stats.dropped, 0);
    assert_int_equal(stats.corrupt, 0);
    sl_source_close(&source);
}

static void delivers_what_is_asked_for(void **state) {
    (void)state;
    static const struct {
        sl_deliver deliver;
        sl_format format;
    } cases[] = {
        {SL_DELIVER_ANY, SL_FORMAT_I420},
        {SL_DELIVER_BGR, SL_FORMAT_BGR},
        {SL_DELIVER_GRAY, SL_FORMAT_GRAY},
    };
    for (size_t i = 0; i < 3; i++) {
        int end;
        sl_source_settings settings = settings_for(PHONE);
        settings.unpaced = true;
        settings.deliver = cases[i].deliver;
        sl_source *source = open_source(&settings);
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, cases[i].format);
        assert_int_equal(frame->width, 1920);
        assert_int_equal(frame->height, 1080);
        sl_frame_unref(&frame);
        uint64_t rest = 0;
        while ((end = sl_source_read(source, &frame, PATIENCE_MS)) == 0) {
            rest++;
            sl_frame_unref(&frame);
        }
        assert_int_equal(end, SL_EEND);
        assert_int_equal(rest, PHONE_FRAMES - 1);
        sl_source_close(&source);
    }
}

/* The same picture by all ways has the same brightness. */
static void brightness_is_kept(void **state) {
    (void)state;
    double means[2];
    for (int i = 0; i < 2; i++) {
        sl_source_settings settings = settings_for(STREET);
        settings.unpaced = true;
        settings.deliver = i ? SL_DELIVER_GRAY : SL_DELIVER_ANY;
        sl_source *source = open_source(&settings);
        sl_frame *frame = next_frame(source);
        means[i] = mean_of_plane(frame, 0);
        sl_frame_unref(&frame);
        sl_source_close(&source);
    }
    assert_true(means[0] - means[1] < 1 && means[1] - means[0] < 1);
}

static void paces_by_timestamps(void **state) {
    (void)state;
    size_t size;
    char *y4m = make_y4m(64, 48, 6, 50, &size);
    sl_source_settings settings = settings_for(store("a.y4m", y4m, size));
    sl_source *source = open_source(&settings);
    int64_t first_us = 0, last_us = 0;
    for (int i = 0; i < 6; i++) {
        sl_frame *frame = next_frame(source);
        /* 40 ms from one to the next: late they may be, but never early. */
        assert_true(i == 0 || frame->captured_monotonic_us >= last_us);
        last_us = frame->captured_monotonic_us;
        first_us = i ? first_us : last_us;
        assert_int_equal(frame->planes[0][0], 50 + i);
        sl_frame_unref(&frame);
    }
    assert_true(last_us - first_us >= 4 * 40000);
    sl_source_close(&source);
    forget_file("a.y4m");
    free(y4m);
}

static void loops(void **state) {
    (void)state;
    size_t size;
    char *y4m = make_y4m(64, 48, 3, 50, &size);
    sl_source_settings settings = settings_for(store("a.y4m", y4m, size));
    settings.unpaced = true;
    settings.loop = true;
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 20; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->sequence, i);
        assert_int_equal(frame->planes[0][0], 50 + i % 3);
        sl_frame_unref(&frame);
    }
    sl_source_close(&source);
    forget_file("a.y4m");
    free(y4m);
}

static void resamples_and_scales(void **state) {
    (void)state;
    int end;
    sl_source_settings settings = settings_for(STREET);
    settings.unpaced = true;
    settings.fps = 5;
    settings.size = (sl_size){384, 288};
    sl_source *source = open_source(&settings);
    assert_string_equal(sl_source_describe(source), "384x288, 5 frames/s, MSMPEG4V3");
    sl_frame *frame = next_frame(source);
    assert_int_equal(frame->width, 384);
    assert_int_equal(frame->height, 288);
    sl_frame_unref(&frame);
    uint64_t rest = 0;
    while ((end = sl_source_read(source, &frame, PATIENCE_MS)) == 0) {
        rest++;
        sl_frame_unref(&frame);
    }
    assert_int_equal(end, SL_EEND);
    assert_in_range(rest, STREET_FRAMES / 2 - 3, STREET_FRAMES / 2 + 3);
    sl_source_close(&source);
}

static void filters(void **state) {
    (void)state;
    uint8_t corner[2];
    for (int i = 0; i < 2; i++) {
        sl_source_settings settings = settings_for(STREET);
        settings.unpaced = true;
        settings.filter = i ? "hflip,vflip,crop=766:574:0:0" : "null";
        sl_source *source = open_source(&settings);
        sl_frame *frame = next_frame(source);
        corner[i] = frame->planes[0][i ? 0 : frame->strides[0] * 575 + 767];
        assert_int_equal(frame->width, i ? 766 : 768);
        sl_frame_unref(&frame);
        sl_source_close(&source);
    }
    assert_in_range(corner[0], corner[1] - 1, corner[1] + 1);
    sl_source_settings settings = settings_for(STREET);
    settings.filter = "crop=5000:10";
    refused(&settings, SL_EINVAL, "crop=5000:10");
    settings.filter = "hflip,";
    refused(&settings, SL_EINVAL, "can't be used");
}

static void draws_the_timecode(void **state) {
    (void)state;
    static const char *const paths[] = {STREET, PHONE, PHOTO};
    for (size_t i = 0; i < 3; i++) {
        uint32_t milliseconds;
        sl_source_settings settings = settings_for(paths[i]);
        settings.unpaced = true;
        settings.loop = true;
        settings.timecode = true;
        sl_source *source = open_source(&settings);
        for (int round = 0; round < 5; round++) {
            sl_frame *frame = next_frame(source);
            assert_true(sl_timecode_read(frame, &milliseconds));
            assert_int_equal(milliseconds, (uint32_t)(frame->captured_utc_us / 1000));
            sl_frame_unref(&frame);
        }
        sl_source_close(&source);
    }
}

/* Two photos one after the other are an MJPEG stream. */
static const char *make_mjpeg(uint8_t **photos, size_t sizes[2]) {
    photos[0] = load(PHOTO, &sizes[0]);
    photos[1] = load(PHOTO2, &sizes[1]);
    uint8_t *both = malloc(sizes[0] + sizes[1]);
    assert_non_null(both);
    memcpy(both, photos[0], sizes[0]);
    memcpy(both + sizes[0], photos[1], sizes[1]);
    const char *path = store("a.mjpeg", both, sizes[0] + sizes[1]);
    free(both);
    return path;
}

static void passes_jpeg_on(void **state) {
    (void)state;
    uint8_t *photos[2];
    size_t sizes[2];
    sl_source *source = open_unpaced(make_mjpeg(photos, sizes));
    for (int i = 0; i < 2; i++) {
        sl_frame *frame = next_frame(source);
        assert_int_equal(frame->format, SL_FORMAT_JPEG);
        assert_int_equal(frame->width, 512);
        assert_int_equal(frame->height, i ? 512 : 480);
        assert_int_equal(frame->size, sizes[i]);
        assert_memory_equal(frame->planes[0], photos[i], sizes[i]);
        assert_true(frame->captured_utc_us > 0);
        sl_frame_unref(&frame);
        free(photos[i]);
    }
    sl_source_close(&source);
    forget_file("a.mjpeg");
}

static void decodes_jpeg_when_pixels_are_wanted(void **state) {
    (void)state;
    uint8_t *photos[2];
    size_t sizes[2];
    sl_source_settings settings = settings_for(make_mjpeg(photos, sizes));
    settings.unpaced = true;
    settings.deliver = SL_DELIVER_PIXELS;
    sl_source *source = open_source(&settings);
    for (int i = 0; i < 2; i++) {
        sl_frame *frame = next_frame(source);
        assert_in_range(frame->format, SL_FORMAT_I420, SL_FORMAT_I444);
        /* The size changes in mid-stream. */
        assert_int_equal(frame->height, i ? 512 : 480);
        sl_frame_unref(&frame);
        free(photos[i]);
    }
    sl_source_close(&source);
    forget_file("a.mjpeg");
}

/* Takes the first Huffman tables out, as cameras do. */
static size_t drop_tables(uint8_t *jpeg, size_t size) {
    for (size_t at = 2; at + 4 < size && jpeg[at + 1] != 0xda;) {
        size_t length = 2 + ((size_t)jpeg[at + 2] << 8 | jpeg[at + 3]);
        if (jpeg[at + 1] == 0xc4) {
            memmove(jpeg + at, jpeg + at + length, size - at - length);
            size -= length;
        } else {
            at += length;
        }
    }
    return size;
}

static bool has_tables(const sl_frame *frame) {
    for (size_t i = 0; i + 1 < frame->size; i++)
        if (frame->planes[0][i] == 0xff && frame->planes[0][i + 1] == 0xc4)
            return true;
    return false;
}

static void puts_missing_tables_back(void **state) {
    (void)state;
    size_t size;
    uint8_t *photo = load(PHOTO, &size);
    size_t less = drop_tables(photo, size);
    assert_true(less < size);
    sl_source *source = open_unpaced(store("bare.mjpeg", photo, less));
    sl_frame *frame = next_frame(source);
    assert_int_equal(frame->format, SL_FORMAT_JPEG);
    assert_true(has_tables(frame));
    sl_frame_unref(&frame);
    sl_source_close(&source);
    forget_file("bare.mjpeg");
    free(photo);
}

static void skips_what_is_corrupt(void **state) {
    (void)state;
    int end;
    size_t size;
    uint8_t *bytes = load(STREET, &size);
    /* Noise in the middle, always the same. */
    uint32_t random = 7;
    for (size_t i = size / 3; i < size / 3 + 200000; i++) {
        random = random * 1664525U + 1013904223U;
        if (random >> 28 == 0)
            bytes[i] = (uint8_t)(random >> 16);
    }
    sl_source *source = open_unpaced(store("noisy.avi", bytes, size));
    uint64_t count = count_frames(source, &end);
    assert_int_equal(end, SL_EEND);
    assert_in_range(count, STREET_FRAMES / 2, STREET_FRAMES);
    sl_source_close(&source);
    /* Cut off: what is there is played. */
    store("noisy.avi", bytes, size / 8);
    source = open_unpaced(file_path("noisy.avi"));
    count = count_frames(source, &end);
    assert_int_equal(end, SL_EEND);
    assert_in_range(count, 10, STREET_FRAMES / 4);
    sl_source_close(&source);
    forget_file("noisy.avi");
    free(bytes);
}

static void counts_broken_jpegs(void **state) {
    (void)state;
    uint8_t *photos[2];
    size_t sizes[2];
    make_mjpeg(photos, sizes);
    /* The first photo loses its end. */
    uint8_t *both = malloc(sizes[0] + sizes[1]);
    assert_non_null(both);
    memcpy(both, photos[0], sizes[0] / 2);
    memcpy(both + sizes[0] / 2, photos[1], sizes[1]);
    sl_source *source = open_unpaced(store("a.mjpeg", both, sizes[0] / 2 + sizes[1]));
    sl_frame *frame = next_frame(source);
    assert_int_equal(frame->height, 512);
    sl_frame_unref(&frame);
    sl_source_stats stats;
    sl_source_stats_get(source, &stats);
    assert_int_equal(stats.corrupt, 1);
    sl_source_close(&source);
    forget_file("a.mjpeg");
    free(both);
    free(photos[0]);
    free(photos[1]);
}

static char warning[512];

static void keep_warning(void *user, sl_log_level level, const char *room, const char *line) {
    (void)user;
    (void)room;
    if (level == SL_LOG_WARNING)
        snprintf(warning, sizeof(warning), "%s", line);
}

static void says_when_too_much_is_corrupt(void **state) {
    (void)state;
    int end;
    size_t size;
    char *film = make_y4m(64, 48, 3, 50, &size);
    char *bytes = realloc(film, size + 200);
    assert_non_null(bytes);
    for (int i = 0; i < 100; i++) /* no frames */
        memcpy(bytes + size + 2 * i, "-\n", 2);
    sl_log_set(keep_warning, NULL, SL_LOG_WARNING);
    sl_source *source = open_unpaced(store("junk.y4m", bytes, size + 200));
    assert_int_equal(count_frames(source, &end), 3);
    assert_int_equal(end, SL_ESOURCE);
    assert_non_null(strstr(sl_error(), "50 of its packets could not be decoded"));
    sl_source_close(&source);
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    assert_non_null(strstr(warning, "50 packets could not be decoded"));
    forget_file("junk.y4m");
    free(bytes);
}

static void refuses_what_is_no_video(void **state) {
    (void)state;
    size_t size;
    sl_source_settings settings = settings_for("/nonexistent/a.mp4");
    refused(&settings, SL_ESOURCE, "there is no file /nonexistent/a.mp4");
    settings = settings_for("/tmp");
    refused(&settings, SL_ESOURCE, "/tmp is a directory");
    settings = settings_for("/etc/passwd");
    refused(&settings, SL_ESOURCE, "/etc/passwd");
    settings = settings_for(store("note.ans", "just words\n", 11));
    refused(&settings, SL_ESOURCE, "there is no video in");
    forget_file("note.ans");
    settings = settings_for(store("empty.mp4", "", 0));
    refused(&settings, SL_ESOURCE, "empty.mp4 is empty");
    forget_file("empty.mp4");
    settings = settings_for("");
    refused(&settings, SL_EINVAL, "no source was given");
    /* A header without pictures. */
    uint8_t *bytes = load(PHONE, &size);
    memset(bytes + 2000, 0, 2000);
    sl_source *source = NULL;
    sl_frame *frame;
    settings = settings_for(store("cut.mp4", bytes, 4000));
    int code = sl_source_open(&source, &settings);
    if (code >= 0)
        code = sl_source_read(source, &frame, PATIENCE_MS);
    assert_int_equal(code, SL_ESOURCE);
    assert_non_null(strstr(sl_error(), "cut.mp4"));
    sl_source_close(&source);
    forget_file("cut.mp4");
    free(bytes);
}

static void reading_can_be_cancelled(void **state) {
    (void)state;
    size_t size;
    sl_frame *frame;
    sl_cancel *cancel;
    char *y4m = make_y4m(64, 48, 2, 50, &size);
    /* One picture in a hundred seconds. */
    memcpy(strstr(y4m, "F25:1"), "F1:99", 5);
    assert_int_equal(sl_cancel_open(&cancel), 0);
    sl_source_settings settings = settings_for(store("slow.y4m", y4m, size));
    settings.cancel = cancel;
    sl_source *source = open_source(&settings);
    frame = next_frame(source);
    sl_frame_unref(&frame);
    assert_int_equal(sl_source_read(source, &frame, 1), SL_EAGAIN);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_source_read(source, &frame, -1), SL_ECANCELED);
    sl_source_close(&source);
    sl_cancel_close(&cancel);
    forget_file("slow.y4m");
    free(y4m);
}

static void survives_without_memory(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_source *source = NULL;
        sl_frame *frame = NULL;
        sl_source_settings settings = settings_for(STREET);
        settings.unpaced = true;
        settings.size = (sl_size){64, 48};
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
        cmocka_unit_test(reads_every_frame_in_order),
        cmocka_unit_test(delivers_what_is_asked_for),
        cmocka_unit_test(brightness_is_kept),
        cmocka_unit_test(paces_by_timestamps),
        cmocka_unit_test(loops),
        cmocka_unit_test(resamples_and_scales),
        cmocka_unit_test(filters),
        cmocka_unit_test(draws_the_timecode),
        cmocka_unit_test(passes_jpeg_on),
        cmocka_unit_test(decodes_jpeg_when_pixels_are_wanted),
        cmocka_unit_test(puts_missing_tables_back),
        cmocka_unit_test(skips_what_is_corrupt),
        cmocka_unit_test(says_when_too_much_is_corrupt),
        cmocka_unit_test(counts_broken_jpegs),
        cmocka_unit_test(refuses_what_is_no_video),
        cmocka_unit_test(reading_can_be_cancelled),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
