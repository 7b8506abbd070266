/* Whether anybody watches: who takes frames, who looks in, who went away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sightline/error.h>

#include "base/clock.h"
#include "stream/audience.h"

#define BEGIN_US (1000 * SL_SECOND_US)

static sl_audience audience;

static int set_up(void **state) {
    (void)state;
    return sl_audience_init(&audience, BEGIN_US);
}

static int tear_down(void **state) {
    (void)state;
    sl_audience_finish(&audience);
    return 0;
}

static bool watches(int64_t now_us) {
    int64_t due_us;
    bool watched = sl_audience_watches(&audience, now_us, &due_us);
    assert_true(watched ? due_us > now_us : due_us == -1);
    return watched;
}

static bool told(void) {
    return sl_wait(audience.returned.fd, POLLIN, NULL, sl_deadline_us(0)) == SL_OK;
}

static void ask(int64_t now_us, bool served) {
    sl_audience_enter(&audience);
    sl_audience_leave(&audience, now_us, served);
}

static void goes_when_nobody_asks(void **state) {
    (void)state;
    ask(BEGIN_US, true);
    assert_true(watches(BEGIN_US + SL_SECOND_US / 4));
    assert_false(watches(BEGIN_US + SL_SECOND_US / 2));
    assert_false(told());
}

static void nobody_may_be_expected(void **state) {
    (void)state;
    assert_true(watches(BEGIN_US));
    sl_audience_expect_nobody(&audience, BEGIN_US);
    assert_false(watches(BEGIN_US));
    assert_true(sl_audience_enter(&audience));
    assert_true(watches(BEGIN_US));
}

static void others_may_ask_who_is_away(void **state) {
    (void)state;
    int64_t since_us;
    ask(BEGIN_US, true);
    assert_false(sl_audience_is_away(&audience, BEGIN_US + SL_SECOND_US / 4, &since_us));
    assert_true(sl_audience_is_away(&audience, BEGIN_US + 9 * SL_SECOND_US, &since_us));
    assert_int_equal(since_us, BEGIN_US + SL_SECOND_US / 2);
    assert_true(watches(BEGIN_US)); /* asking changed nothing */
    sl_audience_enter(&audience);
    assert_false(sl_audience_is_away(&audience, BEGIN_US + 9 * SL_SECOND_US, &since_us));
}

/* Whoever left a wish wakes the link thread, which finds out what it is. */
static void a_call_wakes(void **state) {
    (void)state;
    sl_audience_call(&audience);
    sl_audience_call(&audience);
    assert_true(told());
    assert_true(watches(BEGIN_US));
    assert_false(told());
}

static void stays_while_somebody_waits(void **state) {
    (void)state;
    ask(BEGIN_US, true);
    assert_false(sl_audience_enter(&audience));
    assert_true(watches(BEGIN_US + 3600 * SL_SECOND_US));
}

static void stays_while_frames_are_taken(void **state) {
    (void)state;
    for (int64_t now_us = BEGIN_US; now_us < BEGIN_US + 5 * SL_SECOND_US; now_us += 400000) {
        ask(now_us, true);
        assert_true(watches(now_us + 399999));
    }
}

/* What was there when it came back is old, and the link thread hears of it at once. */
static void returns_at_once(void **state) {
    (void)state;
    ask(BEGIN_US, true);
    assert_false(watches(BEGIN_US + SL_SECOND_US));
    assert_true(sl_audience_enter(&audience));
    assert_true(told());
    assert_true(watches(BEGIN_US + SL_SECOND_US));
    assert_false(told());
    assert_false(sl_audience_enter(&audience));
}

/* Who looks in every few seconds and doesn't wait finds a frame the next time. */
static void is_expected_back_without_a_frame(void **state) {
    (void)state;
    assert_true(watches(BEGIN_US + 9 * SL_SECOND_US)); /* for the first one */
    ask(BEGIN_US, true);
    assert_false(watches(BEGIN_US + 3 * SL_SECOND_US));
    assert_true(sl_audience_enter(&audience));
    sl_audience_leave(&audience, BEGIN_US + 3 * SL_SECOND_US, false);
    assert_true(watches(BEGIN_US + 6 * SL_SECOND_US));
    assert_false(sl_audience_enter(&audience));
    sl_audience_leave(&audience, BEGIN_US + 6 * SL_SECOND_US, true);
    assert_false(watches(BEGIN_US + 7 * SL_SECOND_US));
}

/* Not even who got none the last time is given one that was there all the time. */
static void finds_nothing_old_after_long(void **state) {
    (void)state;
    ask(BEGIN_US, false);
    assert_false(watches(BEGIN_US + 60 * SL_SECOND_US));
    assert_true(sl_audience_enter(&audience));
    assert_true(told());
}

/* Who asked again and again, and then doesn't. */
static void is_not_expected_for_longer_than_usual(void **state) {
    (void)state;
    int64_t now_us = BEGIN_US;
    for (int i = 0; i < 5; i++)
        ask(now_us += 3 * SL_SECOND_US, false);
    assert_true(watches(now_us + 6 * SL_SECOND_US - 1));
    assert_false(watches(now_us + 6 * SL_SECOND_US));
    for (int i = 0; i < 5; i++)
        ask(now_us += 1000, false);
    assert_true(watches(now_us + 2 * SL_SECOND_US - 1));
    assert_false(watches(now_us + 2 * SL_SECOND_US));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(goes_when_nobody_asks),
        TEST(nobody_may_be_expected),
        TEST(others_may_ask_who_is_away),
        TEST(a_call_wakes),
        TEST(stays_while_somebody_waits),
        TEST(stays_while_frames_are_taken),
        TEST(returns_at_once),
        TEST(is_expected_back_without_a_frame),
        TEST(finds_nothing_old_after_long),
        TEST(is_not_expected_for_longer_than_usual),
    };
    return cmocka_run_group_tests_name("stream/audience", tests, NULL, NULL);
}
