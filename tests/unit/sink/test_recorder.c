/* The recorder's public calls: its thread, its cameras, events, and ends of every kind. */
#include "segments.h"

#include "fault.h"

#include <sightline/recorder.h>
#include <signal.h>
#include <sys/wait.h>

#define PATIENCE_US (60 * SL_SECOND_US)

static sl_recorder_settings settings_for(const char *name) {
    sl_recorder_settings settings;
    sl_recorder_settings_init(&settings);
    assert_int_equal(sl_settings_set(&settings, "record", path_of(name)), 0);
    settings.viewer = &viewer;
    take_wish();
    return settings;
}

static sl_recorder *open_recorder(sl_recorder_settings *settings) {
    sl_recorder *recorder;
    if (sl_recorder_open(&recorder, settings) < 0)
        fail_msg("%s", sl_error());
    sl_settings_finish(settings);
    return recorder;
}

static void give(sl_recorder *recorder, sl_frame *frame) {
    sl_recorder_take(recorder, frame);
    sl_frame_unref(&frame);
}

static sl_recording status_of(sl_recorder *recorder, const char *port) {
    sl_recording recording;
    sl_recorder_status(recorder, port, &recording);
    return recording;
}

/* Until what was handed over has been seen to. */
static sl_recording wait_for(sl_recorder *recorder, sl_recording_state state, uint64_t frames) {
    int64_t patience_us = sl_now_us() + PATIENCE_US;
    sl_recording now;
    do {
        usleep(10000);
        now = status_of(recorder, NULL);
        if (sl_now_us() > patience_us)
            fail_msg("it is %s with %d frames and %d lost: %s", sl_recording_state_name(now.state),
                     (int)now.frames, (int)now.lost, now.reason);
    } while (now.state != state || now.frames + now.lost < frames);
    return now;
}

/* Frames of a film, captured now, a keyframe when it was asked for. */
static void shoot(sl_recorder *recorder, struct film *film, int count) {
    for (int i = 0; i < count; i++)
        give(recorder, film_next(film, take_wish(), sl_utc_us()));
}

static void wait_for_wish(void) {
    int64_t patience_us = sl_now_us() + PATIENCE_US;
    while (!take_wish() && sl_now_us() < patience_us)
        usleep(10000);
    camera.asked = true;
}

static void all_cameras_are_recorded(void **state) {
    (void)state;
    struct film film;
    sl_recorder_settings settings = settings_for("all");
    sl_recorder *recorder = open_recorder(&settings);
    assert_true(sl_recorder_wants(recorder));
    assert_int_equal(status_of(recorder, NULL).state, SL_RECORDING_OFF);
    film_open(&film, SL_FORMAT_H264, 160, 120);
    shoot(recorder, &film, 60);
    for (int i = 0; i < 60; i++) {
        sl_frame *frame = jpeg(320, 240, i, 0);
        assert_int_equal(sl_frame_set_port(frame, "\"5566\""), 0);
        give(recorder, frame);
    }
    sl_recording now = wait_for(recorder, SL_RECORDING_ON, 60);
    assert_int_equal(now.frames, 60);
    assert_in_range(sl_utc_us() - now.since_us, 0, PATIENCE_US);
    assert_int_equal(now.until_us, 0);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    assert_null(recorder);
    film_close(&film);
    struct names door = list("all/door"), other = list("all/camera-5566");
    assert_int_equal(door.count, 1);
    assert_int_equal(read_named("all/door", door.each[0]).frames, 60);
    assert_int_equal(other.count, 1);
    assert_int_equal(read_named("all/camera-5566", other.each[0]).frames, 60);
    assert_int_equal(read_segment(now.path).frames, 60);
}

static void an_event_has_an_end(void **state) {
    (void)state;
    struct film film;
    sl_recorder_settings settings = settings_for("event");
    settings.idle = true;
    settings.before_s = 30;
    sl_recorder *recorder = open_recorder(&settings);
    film_open(&film, SL_FORMAT_H264, 160, 120);
    shoot(recorder, &film, 30);
    assert_int_equal(sl_recorder_start(recorder, "", 3600), 0);
    sl_recording now = status_of(recorder, NULL);
    assert_int_equal(now.state, SL_RECORDING_WAITING);
    assert_string_equal(now.reason, "waits for a frame that it can begin with");
    assert_in_range(now.until_us - sl_utc_us(), 3500 * SL_SECOND_US, 3600 * SL_SECOND_US);
    wait_for(recorder, SL_RECORDING_ON, 30);
    assert_string_equal(status_of(recorder, NULL).reason, "");
    /* A shorter one leaves it as it is; without a length it has no end. */
    assert_int_equal(sl_recorder_start(recorder, NULL, 0.1), 0);
    assert_int_equal(status_of(recorder, NULL).until_us, now.until_us);
    assert_int_equal(sl_recorder_start(recorder, NULL, 0), 0);
    assert_int_equal(status_of(recorder, NULL).until_us, 0);
    assert_int_equal(sl_recorder_start(recorder, NULL, 0.1), 0);
    assert_int_equal(status_of(recorder, NULL).until_us, 0);
    assert_int_equal(sl_recorder_stop(recorder, NULL), 0);
    assert_int_equal(status_of(recorder, NULL).state, SL_RECORDING_OFF);
    assert_int_equal(status_of(recorder, NULL).since_us, 0);
    wait_for_wish();
    shoot(recorder, &film, 30);
    assert_int_equal(sl_recorder_start(recorder, NULL, 0.1), 0);
    wait_for(recorder, SL_RECORDING_OFF, 1);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    film_close(&film);
    struct names names = list("event/door");
    assert_int_equal(names.count, 2);
    assert_int_equal(read_named("event/door", names.each[0]).frames, 30);
}

static void what_is_not_asked_for_is_not_recorded(void **state) {
    (void)state;
    struct film film;
    sl_recorder_settings settings = settings_for("idle");
    settings.idle = true;
    sl_recorder *recorder = open_recorder(&settings);
    assert_false(sl_recorder_wants(recorder));
    film_open(&film, SL_FORMAT_H264, 160, 120);
    shoot(recorder, &film, 30);
    assert_int_equal(sl_recorder_stop(recorder, "7"), SL_EINVAL);
    assert_int_equal(sl_recorder_start(recorder, NULL, -1), SL_EINVAL);
    assert_int_equal(sl_recorder_start(recorder, NULL, 1e9), SL_EINVAL);
    assert_int_equal(sl_recorder_start(recorder, NULL, 0.0 / 0.0), SL_EINVAL);
    assert_int_equal(sl_recorder_start(recorder, "7", 0), 0);
    assert_true(sl_recorder_wants(recorder));
    assert_int_equal(status_of(recorder, "7").state, SL_RECORDING_WAITING);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    film_close(&film);
    assert_int_equal(access(path_of("idle"), F_OK), -1);
}

static void only_so_many_cameras_have_room(void **state) {
    (void)state;
    char port[16];
    sl_recorder_settings settings = settings_for("many");
    settings.idle = true;
    sl_recorder *recorder = open_recorder(&settings);
    for (int i = 0; i < SL_VIEWS_MAX; i++) {
        snprintf(port, sizeof(port), "%d", i);
        assert_int_equal(sl_recorder_start(recorder, port, 0), 0);
    }
    assert_int_equal(sl_recorder_start(recorder, "64", 0), SL_EINVAL);
    assert_int_equal(sl_recorder_start(recorder, "63", 0), 0);
    sl_frame *frame = jpeg(160, 120, 1, 0);
    assert_int_equal(sl_frame_set_port(frame, "64"), 0);
    give(recorder, frame); /* of no place */
    char longer[SL_VIEWS_MAX + 100];
    memset(longer, '1', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(sl_recorder_start(recorder, longer, 0), SL_EINVAL);
    assert_int_equal(sl_recorder_close(&recorder), 0);
}

static size_t list_late(void *user, sl_camera_view *cameras, size_t room) {
    (void)user;
    assert_true(room >= 2);
    memset(cameras, 0, 2 * sizeof(*cameras));
    strcpy(cameras[0].port, "0");
    strcpy(cameras[1].port, "late");
    strcpy(cameras[1].id, "late");
    cameras[0].frames = cameras[1].frames = 1;
    return 2;
}

static void give_jpeg(sl_recorder *recorder, const char *port) {
    sl_frame *frame = jpeg(320, 240, 1, 0);
    assert_int_equal(sl_frame_set_port(frame, port), 0);
    give(recorder, frame);
}

/* A peer can be any number of cameras, one after the other. */
static void those_that_are_gone_keep_nobody_out(void **state) {
    (void)state;
    static const sl_viewer crowd = {.cameras = list_late};
    int64_t patience_us = sl_now_us() + PATIENCE_US;
    char port[16];
    sl_recorder_settings settings = settings_for("crowd");
    settings.viewer = &crowd;
    sl_recorder *recorder = open_recorder(&settings);
    for (int i = 0; i < SL_VIEWS_MAX; i++) {
        snprintf(port, sizeof(port), "%d", i);
        give_jpeg(recorder, port);
    }
    while (status_of(recorder, "late").state != SL_RECORDING_ON) {
        assert_true(sl_now_us() < patience_us);
        give_jpeg(recorder, "late");
        usleep(10000);
    }
    assert_int_equal(status_of(recorder, "0").state, SL_RECORDING_ON);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    assert_int_equal(list("crowd/late").count, 1);
}

static void bad_places_are_said_early(void **state) {
    (void)state;
    sl_recorder *recorder;
    sl_recorder_settings settings = settings_for("file");
    FILE *file = fopen(path_of("file"), "w");
    fclose(file);
    settings.before_s = 601;
    assert_int_equal(sl_recorder_open(&recorder, &settings), SL_EINVAL);
    settings.before_s = 0;
    assert_int_equal(sl_recorder_open(&recorder, &settings), SL_ESINK);
    assert_non_null(strstr(sl_error(), "file"));
    assert_int_equal(sl_settings_set(&settings, "record", "/proc/nowhere/at/all"), 0);
    assert_int_equal(sl_recorder_open(&recorder, &settings), SL_ESINK);
    assert_null(recorder);
    assert_int_equal(sl_recorder_close(&recorder), 0);
    /* What is asked for later fails later. */
    settings.idle = true;
    recorder = open_recorder(&settings);
    assert_int_equal(sl_recorder_start(recorder, NULL, 0), 0);
    give(recorder, jpeg(160, 120, 1, 0));
    sl_recording now = wait_for(recorder, SL_RECORDING_FAILED, 1);
    assert_non_null(strstr(now.reason, "/proc/nowhere"));
    assert_int_equal(now.lost, 1);
    assert_int_equal(sl_recorder_close(&recorder), 0);
}

/* Records until killed; tells each time that a second of frames is handed over. */
static void record_for_ever(int tell) {
    struct film film;
    sl_recorder_settings settings = settings_for("killed");
    settings.segment = (sl_extent){.us = 2 * SL_SECOND_US};
    sl_recorder *recorder = open_recorder(&settings);
    film_open(&film, SL_FORMAT_H264, 160, 120);
    for (;;) {
        shoot(recorder, &film, 1);
        usleep(20000);
        if (film.number % 50 == 0 && write(tell, &film.number, sizeof(int)) != sizeof(int))
            _exit(1);
    }
}

static void each_segment_is_whole_after_a_kill(void **state) {
    (void)state;
    int ends[2], sent = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        record_for_ever(ends[1]);
    assert_true(child > 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(read(ends[0], &sent, sizeof(sent)), sizeof(sent));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    struct names names = list("killed/door");
    int frames = 0;
    int64_t last_us = 0;
    assert_true(names.count >= 2);
    for (int i = 0; i < names.count; i++) {
        struct read_back read = read_named("killed/door", names.each[i]);
        assert_int_equal(read.pictures, read.frames);
        for (int each = 0; each < read.frames; each++) {
            assert_true(read.utc_us[each] > last_us);
            last_us = read.utc_us[each];
        }
        frames += read.frames;
    }
    /* All but the piece that was being gathered, and what a slow machine had not come to. */
    assert_in_range(frames, sent - 100, sent + 50);
}

static void without_memory_it_is_not_opened(void **state) {
    (void)state;
    sl_recorder_settings settings = settings_for("memory");
    for (int nth = 0; fault_next(nth); nth++) {
        sl_recorder *recorder;
        int code = sl_recorder_open(&recorder, &settings);
        assert_true(code == 0 || (code == SL_ENOMEM && fault_happened()));
        assert_int_equal(recorder != NULL, code == 0);
        sl_recorder_close(&recorder);
    }
    sl_settings_finish(&settings);
}

static void states_have_names(void **state) {
    (void)state;
    assert_string_equal(sl_recording_state_name(SL_RECORDING_OFF), "off");
    assert_string_equal(sl_recording_state_name(SL_RECORDING_FAILED), "failed");
    assert_string_equal(sl_recording_state_name((sl_recording_state)99), "off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cameras_are_recorded),
        cmocka_unit_test(an_event_has_an_end),
        cmocka_unit_test(what_is_not_asked_for_is_not_recorded),
        cmocka_unit_test(only_so_many_cameras_have_room),
        cmocka_unit_test(those_that_are_gone_keep_nobody_out),
        cmocka_unit_test(bad_places_are_said_early),
        cmocka_unit_test(each_segment_is_whole_after_a_kill),
        cmocka_unit_test(without_memory_it_is_not_opened),
        cmocka_unit_test(states_have_names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
