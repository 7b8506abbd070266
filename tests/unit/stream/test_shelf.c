/* The shelf: a frame of each lane, the newest; turns; and a bound that the largest pay for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sightline/error.h>

#include "frame/frame.h"
#include "stream/shelf.h"

static sl_shelf shelf;

static int tear_down(void **state) {
    (void)state;
    sl_shelf_clear(&shelf);
    shelf = (sl_shelf){0};
    return 0;
}

static bool put(size_t lane, uint64_t sequence, size_t bytes) {
    sl_frame *frame = NULL;
    assert_int_equal(sl_frame_new(&frame, SL_FORMAT_GRAY, 1, 1), SL_OK);
    frame->sequence = sequence;
    return sl_shelf_put(&shelf, lane, frame, bytes);
}

static void expect(size_t lane, uint64_t sequence) {
    size_t from = SIZE_MAX;
    sl_frame *frame = sl_shelf_take(&shelf, &from);
    assert_non_null(frame);
    assert_int_equal(from, lane);
    assert_int_equal(frame->sequence, sequence);
    sl_frame_unref(&frame);
}

static void expect_empty(void) {
    size_t lane;
    assert_int_equal(shelf.count, 0);
    assert_int_equal(shelf.bytes, 0);
    assert_null(sl_shelf_take(&shelf, &lane));
}

static void a_frame_makes_way_for_its_own_lanes_next(void **state) {
    (void)state;
    expect_empty();
    assert_false(put(3, 1, 10));
    assert_false(put(SL_SHELF_LANES - 1, 2, 10));
    assert_true(put(3, 3, 20));
    assert_int_equal(shelf.bytes, 30);
    expect(3, 3);
    expect(SL_SHELF_LANES - 1, 2);
    expect_empty();
}

/* Whoever has a new one at once waits for the others all the same. */
static void lanes_have_their_turns(void **state) {
    (void)state;
    for (size_t lane = 0; lane < 3; lane++)
        put(lane, lane, 1);
    expect(1, 1);
    put(1, 11, 1);
    expect(2, 2);
    expect(0, 0);
    expect(1, 11);
    expect_empty();
}

static void the_largest_make_way(void **state) {
    (void)state;
    put(0, 1, 10);
    put(1, 2, 300);
    put(2, 3, 200);
    assert_int_equal(sl_shelf_bound(&shelf, 511), 0);
    assert_int_equal(sl_shelf_bound(&shelf, 210), 2);
    expect(0, 1);
    put(0, 4, 1000);
    assert_int_equal(sl_shelf_bound(&shelf, 1), 0); /* the only one */
    assert_int_equal(sl_shelf_clear(&shelf), 1);
    expect_empty();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_frame_makes_way_for_its_own_lanes_next, tear_down),
        cmocka_unit_test_teardown(lanes_have_their_turns, tear_down),
        cmocka_unit_test_teardown(the_largest_make_way, tear_down),
    };
    return cmocka_run_group_tests_name("stream/shelf", tests, NULL, NULL);
}
