/* Recordings: what comes back, and what is left when writing ends in every way it can. */
#include "film.h"
#include "pictures.h"

#include "base/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void jpegs_are_stored_as_they_came(const char *name) {
    sl_sink *sink;
    struct content content;
    assert_int_equal(open_sink(&sink, in_folder(name), NULL), 0);
    assert_int_equal(sl_sink_output(sink), SL_OUTPUT_JPEG);
    for (int i = 0; i < 90; i++) /* 30 a second, with a gap */
        assert_int_equal(put(sink, jpeg(320, 240, i, 5000000 + i * 33333 + (i > 60) * 20000000)),
                         0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of(name), &content), 0);
    assert_int_equal(content.packets, 90);
    assert_int_equal(content.width, 320);
    assert_int_equal(content.height, 240);
    assert_true(content.increasing);
    assert_in_range(content.last_us - content.first_us, 89 * 33333 + 20000000 - 2000,
                    89 * 33333 + 20000000 + 2000);
    sl_frame *first = jpeg(320, 240, 0, 0);
    assert_int_equal(content.size, first->size);
    assert_memory_equal(content.bytes, first->planes[0],
                        first->size < sizeof(content.bytes) ? first->size : sizeof(content.bytes));
    sl_frame_unref(&first);
}

static void matroska_comes_back(void **state) {
    (void)state;
    jpegs_are_stored_as_they_came("a.mkv");
}

static void mp4_comes_back(void **state) {
    (void)state;
    jpegs_are_stored_as_they_came("a.mp4");
}

static void mov_comes_back(void **state) {
    (void)state;
    jpegs_are_stored_as_they_came("a.MOV");
}

static void raw_frames_are_coded(void **state) {
    (void)state;
    sl_sink *sink;
    struct content content;
    assert_int_equal(open_sink(&sink, in_folder("raw.mkv"), NULL), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_BGR, 161, 121, 1)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_GRAY, 161, 121, 2)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_I420, 161, 121, 3)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_I422, 161, 121, 3)), 0);
    assert_int_equal(put(sink, picture(SL_FORMAT_I444, 161, 121, 3)), 0);
    assert_int_equal(put(sink, array("uint8", 3, (int64_t[]){121, 161, 4})), 0);
    assert_int_equal(put(sink, jpeg(161, 121, 4, 0)), 0);
    assert_int_equal(put(sink, array("float32", 2, (int64_t[]){121, 161})), 0);
    assert_int_equal(put(sink, array("uint8", 3, (int64_t[]){121, 161, 2})), 0);
    assert_int_equal(sl_sink_dropped(sink), 2);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of("raw.mkv"), &content), 0);
    assert_int_equal(content.packets, 7);
    assert_int_equal(content.width, 161);
    assert_true(content.increasing);
}

static void garbage_is_dropped(void **state) {
    (void)state;
    sl_sink *sink;
    sl_buffer *bytes;
    sl_frame *frame;
    assert_int_equal(open_sink(&sink, in_folder("garbage.mkv"), NULL), 0);
    assert_int_equal(sl_buffer_new(&bytes, 5000), 0);
    memset(bytes->data, 0xFF, 5000);
    assert_int_equal(sl_frame_new_coded(&frame, SL_FORMAT_JPEG, bytes), 0);
    sl_buffer_unref(&bytes);
    assert_int_equal(put(sink, frame), 0);
    assert_int_equal(sl_sink_dropped(sink), 1);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(access(path_of("garbage.mkv"), F_OK), -1); /* nothing came: nothing is left */
}

/* Ends once a second has passed since the part began, as the sink wants it. */
static void write_until_accepted(sl_sink *sink, int width, int height, int64_t time_us) {
    uint64_t dropped;
    do {
        usleep(20000);
        dropped = sl_sink_dropped(sink);
        assert_int_equal(put(sink, jpeg(width, height, 1, time_us)), 0);
    } while (sl_sink_dropped(sink) > dropped);
}

static void another_size_begins_another_file(void **state) {
    (void)state;
    sl_sink *sink;
    struct content content;
    FILE *theirs = fopen(path_of("parts-2.mkv"), "w"); /* somebody's, to be left alone */
    fputs("theirs", theirs);
    fclose(theirs);
    assert_int_equal(open_sink(&sink, in_folder("parts.mkv"), NULL), 0);
    assert_int_equal(put(sink, jpeg(320, 240, 1, 1000)), 0);
    write_until_accepted(sink, 160, 120, 2000);
    assert_int_equal(put(sink, jpeg(160, 120, 2, 3000)), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of("parts.mkv"), &content), 0);
    assert_int_equal(content.packets, 1);
    assert_int_equal(content.width, 320);
    assert_true(read_file(path_of("parts-2.mkv"), &content) < 0);
    assert_int_equal(read_file(path_of("parts-3.mkv"), &content), 0);
    assert_int_equal(content.packets, 2);
    assert_int_equal(content.width, 160);
}

static void hear_of_descriptors(void *user, sl_log_level level, const char *room,
                                const char *line) {
    (void)level, (void)room;
    *(bool *)user = *(bool *)user || strstr(line, "open files");
}

static void a_moment_without_descriptors_costs_frames(void **state) {
    (void)state;
    sl_sink *sink;
    struct content content;
    bool heard = false;
    int code = 0;
    assert_int_equal(open_sink(&sink, in_folder("moment.mkv"), NULL), 0);
    assert_int_equal(put(sink, jpeg(320, 240, 1, 1000)), 0);
    sl_log_set(hear_of_descriptors, &heard, SL_LOG_WARNING);
    have_descriptors(false);
    for (int i = 0; i < 500 && code == 0 && !heard; i++) {
        usleep(20000); /* another part has to wait for its second */
        code = put(sink, jpeg(160, 120, 1, 2000));
    }
    have_descriptors(true);
    sl_log_set(NULL, NULL, SL_LOG_NONE);
    assert_int_equal(code, 0);
    assert_true(heard);
    uint64_t dropped = sl_sink_dropped(sink);
    assert_true(dropped > 0);
    assert_int_equal(put(sink, jpeg(160, 120, 2, 3000)), 0);
    assert_int_equal(sl_sink_dropped(sink), dropped);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of("moment.mkv"), &content), 0);
    assert_int_equal(content.packets, 1);
    assert_int_equal(read_file(path_of("moment-2.mkv"), &content), 0);
    assert_int_equal(content.packets, 1);
    assert_int_equal(content.width, 160);
}

static void a_file_is_kept_until_frames_come(void **state) {
    (void)state;
    sl_sink *sink;
    struct stat status;
    FILE *former = fopen(path_of("former.mkv"), "w");
    fputs("yesterday", former);
    fclose(former);
    assert_int_equal(open_sink(&sink, in_folder("former.mkv"), NULL), 0);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(stat(path_of("former.mkv"), &status), 0);
    assert_int_equal(status.st_size, strlen("yesterday"));
}

static void bad_paths_fail_early(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(open_sink(&sink, in_folder("none/a.mkv"), NULL), SL_ESINK);
    assert_non_null(strstr(sl_error(), "none/a.mkv"));
    assert_int_equal(mkdir(path_of("d.mp4"), 0700), 0);
    assert_int_equal(open_sink(&sink, in_folder("d.mp4"), NULL), SL_ESINK);
    assert_non_null(strstr(sl_error(), "is a folder"));
    assert_int_equal(mkfifo(path_of("f.mkv"), 0600), 0);
    assert_int_equal(open_sink(&sink, in_folder("f.mkv"), NULL), SL_ESINK);
    assert_null(sink);
}

/* Writes a second of frames at a time until killed; tells after each one how many. */
static void write_for_ever(const char *name, int tell) {
    sl_sink *sink;
    if (open_sink(&sink, in_folder(name), NULL) < 0)
        _exit(1);
    for (int written = 0;;) {
        for (int i = 0; i < 30; i++, written++)
            if (put(sink, jpeg(320, 240, written, 1000000 + INT64_C(33333) * written)) < 0)
                _exit(1);
        if (write(tell, &written, sizeof(written)) != sizeof(written))
            _exit(1);
    }
}

static void a_kill_costs_a_second_at_most(const char *name) {
    int ends[2], written = 0;
    struct content content;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        write_for_ever(name, ends[1]);
    assert_true(child > 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read(ends[0], &written, sizeof(written)), sizeof(written));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(read_file(path_of(name), &content), 0);
    assert_true(content.packets >= written - 30);
    assert_true(content.increasing);
}

static void a_killed_matroska_plays(void **state) {
    (void)state;
    a_kill_costs_a_second_at_most("killed.mkv");
}

static void a_killed_mp4_plays(void **state) {
    (void)state;
    a_kill_costs_a_second_at_most("killed.mp4");
}

static void a_full_disk_is_said(void **state) {
    (void)state;
    sl_sink *sink;
    assert_int_equal(symlink("/dev/full", path_of("full.mkv")), 0);
    assert_int_equal(open_sink(&sink, in_folder("full.mkv"), NULL), 0);
    assert_int_equal(put(sink, jpeg(320, 240, 1, 1000)), SL_ESINK);
    assert_non_null(strstr(sl_error(), "disk is full"));
    assert_int_equal(sl_sink_close(&sink), 0);
}

/* The file is cut back to what is whole, whatever the write that failed left behind. */
static void what_was_written_stays_playable(const char *name) {
    sl_sink *sink;
    struct content content;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 2000 * 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(open_sink(&sink, in_folder(name), NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int code = 0, written = 0;
    for (; code == 0 && written < 10000; written++)
        code = put(sink, jpeg(320, 240, written, 1000 + INT64_C(33333) * written));
    assert_int_equal(code, SL_ESINK);
    assert_non_null(strstr(sl_error(), "is playable"));
    int kept = atoi(strstr(sl_error(), "it holds ") + strlen("it holds "));
    assert_int_equal(put(sink, jpeg(320, 240, 1, 2000)), SL_ESINK);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(read_file(path_of(name), &content), 0);
    assert_int_equal(content.packets, kept);
    assert_true(kept > 0 && kept < written);
}

static void a_cut_matroska_plays(void **state) {
    (void)state;
    what_was_written_stays_playable("cut.mkv");
}

static void a_cut_mp4_plays(void **state) {
    (void)state;
    what_was_written_stays_playable("cut.mp4");
}

/* Asked for keyframes by a recording that has its frames from a tap. */
static void count_wish(void *user, const char *port) {
    assert_null(port);
    atomic_fetch_add((atomic_int *)user, 1);
}

/* Has a sink store what its tap takes, and gives it a film of so many frames. */
static void tap_film(const char *name, sl_format format, int count) {
    sl_sink *sink;
    sl_tap tap;
    struct film film;
    atomic_int wishes = 0;
    const sl_viewer viewer = {.user = &wishes, .refresh = count_wish};
    assert_int_equal(open_sink(&sink, in_folder(name), NULL), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), SL_EUNSUPPORTED);
    film_open(&film, format, 160, 120);
    for (int i = 0; i < count; i++) {
        sl_frame *frame = film_next(&film, false, 1000000 + i * INT64_C(33333));
        frame->captured_monotonic_us = 0;
        tap.take(tap.user, frame);
        assert_int_equal(sl_sink_write(sink, frame), 0); /* stores nothing */
        sl_frame_unref(&frame);
    }
    film_close(&film);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(wishes, 0);
}

static void video_is_stored_as_it_came(const char *name, sl_format format) {
    struct content content;
    tap_film(name, format, 60);
    assert_int_equal(read_file(path_of(name), &content), 0);
    assert_int_equal(content.packets, 60);
    assert_int_equal(content.width, 160);
    assert_int_equal(content.height, 120);
    assert_true(content.increasing);
    assert_in_range(content.last_us - content.first_us, 59 * 33333 - 1000, 59 * 33333 + 1000);
}

static void h264_comes_back(void **state) {
    (void)state;
    video_is_stored_as_it_came("h264.mkv", SL_FORMAT_H264);
    video_is_stored_as_it_came("h264.mp4", SL_FORMAT_H264);
    video_is_stored_as_it_came("h264.mov", SL_FORMAT_H264);
}

static void hevc_comes_back(void **state) {
    (void)state;
    video_is_stored_as_it_came("hevc.mkv", SL_FORMAT_HEVC);
    video_is_stored_as_it_came("hevc.mp4", SL_FORMAT_HEVC);
}

static void av1_comes_back(void **state) {
    (void)state;
    video_is_stored_as_it_came("av1.mkv", SL_FORMAT_AV1);
    video_is_stored_as_it_came("av1.mp4", SL_FORMAT_AV1);
}

static void a_keyframe_is_asked_for_when_one_is_needed(void **state) {
    (void)state;
    sl_sink *sink;
    sl_tap tap;
    struct film film;
    struct content content;
    atomic_int wishes = 0;
    const sl_viewer viewer = {.user = &wishes, .refresh = count_wish};
    assert_int_equal(open_sink(&sink, in_folder("late.mkv"), NULL), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), 0);
    film_open(&film, SL_FORMAT_H264, 160, 120);
    for (int i = 0; i < 90; i++) {
        sl_frame *frame = film_next(&film, i == 60, 1000000 + i * INT64_C(33333));
        if (i >= 30) /* who comes late */
            tap.take(tap.user, frame);
        sl_frame_unref(&frame);
    }
    film_close(&film);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(wishes, 30);
    assert_int_equal(read_file(path_of("late.mkv"), &content), 0);
    assert_int_equal(content.packets, 30);
}

static void only_one_camera_is_stored(void **state) {
    (void)state;
    sl_sink *sink;
    sl_tap tap;
    struct content content;
    const sl_viewer viewer = {0};
    assert_int_equal(open_sink(&sink, in_folder("one.mkv"), NULL), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), 0);
    for (int i = 0; i < 20; i++) {
        sl_frame *frame = jpeg(160, 120, i, 0);
        assert_int_equal(sl_frame_set_port(frame, i % 2 ? "2" : "1"), 0);
        tap.take(tap.user, frame);
        sl_frame_unref(&frame);
    }
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(read_file(path_of("one.mkv"), &content), 0);
    assert_int_equal(content.packets, 10);
}

static void what_a_tapped_recording_failed_with_is_told(void **state) {
    (void)state;
    sl_sink *sink;
    sl_tap tap;
    const sl_viewer viewer = {0};
    int code = 0;
    assert_int_equal(symlink("/dev/full", path_of("tap.mkv")), 0);
    assert_int_equal(open_sink(&sink, in_folder("tap.mkv"), NULL), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), 0);
    sl_frame *frame = jpeg(320, 240, 1, 1000);
    tap.take(tap.user, frame);
    for (int i = 0; i < 3000 && code == 0; i++) {
        code = sl_sink_write(sink, frame);
        usleep(20000);
    }
    assert_int_equal(code, SL_ESINK);
    assert_non_null(strstr(sl_error(), "disk is full"));
    sl_frame_unref(&frame);
    assert_int_equal(sl_sink_close(&sink), 0);
    assert_int_equal(open_sink(&sink, "null", NULL), 0);
    assert_int_equal(sl_sink_tap(sink, &tap, &viewer), SL_EUNSUPPORTED);
    assert_int_equal(sl_sink_close(&sink), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matroska_comes_back),
        cmocka_unit_test(mp4_comes_back),
        cmocka_unit_test(mov_comes_back),
        cmocka_unit_test(raw_frames_are_coded),
        cmocka_unit_test(garbage_is_dropped),
        cmocka_unit_test(another_size_begins_another_file),
        cmocka_unit_test(a_moment_without_descriptors_costs_frames),
        cmocka_unit_test(a_file_is_kept_until_frames_come),
        cmocka_unit_test(bad_paths_fail_early),
        cmocka_unit_test(a_killed_matroska_plays),
        cmocka_unit_test(a_killed_mp4_plays),
        cmocka_unit_test(a_full_disk_is_said),
        cmocka_unit_test(a_cut_matroska_plays),
        cmocka_unit_test(a_cut_mp4_plays),
        cmocka_unit_test(h264_comes_back),
        cmocka_unit_test(hevc_comes_back),
        cmocka_unit_test(av1_comes_back),
        cmocka_unit_test(a_keyframe_is_asked_for_when_one_is_needed),
        cmocka_unit_test(only_one_camera_is_stored),
        cmocka_unit_test(what_a_tapped_recording_failed_with_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
