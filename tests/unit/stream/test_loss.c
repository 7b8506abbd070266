/* A camera that is gone: what its sender knows, what it tells, and what its viewer shows. */
#include "ends.h"

#include "base/clock.h"
#include "stream/loss.h"
#include <time.h>

static void what_is_known_is_not_told_again(void **state) {
    (void)state;
    sl_loss loss;
    sl_live_message news;
    uint64_t told = 0, changes;
    char longest[400];
    sl_loss_init(&loss);
    assert_false(sl_loss_news(&loss, told, 1000, &news, &changes));
    sl_loss_note(&loss, NULL, 2000); /* it is there, as before */
    assert_false(sl_loss_news(&loss, told, 2000, &news, &changes));
    sl_loss_note(&loss, "unplugged", 3000);
    sl_loss_note(&loss, "unplugged", 4000);
    assert_true(sl_loss_news(&loss, told, 5000, &news, &told));
    assert_int_equal(news.kind, SL_LIVE_LOSS);
    assert_int_equal(news.flags, SL_LIVE_LOST);
    assert_int_equal(news.lost_us, 2000);
    assert_string_equal(news.text, "unplugged");
    assert_false(sl_loss_news(&loss, told, 6000, &news, &changes));
    assert_true(sl_loss_news(&loss, 0, 6000, &news, &changes)); /* to one who comes now */
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    sl_loss_note(&loss, longest, 7000);
    assert_true(sl_loss_news(&loss, told, 8000, &news, &told));
    assert_int_equal(news.lost_us, 5000); /* for another reason, but since then */
    assert_int_equal(strlen(news.text), SL_LIVE_WHY_MAX);
    sl_loss_note(&loss, NULL, 9000);
    assert_false(sl_loss_news(&loss, 0, 9000, &news, &changes));
    assert_true(sl_loss_news(&loss, told, 9000, &news, &changes));
    assert_int_equal(news.flags, 0);
    assert_string_equal(news.text, "");
    sl_loss_finish(&loss);
}

static sl_camera_view seen;

static void look(const struct ends *ends) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    seen = (sl_camera_view){0};
    sl_receiver_cameras(ends->receiver, &seen, 1);
}

static void await_state(const struct ends *ends, sl_view_state state) {
    do
        look(ends);
    while (!*seen.id || seen.state != state);
}

/* Sends and takes pictures until the viewer says that the camera is live. */
static void show_pictures(struct ends *ends) {
    static uint8_t level;
    sl_frame *picture = NULL, *frame = NULL;
    uint64_t before = seen.frames;
    for (look(ends); !*seen.id || seen.frames == before; look(ends)) {
        assert_int_equal(sl_frame_new(&picture, SL_FORMAT_GRAY, 160, 120), SL_OK);
        memset(picture->planes[0], level += 9, picture->size);
        picture->captured_monotonic_us = sl_now_us();
        sl_sender_send(ends->sender, picture, 20);
        sl_receiver_recv(ends->receiver, &frame, 20);
        sl_frame_unref(&picture);
        sl_frame_unref(&frame);
    }
}

static void a_viewer_is_told(void **state) {
    (void)state;
    struct ends ends;
    open_both(&ends, SL_PATTERN_LIVE);
    show_pictures(&ends);
    sl_sender_lost(ends.sender, "the plug was \033pulled");
    await_state(&ends, SL_VIEW_LOST);
    assert_string_equal(seen.reason, "the plug was ?pulled");
    assert_true(sl_utc_us() - seen.since_us < 60 * SL_SECOND_US);
    sl_sender_lost(ends.sender, NULL);
    while (seen.state == SL_VIEW_LOST)
        look(&ends);
    sl_sender_lost(ends.sender, "again");
    await_state(&ends, SL_VIEW_LOST);
    do
        show_pictures(&ends); /* nobody said that it is back: the pictures do */
    while (seen.state != SL_VIEW_LIVE);
    close_both(&ends);
}

static void a_viewer_that_comes_later_is_told(void **state) {
    (void)state;
    struct ends ends;
    sl_receiver_settings receiving;
    open_both(&ends, SL_PATTERN_LIVE);
    sl_sender_lost(ends.sender, "the plug was pulled");
    await_state(&ends, SL_VIEW_LOST);
    sl_receiver_close(&ends.receiver);
    sl_receiver_settings_init(&receiving);
    assert_int_equal(open_receiver(&ends, &receiving), SL_OK);
    await_state(&ends, SL_VIEW_LOST);
    assert_string_equal(seen.reason, "the plug was pulled");
    close_both(&ends);
}

/* Nothing is sent that they would not know. */
static void elsewhere_nobody_is(void **state) {
    (void)state;
    struct ends ends;
    uint32_t number;
    sl_stats stats;
    open_both(&ends, SL_PATTERN_PAIR);
    sl_sender_lost(ends.sender, "the plug was pulled");
    assert_int_equal(send_number(&ends, 5, -1), SL_OK);
    assert_int_equal(receive_number(&ends, &number, -1), SL_OK);
    sl_receiver_stats(ends.receiver, &stats);
    assert_int_equal(stats.rejected, 0);
    close_both(&ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_not_told_again),
        cmocka_unit_test(a_viewer_is_told),
        cmocka_unit_test(a_viewer_that_comes_later_is_told),
        cmocka_unit_test(elsewhere_nobody_is),
    };
    return cmocka_run_group_tests_name("stream/loss", tests, NULL, NULL);
}
