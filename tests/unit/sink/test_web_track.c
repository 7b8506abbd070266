/* Who gets which piece of what goes to many. */
#include "base/clock.h"
#include "sink/web/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void put(sl_web_track *track, uint64_t sequence, bool keyframe, size_t size) {
    sl_web_piece piece = {.keyframe = keyframe, .sequence = sequence, .kind = SL_WEB_H264};
    assert_int_equal(sl_buffer_new(&piece.bytes, size), 0);
    sl_web_track_put(track, &piece);
}

/* The sequence that comes next, or -1. */
static int take_at(const sl_web_track *track, sl_web_cursor *cursor, int64_t now_us) {
    sl_web_piece piece;
    bool ready = sl_web_track_ready(track, cursor);
    if (!sl_web_track_take(track, cursor, now_us, &piece))
        return -1;
    assert_true(ready);
    sl_buffer_unref(&piece.bytes);
    return (int)piece.sequence;
}

static int take(const sl_web_track *track, sl_web_cursor *cursor) {
    return take_at(track, cursor, 1);
}

static void who_comes_begins_at_the_keyframe(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor early = {0}, late = {0};
    assert_int_equal(take(&track, &early), -1);
    assert_null(sl_web_track_newest(&track));
    put(&track, 1, false, 10); /* builds on what nobody has */
    assert_int_equal(take(&track, &early), -1);
    put(&track, 2, true, 10);
    put(&track, 3, false, 10);
    assert_int_equal(take(&track, &early), 2);
    assert_int_equal(take(&track, &early), 3);
    assert_int_equal(take(&track, &early), -1);
    assert_int_equal(take(&track, &late), 2);
    put(&track, 4, false, 10);
    assert_int_equal(take(&track, &early), 4);
    assert_int_equal(take(&track, &late), 3);
    assert_int_equal(take(&track, &late), 4);
    assert_int_equal(early.skipped + late.skipped, 0);
    assert_int_equal(sl_web_track_newest(&track)->sequence, 4);
    sl_web_track_finish(&track);
}

static void who_is_slow_goes_on_with_the_next_keyframe(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor quick = {0}, slow = {0};
    put(&track, 1, true, 10);
    assert_int_equal(take(&track, &slow), 1);
    for (int i = 2; i < 6; i++)
        put(&track, (uint64_t)i, false, 10);
    for (int i = 1; i < 6; i++)
        assert_int_equal(take(&track, &quick), i);
    put(&track, 6, true, 10);
    assert_int_equal(take(&track, &slow), 6);
    assert_int_equal(slow.skipped, 4);
    assert_int_equal(take(&track, &quick), 6);
    assert_int_equal(quick.skipped, 0);
    sl_web_track_finish(&track);
}

/* Who never catches up waits for a keyframe instead of showing what is long past. */
static void who_stays_behind_waits(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor cursor = {0};
    put(&track, 1, true, 10);
    for (int i = 2; i < 20; i++)
        put(&track, (uint64_t)i, false, 10);
    assert_int_equal(take_at(&track, &cursor, 1), 1);
    assert_int_equal(take_at(&track, &cursor, 1 + 2 * SL_SECOND_US), 2);
    assert_int_equal(take_at(&track, &cursor, 2 + 2 * SL_SECOND_US), -1);
    assert_false(cursor.going);
    assert_int_equal(cursor.skipped, 17);
    put(&track, 20, false, 10);
    assert_int_equal(take_at(&track, &cursor, 3 + 2 * SL_SECOND_US), -1);
    put(&track, 21, true, 10);
    assert_int_equal(take_at(&track, &cursor, 4 + 2 * SL_SECOND_US), 21);
    sl_web_track_finish(&track);
}

/* Of pictures that stand for themselves the newest is enough. */
static void keyframes_replace_each_other(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor cursor = {0};
    for (int i = 1; i < 100; i++)
        put(&track, (uint64_t)i, true, 1000);
    assert_int_equal(track.bytes, 1000);
    assert_int_equal(take(&track, &cursor), 99);
    assert_int_equal(take(&track, &cursor), -1);
    sl_web_track_finish(&track);
    assert_int_equal(track.bytes, 0);
}

static void what_is_kept_is_bounded(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor reader = {0}, fallen = {0}, late = {0};
    put(&track, 1, true, 10);
    assert_int_equal(take(&track, &reader), 1);
    assert_int_equal(take(&track, &fallen), 1);
    for (int i = 2; i <= 2 * SL_WEB_TRACK_PIECES; i++) {
        put(&track, (uint64_t)i, false, 10);
        assert_int_equal(take(&track, &reader), i); /* goes on, keyframe or not */
    }
    assert_int_equal(track.next - track.first, SL_WEB_TRACK_PIECES);
    assert_int_equal(take(&track, &fallen), -1);
    assert_int_equal(take(&track, &late), -1);
    for (int i = 0; i < 20; i++)
        put(&track, 0, false, SL_WEB_TRACK_BYTES / 10);
    assert_true(track.bytes <= SL_WEB_TRACK_BYTES);
    put(&track, 0, false, 2 * SL_WEB_TRACK_BYTES);
    assert_int_equal(track.next - track.first, 1);
    put(&track, 7, true, 10);
    assert_int_equal(take(&track, &fallen), 7);
    assert_int_equal(take(&track, &late), 7);
    sl_web_track_finish(&track);
}

static void who_waits_takes_nothing_of_before(void **state) {
    (void)state;
    sl_web_track track = {0};
    sl_web_cursor cursor = {0};
    put(&track, 1, true, 10);
    put(&track, 2, false, 10);
    sl_web_cursor_wait(&cursor, &track);
    assert_int_equal(take(&track, &cursor), -1);
    put(&track, 3, false, 10);
    assert_int_equal(take(&track, &cursor), -1);
    put(&track, 4, true, 10);
    assert_int_equal(take(&track, &cursor), 4);
    sl_web_track_finish(&track);
}

static void put_picture(sl_web_channel **channels, const char *port, sl_buffer *bytes) {
    sl_web_channel *channel = sl_web_channel_find(channels, port);
    sl_web_piece piece = {.keyframe = true, .kind = SL_WEB_JPEG, .bytes = sl_buffer_ref(bytes)};
    assert_non_null(channel);
    sl_web_track_put(&channel->pictures, &piece);
    sl_web_channels_trim(*channels);
}

static const sl_web_piece *newest_of(sl_web_channel **channels, const char *port) {
    return sl_web_track_newest(&sl_web_channel_find(channels, port)->pictures);
}

static void many_cameras_are_bounded_together(void **state) {
    (void)state;
    sl_web_channel *channels = NULL;
    sl_buffer *large, *small;
    size_t together = 0;
    char port[16];
    assert_int_equal(sl_buffer_new(&large, 16 << 20), 0);
    assert_int_equal(sl_buffer_new(&small, 16), 0);
    put_picture(&channels, "small", small);
    for (int i = 1; i < SL_VIEWS_MAX; i++) {
        snprintf(port, sizeof(port), "%d", i);
        put_picture(&channels, port, large);
    }
    for (const sl_web_channel *channel = channels; channel; channel = channel->next)
        together += channel->pictures.bytes;
    assert_in_range(together, SL_WEB_CHANNELS_BYTES / 2, SL_WEB_CHANNELS_BYTES);
    assert_non_null(newest_of(&channels, "small"));
    put_picture(&channels, "another", small);
    assert_non_null(newest_of(&channels, "another"));
    sl_web_channels_free(&channels);
    sl_buffer_unref(&large);
    sl_buffer_unref(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_begins_at_the_keyframe),
        cmocka_unit_test(who_is_slow_goes_on_with_the_next_keyframe),
        cmocka_unit_test(who_stays_behind_waits),
        cmocka_unit_test(keyframes_replace_each_other),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(many_cameras_are_bounded_together),
        cmocka_unit_test(who_waits_takes_nothing_of_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
