/* Where pictures go in a window: in it, beside each other, in their shape, and as large as can be.
 */
#include "sink/window/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define WIDE (16.0 / 9)
#define MOST 64

static SDL_Rect places[MOST];

static void lay_out(double shape, size_t count, int width, int height, int gap) {
    double shapes[MOST];
    for (size_t i = 0; i < count; i++)
        shapes[i] = shape;
    sl_grid_lay_out(places, shapes, count, width, height, gap);
}

static void assert_place(SDL_Rect place, int x, int y, int width, int height) {
    assert_int_equal(place.x, x);
    assert_int_equal(place.y, y);
    assert_int_equal(place.w, width);
    assert_int_equal(place.h, height);
}

static void one_fills_the_window(void **state) {
    (void)state;
    lay_out(WIDE, 1, 1280, 720, 4);
    assert_place(places[0], 0, 0, 1280, 720);
    lay_out(WIDE, 1, 1280, 1000, 4);
    assert_place(places[0], 0, 140, 1280, 720);
    lay_out(1, 1, 1280, 720, 4);
    assert_place(places[0], 280, 0, 720, 720);
}

static void columns_follow_the_window(void **state) {
    (void)state;
    lay_out(WIDE, 2, 1600, 450, 0); /* a wide one: beside each other */
    assert_place(places[0], 0, 0, 800, 450);
    assert_place(places[1], 800, 0, 800, 450);
    lay_out(WIDE, 2, 800, 900, 0); /* a high one: below */
    assert_place(places[0], 0, 0, 800, 450);
    assert_place(places[1], 0, 450, 800, 450);
    lay_out(WIDE, 4, 1604, 904, 4);
    assert_place(places[3], 804, 454, 800, 450);
    lay_out(WIDE, 2, 1600, 900, 0); /* it is the same: as one reads */
    assert_place(places[1], 800, 225, 800, 450);
    lay_out(9.0 / 16, 3, 1600, 900, 0); /* high pictures stand in a row */
    assert_int_equal(places[0].y, places[2].y);
}

static void last_row_stands_in_the_middle(void **state) {
    (void)state;
    lay_out(WIDE, 3, 1604, 904, 4);
    assert_place(places[0], 0, 0, 800, 450);
    assert_place(places[1], 804, 0, 800, 450);
    assert_place(places[2], 402, 454, 800, 450);
}

static void rows_are_close_together(void **state) {
    (void)state;
    static const double shapes[] = {4.0 / 3, WIDE, 1};
    sl_grid_lay_out(places, shapes, 3, 1500, 904, 4);
    assert_place(places[0], 48, 0, 600, 450);
    assert_place(places[1], 652, 0, 800, 450);
    assert_place(places[2], 525, 454, 450, 450);
    lay_out(WIDE, 4, 320, 904, 4);
    for (int i = 0; i < 4; i++)
        assert_place(places[i], 0, 86 + 184 * i, 320, 180);
}

static void odd_shapes_take_no_room_of_others(void **state) {
    (void)state;
    static const double odd[] = {65535, 1.0 / 65535};
    for (int i = 0; i < 2; i++) {
        double shapes[] = {odd[i], WIDE, WIDE};
        sl_grid_lay_out(places, shapes, 3, 1920, 1080, 4);
        assert_true(places[1].w >= 640 && places[2].w >= 640);
    }
}

static void shapes_are_kept(void **state) {
    (void)state;
    static const double shapes[] = {WIDE, 4.0 / 3, 9.0 / 16, 1, 20};
    sl_grid_lay_out(places, shapes, 5, 1920, 1080, 4);
    for (int i = 0; i < 5; i++) {
        double across = places[i].h * shapes[i];
        assert_true(across - places[i].w < shapes[i] + 1 && places[i].w - across < shapes[i] + 1);
    }
}

/* How much of the window is used. */
static double used(size_t count, int width, int height) {
    double area = 0;
    for (size_t i = 0; i < count; i++)
        area += (double)places[i].w * places[i].h;
    return area / width / height;
}

static void much_of_the_window_is_used(void **state) {
    (void)state;
    for (size_t count = 1; count <= MOST; count++) {
        lay_out(WIDE, count, 1920, 1080, 0);
        assert_true(used(count, 1920, 1080) >= (count == 2 ? 0.499 : 0.55));
    }
}

static void assert_inside_and_apart(size_t count, int width, int height) {
    for (size_t i = 0; i < count; i++) {
        SDL_Rect all = {0, 0, width, height}, seen;
        assert_true(SDL_IntersectRect(&places[i], &all, &seen));
        assert_true(SDL_RectEquals(&places[i], &seen));
        for (size_t j = 0; j < i; j++)
            assert_false(SDL_HasIntersection(&places[i], &places[j]));
    }
}

static void all_are_inside_and_apart(void **state) {
    (void)state;
    static const int sizes[][2] = {{1920, 1080}, {600, 1300}, {333, 777}, {3000, 200}};
    static const double shapes[] = {WIDE, 1, 0.5, 3};
    for (size_t size = 0; size < 4; size++)
        for (size_t shape = 0; shape < 4; shape++)
            for (size_t count = 1; count <= MOST; count++) {
                lay_out(shapes[shape], count, sizes[size][0], sizes[size][1], 4);
                assert_inside_and_apart(count, sizes[size][0], sizes[size][1]);
            }
}

static void small_windows_do_no_harm(void **state) {
    (void)state;
    lay_out(WIDE, MOST, 1, 1, 4);
    lay_out(65535, MOST, 100, 100, 4);
    lay_out(1.0 / 65535, MOST, 100, 100, 4);
    for (int i = 0; i < MOST; i++)
        assert_true(places[i].w >= 1 && places[i].h >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fills_the_window),
        cmocka_unit_test(columns_follow_the_window),
        cmocka_unit_test(last_row_stands_in_the_middle),
        cmocka_unit_test(rows_are_close_together),
        cmocka_unit_test(odd_shapes_take_no_room_of_others),
        cmocka_unit_test(shapes_are_kept),
        cmocka_unit_test(much_of_the_window_is_used),
        cmocka_unit_test(all_are_inside_and_apart),
        cmocka_unit_test(small_windows_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
