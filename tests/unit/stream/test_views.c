/* What a receiver knows of its cameras: names, states and since when, figures, and a bound. */
#include "ends.h"

#include "../fault.h"
#include "base/clock.h"
#include "frame/frame.h"
#include "stream/views.h"
#include <stdio.h>

#define BEGIN_US   (1000 * SL_SECOND_US)
#define S(seconds) (BEGIN_US + (int64_t)((seconds)*SL_SECOND_US))

static sl_views *views;
static sl_audience audience;
static sl_camera_view seen[SL_VIEWS_MAX];

static int set_up(void **state) {
    (void)state;
    return sl_audience_init(&audience, BEGIN_US) || sl_views_open(&views, &audience, 0);
}

static int tear_down(void **state) {
    (void)state;
    sl_views_close(&views);
    sl_audience_finish(&audience);
    return 0;
}

/* One picture of 5 x 3 pixels, which nobody made smaller. */
static void come(const char *port, int64_t now_us) {
    sl_frame *frame = NULL;
    int64_t shape[] = {3, 5};
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 2, shape), SL_OK);
    assert_int_equal(sl_frame_set_port(frame, port), SL_OK);
    sl_views_hear(views, port, 1, frame->size, now_us);
    sl_views_come(views, frame, now_us);
    sl_frame_unref(&frame);
}

static const sl_camera_view *look(int64_t now_us) {
    sl_views_get(views, seen, SL_VIEWS_MAX, now_us);
    return &seen[0];
}

/* In which state the first camera is, and for how many milliseconds. */
static void assert_state(sl_view_state state, int64_t ms, int64_t now_us) {
    int64_t before_us = sl_utc_us();
    const sl_camera_view *camera = look(now_us);
    assert_string_equal(sl_view_state_name(camera->state), sl_view_state_name(state));
    assert_in_range(camera->since_us + ms * 1000, before_us, sl_utc_us());
}

static void names_become_ids(void **state) {
    (void)state;
    static const struct {
        const char *port, *name, *id;
    } cases[] = {
        {NULL, "camera", "camera"},
        {"5566", "5566", "5566"},
        {"\"garage\"", "garage", "garage"},
        {"\"Garage\"", "Garage", "Garage-2"},
        {"\"garage (2)\"", "garage (2)", "garage-2-2"},
        {"\"K\xc3\xbc"
         "che\"",
         "K\xc3\xbc"
         "che",
         "K-che"},
        {"\"../../etc/passwd\"", "../../etc/passwd", "etc-passwd"},
        {"\"...\"", "...", "camera-2"},
        {"\"pi.local.\"", "pi.local.", "pi.local"},
        {"\"\"", "camera", "camera-3"},
        {"\"", "\"", "camera-4"},
    };
    const size_t count = sizeof cases / sizeof cases[0];
    for (size_t i = 0; i < count; i++)
        sl_views_hear(views, cases[i].port, 1, 0, BEGIN_US);
    assert_int_equal(sl_views_get(views, seen, SL_VIEWS_MAX, BEGIN_US), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(seen[i].port, cases[i].port ? cases[i].port : "");
        assert_string_equal(seen[i].name, cases[i].name);
        assert_string_equal(seen[i].id, cases[i].id);
    }
    assert_int_equal(sl_views_get(views, seen, 2, BEGIN_US), 2);
}

static void states_follow_what_comes(void **state) {
    (void)state;
    sl_audience_enter(&audience);
    sl_views_hear(views, NULL, 1, 0, S(0));
    assert_state(SL_VIEW_LIVE, 1000, S(1)); /* it has just come */
    assert_int_equal(look(S(1))->last_us, 0);
    assert_state(SL_VIEW_SILENT, 3000, S(5));
    come(NULL, S(6));
    assert_state(SL_VIEW_LIVE, 1500, S(7.5));
    come(NULL, S(7.9));
    assert_state(SL_VIEW_LIVE, 3000, S(9));
    const sl_camera_view *camera = look(S(9));
    assert_int_equal(camera->last_us - camera->since_us, 1900000);
    come(NULL, S(20)); /* nobody looked while it was silent */
    assert_state(SL_VIEW_LIVE, 1000, S(21));
    sl_views_end(views, NULL, S(21));
    sl_views_end(views, NULL, S(22));
    assert_state(SL_VIEW_GONE, 4000, S(25));
    come(NULL, S(30));
    assert_state(SL_VIEW_LIVE, 1000, S(31));
    assert_int_equal(look(S(31))->frames, 4);
}

static void nobody_watches(void **state) {
    (void)state;
    sl_audience_enter(&audience);
    come(NULL, S(0));
    sl_audience_leave(&audience, S(0), true); /* expected back within 0.5 s */
    assert_state(SL_VIEW_LIVE, 400, S(0.4));
    assert_state(SL_VIEW_UNWATCHED, 19500, S(20));
    sl_views_resume(views, S(30));
    sl_audience_enter(&audience);
    assert_state(SL_VIEW_LIVE, 0, S(31)); /* it may take a moment */
    assert_state(SL_VIEW_SILENT, 1000, S(33));
}

/* The device is gone: that is told before that nobody watches, and a frame ends it. */
static void losses_are_told(void **state) {
    (void)state;
    sl_audience_enter(&audience);
    come(NULL, S(0));
    sl_views_lose(views, NULL, 2 * SL_SECOND_US, "the plug was pulled", S(3));
    assert_state(SL_VIEW_LOST, 9000, S(10));
    assert_string_equal(seen[0].reason, "the plug was pulled");
    sl_audience_leave(&audience, S(10), true);
    sl_views_lose(views, NULL, 29 * SL_SECOND_US, "and the cat has it", S(30));
    assert_state(SL_VIEW_LOST, 39000, S(40));
    assert_string_equal(seen[0].reason, "and the cat has it");
    sl_audience_enter(&audience);
    sl_views_regain(views, NULL, S(41));
    assert_state(SL_VIEW_LIVE, 1000, S(42));
    assert_string_equal(seen[0].reason, "");
    sl_views_lose(views, NULL, INT64_MAX, "again", S(43));
    come(NULL, S(44));
    assert_state(SL_VIEW_LIVE, 1000, S(45));
    sl_views_lose(views, NULL, 0, "gone for good", S(46));
    sl_views_end(views, NULL, S(47));
    assert_state(SL_VIEW_GONE, 1000, S(48));
    come(NULL, S(49));
    assert_state(SL_VIEW_LIVE, 0, S(49));
    sl_views_lose(views, "unknown", 0, "", S(50));
    sl_views_regain(views, "unknown", S(50));
    assert_int_equal(sl_views_get(views, seen, SL_VIEWS_MAX, S(50)), 1);
}

/* Where senders speak up of themselves, one that does not isn't there. */
static void silence_is_absence(void **state) {
    (void)state;
    sl_link *link = NULL;
    sl_receiver_settings settings;
    sl_receiver_settings_init(&settings);
    settings.link.address = "127.0.0.1";
    settings.link.port = 0;
    assert_int_equal(sl_link_open(&link, &settings.link, SL_ROLE_RECEIVER, NULL, NULL), SL_OK);
    sl_views_close(&views);
    assert_int_equal(sl_views_open(&views, NULL, 5 * SL_SECOND_US), SL_OK);
    sl_views_hear(views, "\"a\"", 0, 0, S(0));
    sl_views_look(views, link, S(6));
    assert_state(SL_VIEW_GONE, 6000, S(6));
    sl_views_hear(views, "\"a\"", 77, 0, S(7)); /* by a connection that isn't there */
    assert_state(SL_VIEW_LIVE, 0, S(7));
    sl_views_look(views, link, S(8));
    assert_state(SL_VIEW_GONE, 1000, S(9));
    sl_link_close(&link, 0);
    sl_settings_finish(&settings);
}

static void figures_are_each_camera_s(void **state) {
    (void)state;
    sl_frame *frame = NULL;
    for (int i = 0; i <= 20; i++)
        come("1", S(i / 20.0));
    come("2", S(1));
    look(S(1));
    assert_int_equal(seen[0].frames, 21);
    assert_int_equal(seen[0].bytes, 21 * 15);
    assert_int_equal(seen[1].bytes, 15);
    assert_int_equal(seen[0].width, 5);
    assert_int_equal(seen[0].height, 3);
    assert_int_equal(seen[0].format, SL_FORMAT_GRAY);
    assert_in_range((int)seen[0].fps, 19, 22);
    assert_in_range(seen[0].bit_rate, 19 * 15 * 8, 22 * 15 * 8);
    assert_true(seen[0].latency.max < 0);
    int64_t shape[] = {1};
    assert_int_equal(sl_frame_new_array(&frame, "uint8", 1, shape), SL_OK);
    assert_int_equal(sl_frame_set_port(frame, "2"), SL_OK);
    sl_views_age(views, frame, -4);
    sl_views_age(views, frame, 10);
    sl_views_age(views, frame, 11);
    sl_views_age(views, frame, 99999);
    sl_views_drop(views, frame);
    assert_int_equal(sl_frame_set_port(frame, "3"), SL_OK); /* not known: nothing happens */
    sl_views_age(views, frame, 10);
    sl_views_drop(views, frame);
    assert_int_equal(sl_views_get(views, seen, SL_VIEWS_MAX, S(5)), 2);
    assert_int_equal(seen[0].dropped, 0);
    assert_int_equal(seen[1].dropped, 1);
    assert_int_equal(seen[1].ages[0], 2);
    assert_int_equal(seen[1].ages[1], 1);
    assert_int_equal(seen[1].ages[SL_AGE_BOUNDS - 1], 1);
    assert_true(seen[1].ages_s > 100 && seen[1].ages_s < 100.03);
    assert_true(seen[1].latency.max == 99999);
    assert_true(seen[0].fps == 0);
    sl_frame_unref(&frame);
}

/* Whoever is gone for longest makes way, then whoever was silent for longest. */
static void is_bounded(void **state) {
    (void)state;
    char port[16];
    for (int i = 0; i < SL_VIEWS_MAX; i++) {
        snprintf(port, sizeof port, "%d", i);
        sl_views_hear(views, port, 1, 0, S(i));
    }
    sl_views_end(views, "7", S(100));
    sl_views_end(views, "3", S(101));
    sl_views_hear(views, "x", 1, 0, S(102));
    assert_int_equal(sl_views_get(views, seen, SL_VIEWS_MAX, S(102)), SL_VIEWS_MAX);
    assert_string_equal(seen[6].id, "6");
    assert_string_equal(seen[7].id, "8");
    assert_string_equal(seen[SL_VIEWS_MAX - 1].id, "x");
    sl_views_hear(views, "y", 1, 0, S(103));
    sl_views_hear(views, "z", 1, 0, S(104));
    assert_int_equal(sl_views_get(views, seen, SL_VIEWS_MAX, S(104)), SL_VIEWS_MAX);
    assert_string_equal(seen[0].id, "1");
    assert_string_equal(seen[2].id, "4");
    assert_string_equal(seen[SL_VIEWS_MAX - 1].id, "z");
}

static void want_of_memory_costs_a_view(void **state) {
    (void)state;
    for (int nth = 0; fault_next(nth); nth++) {
        sl_views *other = NULL;
        int result = sl_views_open(&other, NULL, 0);
        if (result == SL_OK)
            sl_views_hear(other, "1", 1, 10, S(0));
        size_t known = result == SL_OK ? sl_views_get(other, seen, SL_VIEWS_MAX, S(0)) : 0;
        assert_int_equal(known, !fault_happened());
        sl_views_close(&other);
    }
}

/* Two ends: a camera of NetGear's, and one that is gone. */
static void a_receiver_tells(void **state) {
    (void)state;
    struct ends ends;
    sl_viewer viewer;
    sl_stats stats;
    uint32_t number;
    open_both(&ends, SL_PATTERN_PAIR);
    sl_receiver_viewer(ends.receiver, &viewer);
    assert_int_equal(viewer.cameras(viewer.user, seen, SL_VIEWS_MAX), 0);
    assert_int_equal(send_number(&ends, 1, -1), SL_OK);
    assert_int_equal(receive_number(&ends, &number, -1), SL_OK);
    assert_int_equal(viewer.cameras(viewer.user, seen, SL_VIEWS_MAX), 1);
    assert_string_equal(seen[0].id, "camera");
    assert_int_equal(seen[0].state, SL_VIEW_LIVE);
    assert_int_equal(seen[0].frames, 1);
    assert_int_equal(seen[0].format, SL_FORMAT_ARRAY);
    viewer.stats(viewer.user, &stats);
    assert_int_equal(stats.frames, 1);
    viewer.refresh(viewer.user, NULL); /* nothing to do there */
    assert_int_equal(sl_receiver_ended(ends.receiver), SL_OK);
    sl_sender_close(&ends.sender);
    assert_int_equal(receive_number(&ends, &number, -1), SL_EEND);
    assert_int_equal(sl_receiver_ended(ends.receiver), SL_EEND);
    assert_int_equal(sl_receiver_cameras(ends.receiver, seen, SL_VIEWS_MAX), 1);
    assert_int_equal(seen[0].state, SL_VIEW_GONE);
    sl_receiver_close(&ends.receiver);
}

/* A live camera whose video nobody decodes; and nobody asks for any more. */
static void a_live_receiver_tells(void **state) {
    (void)state;
    struct ends ends;
    sl_frame *frame = NULL;
    open_both(&ends, SL_PATTERN_LIVE);
    sl_receiver_set_output(ends.receiver, SL_OUTPUT_CODED);
    for (uint8_t level = 0; !frame; level += 7) {
        sl_frame *picture = NULL;
        assert_int_equal(sl_frame_new(&picture, SL_FORMAT_GRAY, 320, 180), SL_OK);
        memset(picture->planes[0], level, picture->size);
        picture->captured_utc_us = sl_utc_us() - 300000;
        picture->captured_monotonic_us = sl_now_us();
        sl_sender_send(ends.sender, picture, 100);
        sl_frame_unref(&picture);
        sl_receiver_recv(ends.receiver, &frame, 100);
    }
    assert_int_equal(sl_receiver_cameras(ends.receiver, seen, SL_VIEWS_MAX), 1);
    assert_int_equal(seen[0].state, SL_VIEW_LIVE);
    assert_int_equal(seen[0].format, frame->format);
    assert_string_equal(seen[0].port, frame->port);
    assert_int_equal(seen[0].width, 320);
    assert_int_equal(seen[0].height, 180);
    assert_true(seen[0].latency.max >= 300);
    assert_true(seen[0].bit_rate > 0);
    sl_frame_unref(&frame);
    while (seen[0].state == SL_VIEW_LIVE)
        sl_receiver_cameras(ends.receiver, seen, SL_VIEWS_MAX);
    assert_int_equal(seen[0].state, SL_VIEW_UNWATCHED);
    close_both(&ends);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(names_become_ids),
        TEST(states_follow_what_comes),
        TEST(nobody_watches),
        TEST(losses_are_told),
        TEST(silence_is_absence),
        TEST(figures_are_each_camera_s),
        TEST(is_bounded),
        TEST(want_of_memory_costs_a_view),
        cmocka_unit_test(a_receiver_tells),
        cmocka_unit_test(a_live_receiver_tells),
    };
    return cmocka_run_group_tests_name("stream/views", tests, NULL, NULL);
}
