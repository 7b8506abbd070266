/* The encoder of one lane: there while somebody takes the lane's frames, and as they want it. */
#include "stream/coder.h"

#include "base/error.h"
#include "frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/sender.h>
#include <string.h>

struct bench {
    sl_sender_settings settings;
    sl_steering steering;
    sl_rein rein;
    sl_coder coder;
};

static void open_bench(struct bench *bench, size_t lane) {
    *bench = (struct bench){.rein.member.lane = lane};
    sl_sender_settings_init(&bench->settings);
    assert_int_equal(sl_settings_set(&bench->settings, "video_codec", "jpeg"), SL_OK);
    sl_steering_init(&bench->steering, 2);
    sl_coder_init(&bench->coder, &bench->settings.codec, &bench->steering, lane, 1);
    assert_int_equal(sl_coder_open(&bench->coder), SL_OK);
}

static void close_bench(struct bench *bench) {
    sl_coder_finish(&bench->coder);
    sl_steering_finish(&bench->steering);
    sl_settings_finish(&bench->settings);
}

static void want(struct bench *bench, double scale) {
    const sl_governor_aim aim = {.bit_rate = 1000000, .fps = 30, .scale = scale};
    const sl_live_stats told = {0};
    sl_steering_aim(&bench->steering, &bench->rein, &aim, true, &told, 1);
}

/* How a picture was coded. */
static sl_coding code(struct bench *bench) {
    sl_frame *picture = NULL, *coded = NULL;
    sl_coding how;
    assert_int_equal(sl_frame_new(&picture, SL_FORMAT_GRAY, 64, 48), SL_OK);
    memset(picture->planes[0], 100, picture->size);
    assert_int_equal(sl_coder_code(&bench->coder, picture, &coded), SL_OK);
    assert_int_equal(coded->format, SL_FORMAT_JPEG);
    sl_steering_coding(&bench->steering, &bench->rein, &how);
    assert_int_equal(how.bytes, coded->size);
    sl_frame_unref(&coded);
    sl_frame_unref(&picture);
    return how;
}

static void codes_as_it_is_steered(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 0);
    want(&bench, 1);
    assert_int_equal(code(&bench).width, 64);
    want(&bench, 0.5);
    sl_coding how = code(&bench);
    assert_int_equal(how.width, 32);
    assert_int_equal(how.frames, 2);
    close_bench(&bench);
}

static void rests_when_nobody_takes_its_frames(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 1);
    want(&bench, 1);
    code(&bench);
    sl_coder_rest(&bench.coder);
    assert_non_null(bench.coder.codec);
    sl_steering_let_go(&bench.steering, &bench.rein);
    sl_coder_rest(&bench.coder);
    assert_null(bench.coder.codec);
    code(&bench); /* it was let in before */
    assert_null(bench.coder.codec);
    want(&bench, 1);
    assert_int_equal(code(&bench).width, 64);
    assert_non_null(bench.coder.codec);
    close_bench(&bench);
}

/* Who leaves while a frame is being coded goes on at once, and the encoder is freed after it. */
static void nobody_waits_for_it_to_rest(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 1);
    want(&bench, 1);
    code(&bench);
    sl_steering_let_go(&bench.steering, &bench.rein);
    pthread_mutex_lock(&bench.coder.lock); /* as while a frame is being coded */
    sl_coder_rest(&bench.coder);
    assert_non_null(bench.coder.codec);
    pthread_mutex_unlock(&bench.coder.lock);
    code(&bench);
    assert_null(bench.coder.codec);
    close_bench(&bench);
}

static void the_first_lane_keeps_its_own(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 0);
    want(&bench, 1);
    code(&bench);
    sl_steering_let_go(&bench.steering, &bench.rein);
    sl_coder_rest(&bench.coder);
    assert_non_null(bench.coder.codec);
    close_bench(&bench);
}

static void no_codec_takes_such_settings(void **state) {
    (void)state;
    struct bench bench;
    open_bench(&bench, 0);
    sl_coder_finish(&bench.coder);
    bench.settings.codec.quality = 5;
    sl_coder_init(&bench.coder, &bench.settings.codec, &bench.steering, 0, 1);
    assert_int_equal(sl_coder_open(&bench.coder), SL_EINVAL);
    close_bench(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_as_it_is_steered),
        cmocka_unit_test(rests_when_nobody_takes_its_frames),
        cmocka_unit_test(nobody_waits_for_it_to_rest),
        cmocka_unit_test(the_first_lane_keeps_its_own),
        cmocka_unit_test(no_codec_takes_such_settings),
    };
    return cmocka_run_group_tests_name("stream/coder", tests, NULL, NULL);
}
