/* What is asked for follows what is taken. */
#include "codec/boost.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static sl_boost after(int frames, double share, bool best) {
    sl_boost boost;
    sl_boost_init(&boost);
    for (int i = 0; i < frames; i++)
        sl_boost_note(&boost, share, best);
    return boost;
}

static void what_is_left_is_asked_for_again(void **state) {
    (void)state;
    assert_true(after(10, 0.2, false).times > 1.2);
    assert_true(after(100, 0.2, false).times == 3);
    assert_true(after(100, 0.2, true).times == 1); /* no use could be made of it */
    assert_true(after(100, 0.95, false).times == 1);
}

/* A picture that was quiet for long begins to move. */
static void it_is_taken_back_at_once(void **state) {
    (void)state;
    sl_boost boost = after(100, 0.2, false);
    sl_boost_note(&boost, 2.4, false);
    assert_true(boost.times <= 1.25);
    sl_boost_note(&boost, 1.2, false);
    assert_true(boost.times <= 1.05);
}

static void settles_where_the_share_is_taken(void **state) {
    (void)state;
    sl_boost boost;
    sl_boost_init(&boost);
    for (int i = 0; i < 1000; i++) /* an encoder that takes half of what it is asked for */
        sl_boost_note(&boost, boost.times / 2, false);
    assert_true(boost.times > 1.6 && boost.times < 2.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_asked_for_again),
        cmocka_unit_test(it_is_taken_back_at_once),
        cmocka_unit_test(settles_where_the_share_is_taken),
    };
    return cmocka_run_group_tests_name("codec/boost", tests, NULL, NULL);
}
