/* The cameras that a window shows: who has a place, in which order, and for how long. */
#include "pictures.h"
#include "sink/window/tiles.h"

#define SECOND INT64_C(1000000)
#define NOW    (1764516612 * SECOND)

static sl_tile *put_of(sl_tiles *tiles, const char *port) {
    sl_frame *frame = picture(SL_FORMAT_GRAY, 8, 4, 0);
    assert_int_equal(sl_frame_set_port(frame, port), 0);
    sl_tile *tile = sl_tiles_put(tiles, frame, 8, 4);
    sl_frame_unref(&frame);
    assert_non_null(tile);
    return tile;
}

static sl_camera_view view_of(const char *port, sl_view_state state, int64_t since_us) {
    sl_camera_view view = {.state = state, .since_us = since_us};
    snprintf(view.port, sizeof(view.port), "%s", port);
    snprintf(view.name, sizeof(view.name), "camera %s", port);
    return view;
}

static void each_has_a_tile(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    sl_tile *one = put_of(&tiles, "1"), *two = put_of(&tiles, "2"), *alone = put_of(&tiles, NULL);
    assert_int_equal(tiles.count, 3);
    assert_ptr_equal(put_of(&tiles, "2"), two);
    assert_ptr_equal(put_of(&tiles, NULL), alone);
    assert_int_equal(tiles.count, 3);
    assert_string_equal(one->view.name, "1");
    assert_string_equal(alone->view.name, "camera");
    sl_tiles_finish(&tiles);
}

static void those_told_of_come_in_their_order(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    put_of(&tiles, "1");
    put_of(&tiles, "2");
    sl_camera_view views[] = {
        view_of("2", SL_VIEW_LIVE, NOW),   view_of("1", SL_VIEW_SILENT, NOW),
        view_of("3", SL_VIEW_LIVE, NOW),   view_of("4", SL_VIEW_LOST, NOW),
        view_of("5", SL_VIEW_SILENT, NOW), view_of("6", SL_VIEW_GONE, NOW),
    };
    sl_tiles_tell(&tiles, views, 6, NOW);
    assert_int_equal(tiles.count, 4); /* of 3 a picture will come soon, and of 6 never */
    assert_string_equal(tiles.all[0]->view.name, "camera 2");
    assert_string_equal(tiles.all[1]->view.name, "camera 1");
    assert_string_equal(tiles.all[2]->view.name, "camera 4");
    assert_null(tiles.all[2]->frame);
    assert_string_equal(tiles.all[3]->view.name, "camera 5");
    sl_tiles_tell(&tiles, views + 1, 1, NOW); /* the others are forgotten */
    assert_int_equal(tiles.count, 1);
    sl_tiles_tell(&tiles, NULL, 0, NOW);
    assert_int_equal(tiles.count, 0);
    sl_tiles_finish(&tiles);
}

static void gone_ones_stay_for_a_while(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    put_of(&tiles, "1");
    put_of(&tiles, "2");
    sl_camera_view views[] = {view_of("1", SL_VIEW_GONE, NOW), view_of("2", SL_VIEW_LIVE, NOW)};
    sl_tiles_tell(&tiles, views, 2, NOW + 299 * SECOND);
    assert_int_equal(tiles.count, 2);
    sl_tiles_tell(&tiles, views, 2, NOW + 301 * SECOND);
    assert_int_equal(tiles.count, 1);
    assert_string_equal(tiles.all[0]->view.name, "camera 2");
    views[1].state = SL_VIEW_GONE; /* the last picture is more than none */
    sl_tiles_tell(&tiles, views, 2, NOW + 1000 * SECOND);
    assert_int_equal(tiles.count, 1);
    sl_tiles_finish(&tiles);
}

static void colours_go_and_come_with_the_state(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    sl_tile *tile = put_of(&tiles, "1");
    sl_camera_view live = view_of("1", SL_VIEW_LIVE, NOW),
                   silent = view_of("1", SL_VIEW_SILENT, NOW);
    tile->fresh = false;
    sl_tiles_tell(&tiles, &live, 1, NOW);
    assert_false(tile->fresh);
    sl_tiles_tell(&tiles, &silent, 1, NOW);
    assert_true(tile->fresh);
    tile->fresh = false;
    sl_tiles_tell(&tiles, &silent, 1, NOW);
    assert_false(tile->fresh);
    put_of(&tiles, "1"); /* a picture is the end of silence, whoever says so later */
    assert_int_equal(tile->view.state, SL_VIEW_LIVE);
    sl_tiles_finish(&tiles);
}

static void one_is_picked(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    sl_tiles_step(&tiles, 1);
    sl_tile *one = put_of(&tiles, "1");
    sl_tiles_pick(&tiles, 0); /* it is alone already */
    sl_tiles_step(&tiles, 1);
    assert_null(tiles.picked);
    sl_tile *two = put_of(&tiles, "2"), *three = put_of(&tiles, "3");
    sl_tiles_pick(&tiles, 1);
    assert_true(sl_tiles_shows(&tiles, two) && !sl_tiles_shows(&tiles, one));
    sl_tiles_pick(&tiles, 3); /* there is no such */
    assert_ptr_equal(tiles.picked, two);
    sl_tiles_step(&tiles, 1);
    assert_ptr_equal(tiles.picked, three);
    sl_tiles_step(&tiles, 1);
    assert_ptr_equal(tiles.picked, one);
    sl_tiles_step(&tiles, -1);
    assert_ptr_equal(tiles.picked, three);
    tiles.picked = NULL;
    sl_tiles_step(&tiles, 1);
    assert_ptr_equal(tiles.picked, one);
    tiles.picked = NULL;
    sl_tiles_step(&tiles, -1);
    assert_ptr_equal(tiles.picked, three);
    sl_camera_view views[] = {view_of("1", SL_VIEW_LIVE, NOW), view_of("2", SL_VIEW_LIVE, NOW)};
    sl_tiles_tell(&tiles, views, 2, NOW); /* forgets the one that was picked */
    assert_null(tiles.picked);
    sl_tiles_finish(&tiles);
}

static void names_without_end_are_bounded(void **state) {
    (void)state;
    sl_tiles tiles = {0};
    char port[300];
    for (int i = 0; i < 200; i++) {
        snprintf(port, sizeof(port), "%d", i);
        put_of(&tiles, port);
    }
    assert_int_equal(tiles.count, SL_VIEWS_MAX);
    memset(port, 'p', sizeof(port) - 1);
    port[sizeof(port) - 1] = '\0';
    put_of(&tiles, port);
    put_of(&tiles, port);
    assert_int_equal(tiles.count, SL_VIEWS_MAX);
    sl_tiles_finish(&tiles);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_a_tile),
        cmocka_unit_test(those_told_of_come_in_their_order),
        cmocka_unit_test(gone_ones_stay_for_a_while),
        cmocka_unit_test(colours_go_and_come_with_the_state),
        cmocka_unit_test(one_is_picked),
        cmocka_unit_test(names_without_end_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
