/* The recording of one camera, frame by frame: where segments begin and end, and what of before is
 * in them. Frames arrive when the test says. */
#include "sink/recording/tape.h"
#include "segments.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

struct deck {
    char directory[400];
    sl_tape_rules rules;
    sl_refused refused;
    sl_tape tape;
    struct film film;
    int64_t begin_us, now_us; /* of this machine's clock */
};

static void open_deck(struct deck *deck, const char *name, sl_format format) {
    memset(deck, 0, sizeof(*deck));
    snprintf(deck->directory, sizeof(deck->directory), "%s", path_of(name));
    assert_int_equal(mkdir(deck->directory, 0700), 0);
    deck->rules = (sl_tape_rules){
        .directory = deck->directory,
        .preroll_most = 10 << 20,
        .segment = {.us = 10 * SL_SECOND_US},
        .viewer = viewer,
        .refused = &deck->refused,
    };
    sl_tape_init(&deck->tape, &deck->rules, "");
    film_open(&deck->film, format, 160, 120);
    deck->begin_us = deck->now_us = sl_now_us();
    take_wish();
}

static void close_deck(struct deck *deck) {
    assert_int_equal(sl_tape_finish(&deck->tape), 0);
    film_close(&deck->film);
}

/* One frame, 30 a second; a keyframe when it was asked for. */
static void shoot(struct deck *deck) {
    sl_frame *frame = film_next(&deck->film, take_wish(), UTC + deck->now_us - deck->begin_us);
    sl_tape_take(&deck->tape, frame, false, deck->now_us);
    deck->now_us += FRAME_US;
    sl_frame_unref(&frame);
}

static void shoot_many(struct deck *deck, int count) {
    for (int i = 0; i < count; i++)
        shoot(deck);
}

/* All segments, one after the other: every frame once, at its time. Gives how many segments. */
static int check_segments(const char *name, int first, int count) {
    char camera_folder[128];
    snprintf(camera_folder, sizeof(camera_folder), "%s/door", name);
    struct names names = list(camera_folder);
    int at = first;
    for (int i = 0; i < names.count; i++) {
        struct read_back read = read_named(camera_folder, names.each[i]);
        assert_int_equal(read.pictures, read.frames);
        for (int each = 0; each < read.frames; each++, at++)
            assert_in_range(read.utc_us[each], UTC + at * (int64_t)FRAME_US - 1000,
                            UTC + at * (int64_t)FRAME_US + 1000);
    }
    assert_int_equal(at - first, count);
    return names.count;
}

static void segments_join(const char *name, sl_format format) {
    struct deck deck;
    open_deck(&deck, name, format);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 25 * 30);
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    assert_int_equal(deck.tape.frames, 25 * 30);
    assert_int_equal(deck.tape.lost, 0);
    close_deck(&deck);
    assert_int_equal(check_segments(name, 0, 25 * 30), 3);
}

static void segments_of_h264_join(void **state) {
    (void)state;
    segments_join("h264", SL_FORMAT_H264);
    struct names names = list("h264/door");
    assert_string_equal(names.each[0], "door_20261130T153000.123Z.mkv");
    struct read_back read = read_named("h264/door", names.each[0]);
    assert_int_equal(read.codec, AV_CODEC_ID_H264);
    assert_int_equal(read.width, 160);
    /* The keyframe that was asked for came with the next frame. */
    assert_in_range(read.frames, 300, 302);
}

static void segments_of_hevc_join(void **state) {
    (void)state;
    segments_join("hevc", SL_FORMAT_HEVC);
}

static void segments_of_av1_join(void **state) {
    (void)state;
    segments_join("av1", SL_FORMAT_AV1);
}

static void a_segment_ends_by_size(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "size", SL_FORMAT_H264);
    deck.rules.segment = (sl_extent){.bytes = 20000};
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 300);
    close_deck(&deck);
    assert_in_range(check_segments("size", 0, 300), 2, 10);
}

static void what_was_before_is_in_it(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "before", SL_FORMAT_H264);
    deck.rules.before_us = 4 * SL_SECOND_US;
    for (int i = 0; i < 20 * 30; i++) {
        shoot(&deck);
        if (i % 3 == 0)
            sl_tape_tend(&deck.tape, deck.now_us);
    }
    assert_int_equal(list("before").count, 0);
    sl_tape_start(&deck.tape, deck.now_us - deck.rules.before_us, deck.now_us);
    shoot_many(&deck, 30);
    sl_tape_stop(&deck.tape);
    uint64_t stored = deck.tape.frames;
    shoot_many(&deck, 30);
    assert_int_equal(deck.tape.frames, stored);
    close_deck(&deck);
    /* Four seconds, and up to the four to the keyframe before, and the one since. */
    assert_in_range(stored, 5 * 30, 9 * 30 + 2);
    check_segments("before", 21 * 30 - (int)stored, (int)stored);
}

static void a_second_recording_repeats_nothing(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "again", SL_FORMAT_H264);
    deck.rules.before_us = 10 * SL_SECOND_US;
    shoot_many(&deck, 30);
    sl_tape_start(&deck.tape, deck.now_us - deck.rules.before_us, deck.now_us);
    shoot_many(&deck, 30);
    sl_tape_stop(&deck.tape);
    shoot_many(&deck, 30); /* with the keyframe that was asked for, first */
    sl_tape_start(&deck.tape, deck.now_us - deck.rules.before_us, deck.now_us);
    shoot_many(&deck, 30);
    close_deck(&deck);
    assert_int_equal(check_segments("again", 0, 120), 2);
}

static void what_is_kept_is_bounded(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "bounded", SL_FORMAT_H264);
    deck.rules.before_us = 600 * SL_SECOND_US;
    deck.rules.preroll_most = 100000;
    for (int i = 0; i < 1000; i++) {
        shoot(&deck);
        assert_true(deck.tape.preroll.bytes <= deck.rules.preroll_most);
    }
    sl_tape_start(&deck.tape, deck.now_us - deck.rules.before_us, deck.now_us);
    shoot_many(&deck, 60);
    int stored = (int)deck.tape.frames;
    close_deck(&deck);
    check_segments("bounded", 1060 - stored, stored);
}

static void a_gap_costs_frames_up_to_the_next_keyframe(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "gap", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 60);
    sl_frame *missing = film_next(&deck.film, false, 0);
    sl_frame_unref(&missing);
    shoot_many(&deck, 60);
    assert_int_equal(deck.tape.lost, 1); /* asked for a keyframe, which came next */
    assert_int_equal(deck.tape.frames, 119);
    close_deck(&deck);
    struct names names = list("gap/door");
    assert_int_equal(names.count, 1);
    struct read_back read = read_named("gap/door", names.each[0]);
    assert_int_equal(read.frames, 119);
    assert_int_equal(read.pictures, 119);
}

/* Frames of a film of another size, until one is stored. */
static void shoot_other(struct deck *deck, int width, int frames) {
    struct film former = deck->film;
    film_open(&deck->film, SL_FORMAT_H264, width, 120);
    deck->film.number = former.number;
    film_close(&former);
    shoot_many(deck, frames);
}

static void another_size_begins_another_segment(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "sizes", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 45);
    shoot_other(&deck, 320, 45);
    assert_int_equal(deck.tape.lost, 0);
    close_deck(&deck);
    assert_int_equal(check_segments("sizes", 0, 90), 2);
    struct names names = list("sizes/door");
    assert_int_equal(read_named("sizes/door", names.each[1]).width, 320);
}

static void sizes_that_change_each_frame_fill_no_folder(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "hostile", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    for (int i = 0; i < 90; i++)
        shoot_other(&deck, 160 + 16 * (i % 5), 1);
    assert_in_range(list("hostile/door").count, 1, 4);
    assert_int_equal(deck.tape.frames + deck.tape.lost, 90);
    assert_true(deck.tape.lost > 0);
    close_deck(&deck);
}

static void a_sender_that_begins_again_begins_a_segment(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "restart", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 60);
    deck.film.number = 0;
    deck.now_us += SL_SECOND_US;
    shoot_other(&deck, 160, 60);
    close_deck(&deck);
    assert_int_equal(list("restart/door").count, 2);
}

static void a_clock_that_is_set_begins_a_segment(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "clock", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 60);
    int64_t day_us = 86400 * SL_SECOND_US;
    for (int i = 0; i < 60; i++) {
        sl_frame *frame =
            film_next(&deck.film, take_wish(), UTC + day_us + deck.film.number * (int64_t)FRAME_US);
        sl_tape_take(&deck.tape, frame, false, deck.now_us);
        deck.now_us += FRAME_US;
        sl_frame_unref(&frame);
    }
    close_deck(&deck);
    struct names names = list("clock/door");
    assert_int_equal(names.count, 2);
    struct read_back first = read_named("clock/door", names.each[0]);
    struct read_back second = read_named("clock/door", names.each[1]);
    assert_int_equal(first.frames + second.frames, 120);
    assert_true(first.utc_us[first.frames - 1] < UTC + 5 * SL_SECOND_US);
    assert_in_range(second.utc_us[0], UTC + day_us, UTC + day_us + 5 * SL_SECOND_US);
}

/* A keyframe each second, all captured at the same moment, as the camera says. */
static void a_clock_that_stands_still_makes_no_segment_endless(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "still", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    for (int i = 0; i < 25 * 30; i++) {
        sl_frame *frame = film_next(&deck.film, i % 30 == 0, UTC);
        sl_tape_take(&deck.tape, frame, false, deck.now_us);
        deck.now_us += FRAME_US;
        sl_frame_unref(&frame);
    }
    close_deck(&deck);
    assert_int_equal(list("still/door").count, 3);
}

/* One frame a second, but no keyframe any more. */
static void shoot_without_keyframes(struct deck *deck, int seconds) {
    for (int i = 0; i < seconds; i++) {
        sl_frame *frame = film_next(&deck->film, false, UTC + deck->now_us - deck->begin_us);
        sl_tape_take(&deck->tape, frame, false, deck->now_us);
        deck->now_us += SL_SECOND_US;
        sl_frame_unref(&frame);
    }
}

static void a_camera_that_makes_no_keyframes_makes_no_segment_endless(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "keyless", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_without_keyframes(&deck, 60);
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    assert_int_equal(deck.tape.lost, 0);
    shoot_without_keyframes(&deck, 60);
    assert_int_equal(deck.tape.state, SL_RECORDING_WAITING);
    assert_in_range(deck.tape.frames, 65, 75);
    assert_true(take_wish());
    shoot(&deck);
    sl_frame *keyframe = film_next(&deck.film, true, UTC + deck.now_us - deck.begin_us);
    sl_tape_take(&deck.tape, keyframe, false, deck.now_us);
    sl_frame_unref(&keyframe);
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    close_deck(&deck);
    assert_int_equal(list("keyless/door").count, 2);
}

static void arrays_and_jpegs_are_stored(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "jpeg", SL_FORMAT_H264);
    deck.rules.segment = (sl_extent){.us = 2 * SL_SECOND_US};
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    for (int i = 0; i < 100; i++) {
        sl_frame *frame = i < 50 ? jpeg(160, 120, i, 0) : picture(SL_FORMAT_BGR, 160, 120, i);
        frame->captured_utc_us = UTC + i * (int64_t)FRAME_US;
        frame->sequence = (uint64_t)i;
        sl_tape_take(&deck.tape, frame, false, deck.now_us);
        deck.now_us += FRAME_US;
        sl_frame_unref(&frame);
    }
    sl_frame *numbers = array("float32", 2, (int64_t[]){4, 4});
    sl_tape_take(&deck.tape, numbers, false, deck.now_us);
    sl_frame_unref(&numbers);
    assert_int_equal(deck.tape.frames, 100);
    assert_int_equal(deck.tape.lost, 1);
    close_deck(&deck);
    assert_int_equal(check_segments("jpeg", 0, 100), 2);
}

static void damaged_video_is_let_go(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "damaged", SL_FORMAT_AV1);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 30);
    for (int i = 0; i < 30; i++) {
        sl_frame *frame = film_next(&deck.film, true, UTC + deck.film.number * (int64_t)FRAME_US);
        memset(frame->planes[0] + 4 + i, 0xff, frame->size - 4 - (size_t)i);
        deck.now_us += FRAME_US;
        sl_tape_take(&deck.tape, frame, false, deck.now_us);
        sl_frame_unref(&frame);
    }
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    assert_true(deck.tape.lost > 0);
    shoot_many(&deck, 30);
    close_deck(&deck);
    assert_int_equal(list("damaged/door").count, 1);
}

static void count_lines(void *user, sl_log_level level, const char *room, const char *line) {
    (void)level, (void)room;
    int *lines = user;
    *lines += strstr(line, "dropped a frame") != NULL;
}

/* However many cameras a peer is. */
static void what_is_let_go_is_said_once_a_second_for_all(void **state) {
    (void)state;
    enum { CAMERAS = 20 };
    static sl_tape tapes[CAMERAS];
    struct deck deck;
    int lines = 0;
    open_deck(&deck, "noise", SL_FORMAT_H264);
    sl_log_set(count_lines, &lines, SL_LOG_WARNING);
    for (int i = 0; i < CAMERAS; i++) {
        sl_frame *frame = film_next(&deck.film, true, UTC);
        frame->size = 0;
        sl_tape_init(&tapes[i], &deck.rules, "");
        sl_tape_start(&tapes[i], deck.now_us, deck.now_us);
        sl_tape_take(&tapes[i], frame, false, deck.now_us);
        sl_frame_unref(&frame);
        assert_int_equal(sl_tape_finish(&tapes[i]), 0);
    }
    sl_log_set(NULL, NULL, SL_LOG_WARNING);
    assert_int_equal(deck.refused.count, CAMERAS);
    assert_in_range(lines, 1, CAMERAS - 1);
    close_deck(&deck);
}

/* Where a write fails in the middle: what was written is whole, the frames after that are counted,
 * and it goes on in another segment. */
static void a_write_that_fails_ends_a_segment(void **state) {
    (void)state;
    struct deck deck;
    struct rlimit before, limit;
    open_deck(&deck, "fault", SL_FORMAT_H264);
    deck.rules.before_us = SL_SECOND_US;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 60);
    limit = before;
    limit.rlim_cur = (rlim_t)sl_muxer_bytes(deck.tape.segment.muxer) + 2000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 100000 && deck.tape.state == SL_RECORDING_ON; i++)
        shoot(&deck);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(deck.tape.state, SL_RECORDING_FAILED);
    assert_non_null(strstr(deck.tape.reason, "File too large"));
    assert_non_null(strstr(deck.tape.reason, "is playable"));
    int stored = (int)deck.tape.frames;
    assert_int_equal(deck.tape.lost, deck.film.number - stored);
    assert_int_equal(check_segments("fault", 0, stored), 1);
    shoot_many(&deck, 30); /* not before it is tried again */
    assert_int_equal(list("fault/door").count, 1);
    deck.now_us += 5 * SL_SECOND_US;
    shoot_many(&deck, 30);
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    assert_string_equal(deck.tape.reason, "");
    assert_in_range(deck.tape.frames, stored + 1, INT_MAX);
    close_deck(&deck);
    assert_int_equal(list("fault/door").count, 2);
}

static void a_silent_camera_ends_its_segment(void **state) {
    (void)state;
    struct deck deck;
    open_deck(&deck, "silent", SL_FORMAT_H264);
    sl_tape_start(&deck.tape, deck.now_us, deck.now_us);
    shoot_many(&deck, 30);
    sl_tape_tend(&deck.tape, deck.now_us + 30 * SL_SECOND_US);
    assert_int_equal(deck.tape.state, SL_RECORDING_ON);
    assert_int_equal(check_segments("silent", 0, 30), 1); /* in the file already */
    deck.now_us += 61 * SL_SECOND_US;
    sl_tape_tend(&deck.tape, deck.now_us);
    assert_int_equal(deck.tape.state, SL_RECORDING_WAITING);
    shoot_many(&deck, 30);
    close_deck(&deck);
    assert_int_equal(list("silent/door").count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_h264_join),
        cmocka_unit_test(segments_of_hevc_join),
        cmocka_unit_test(segments_of_av1_join),
        cmocka_unit_test(a_segment_ends_by_size),
        cmocka_unit_test(what_was_before_is_in_it),
        cmocka_unit_test(a_second_recording_repeats_nothing),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(a_gap_costs_frames_up_to_the_next_keyframe),
        cmocka_unit_test(another_size_begins_another_segment),
        cmocka_unit_test(sizes_that_change_each_frame_fill_no_folder),
        cmocka_unit_test(a_sender_that_begins_again_begins_a_segment),
        cmocka_unit_test(a_clock_that_is_set_begins_a_segment),
        cmocka_unit_test(a_clock_that_stands_still_makes_no_segment_endless),
        cmocka_unit_test(a_camera_that_makes_no_keyframes_makes_no_segment_endless),
        cmocka_unit_test(arrays_and_jpegs_are_stored),
        cmocka_unit_test(damaged_video_is_let_go),
        cmocka_unit_test(what_is_let_go_is_said_once_a_second_for_all),
        cmocka_unit_test(a_write_that_fails_ends_a_segment),
        cmocka_unit_test(a_silent_camera_ends_its_segment),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
