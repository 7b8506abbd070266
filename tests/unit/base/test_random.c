/* Numbers by chance, from a kernel that gives them now and then. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static int asked;
static int refusal; /* the code that it is refused with */
static int after;   /* so many times it works */

/* In place of libc's. */
ssize_t getrandom(void *bytes, size_t size, unsigned flags) {
    assert_true(flags & GRND_NONBLOCK);
    assert_true(size > 0);
    if (asked++ >= after && (refusal != EINTR || asked == after + 1)) {
        errno = refusal;
        return -1;
    }
    memset(bytes, 0xa5, 1);
    return 1;
}

static void refuse(int code, int working) {
    asked = 0;
    refusal = code;
    after = working;
}

/* It comes piece by piece, and a signal between. */
static void the_kernel_is_asked_until_all_is_there(void **state) {
    (void)state;
    static const uint8_t all[5] = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5};
    uint8_t bytes[6] = {0};
    refuse(EINTR, 3);
    sl_random(bytes, 5);
    assert_memory_equal(bytes, all, 5);
    assert_int_equal(bytes[5], 0);
    assert_int_equal(asked, 6);
}

static void where_it_is_forbidden_numbers_differ(void **state) {
    (void)state;
    uint64_t numbers[100];
    refuse(EPERM, 0);
    for (int i = 0; i < 100; i++) {
        sl_random(&numbers[i], sizeof numbers[i]);
        assert_int_not_equal(numbers[i], 0);
        for (int before = 0; before < i; before++)
            assert_true(numbers[i] != numbers[before]);
    }
    assert_int_equal(asked, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_is_asked_until_all_is_there),
        cmocka_unit_test(where_it_is_forbidden_numbers_differ),
    };
    return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
