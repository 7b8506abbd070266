/* A token bucket: what may be spent, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/bucket.h"

#define SECOND_US INT64_C(1000000)

static void fills_up_to_its_bound(void **state) {
    (void)state;
    sl_bucket bucket;
    sl_bucket_init(&bucket, 100, 50, 0);
    sl_bucket_spend(&bucket, 50, 0);
    assert_int_equal((int)sl_bucket_left(&bucket, 0), 0);
    assert_int_equal((int)sl_bucket_left(&bucket, SECOND_US / 4), 25);
    assert_int_equal((int)sl_bucket_left(&bucket, 3600 * SECOND_US), 50);
}

static void is_paid_when_what_was_overdrawn_is_there(void **state) {
    (void)state;
    sl_bucket bucket;
    sl_bucket_init(&bucket, 100, 50, 0);
    assert_int_equal(sl_bucket_paid_us(&bucket, 7), 7);
    sl_bucket_spend(&bucket, 250, 0);
    assert_int_equal(sl_bucket_paid_us(&bucket, 0), 2 * SECOND_US);
    assert_int_equal(sl_bucket_paid_us(&bucket, SECOND_US), 2 * SECOND_US);
    assert_int_equal(sl_bucket_paid_us(&bucket, 5 * SECOND_US), 5 * SECOND_US);
}

static void without_a_rate_has_no_limit(void **state) {
    (void)state;
    sl_bucket bucket;
    sl_bucket_init(&bucket, 0, 0, 0);
    sl_bucket_spend(&bucket, 1e12, 0);
    assert_int_equal(sl_bucket_paid_us(&bucket, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_up_to_its_bound),
        cmocka_unit_test(is_paid_when_what_was_overdrawn_is_there),
        cmocka_unit_test(without_a_rate_has_no_limit),
    };
    return cmocka_run_group_tests_name("stream/bucket", tests, NULL, NULL);
}
