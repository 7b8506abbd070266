/* The mailbox: newest wins, alone and between threads. */
#include "base/mailbox.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define ITEMS 20000

static atomic_int released;

static void release(void *item) {
    atomic_fetch_add(&released, 1);
    free(item);
}

static int *item(int number) {
    int *made = malloc(sizeof(*made));
    if (!made)
        abort();
    *made = number;
    return made;
}

static sl_mailbox *fresh(void) {
    sl_mailbox *mailbox;
    atomic_store(&released, 0);
    assert_int_equal(sl_mailbox_open(&mailbox, release), 0);
    return mailbox;
}

static void newest_wins(void **state) {
    (void)state;
    sl_mailbox *mailbox = fresh();
    void *taken;
    assert_int_equal(sl_mailbox_take(mailbox, &taken, NULL, 0), SL_EAGAIN);
    assert_true(sl_mailbox_put(mailbox, item(1)));
    assert_false(sl_mailbox_put(mailbox, item(2)));
    assert_int_equal(atomic_load(&released), 1);
    assert_int_equal(sl_mailbox_dropped(mailbox), 1);
    assert_int_equal(sl_mailbox_take(mailbox, &taken, NULL, -1), 0);
    assert_int_equal(*(int *)taken, 2);
    free(taken);
    assert_true(sl_mailbox_put(mailbox, item(3)));
    sl_mailbox_close(&mailbox);
    assert_null(mailbox);
    sl_mailbox_close(&mailbox);
    assert_int_equal(atomic_load(&released), 2);
}

static void ends_after_what_is_left(void **state) {
    (void)state;
    sl_mailbox *mailbox = fresh();
    void *taken;
    sl_mailbox_put(mailbox, item(1));
    sl_mailbox_end(mailbox, SL_EEND, "the file is over");
    sl_mailbox_end(mailbox, SL_ESOURCE, "too late");
    assert_false(sl_mailbox_put(mailbox, item(2)));
    assert_int_equal(sl_mailbox_take(mailbox, &taken, NULL, -1), 0);
    assert_int_equal(*(int *)taken, 1);
    free(taken);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sl_mailbox_take(mailbox, &taken, NULL, -1), SL_EEND);
        assert_string_equal(sl_error(), "the file is over");
        assert_null(taken);
    }
    sl_mailbox_close(&mailbox);
}

static void cancel_ends_the_wait(void **state) {
    (void)state;
    sl_mailbox *mailbox = fresh();
    sl_cancel *cancel;
    void *taken;
    assert_int_equal(sl_cancel_open(&cancel), 0);
    sl_cancel_trigger(cancel);
    assert_int_equal(sl_mailbox_take(mailbox, &taken, cancel, -1), SL_ECANCELED);
    sl_cancel_close(&cancel);
    sl_mailbox_close(&mailbox);
}

static void put_many(void *argument) {
    for (int i = 0; i < ITEMS; i++)
        sl_mailbox_put(argument, item(i));
}

static void put_many_and_end(void *argument) {
    put_many(argument);
    sl_mailbox_end(argument, SL_EEND, "all put");
}

static void order_survives_threads(void **state) {
    (void)state;
    sl_mailbox *mailbox = fresh();
    sl_thread thread;
    void *taken;
    int last = -1, count = 0;
    assert_int_equal(sl_thread_start(&thread, "put", put_many_and_end, mailbox), 0);
    while (sl_mailbox_take(mailbox, &taken, NULL, -1) == SL_OK) {
        assert_true(*(int *)taken > last);
        last = *(int *)taken;
        count++;
        free(taken);
    }
    sl_thread_join(&thread);
    assert_int_equal(last, ITEMS - 1);
    assert_int_equal((int)sl_mailbox_dropped(mailbox) + count, ITEMS);
    sl_mailbox_close(&mailbox);
    assert_int_equal(atomic_load(&released) + count, ITEMS);
}

static void several_may_put(void **state) {
    (void)state;
    sl_mailbox *mailbox = fresh();
    sl_thread threads[3];
    void *taken;
    int count = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sl_thread_start(&threads[i], "put", put_many, mailbox), 0);
    while (count + (int)sl_mailbox_dropped(mailbox) < 3 * ITEMS) {
        if (sl_mailbox_take(mailbox, &taken, NULL, sl_deadline_us(10)) == SL_OK) {
            free(taken);
            count++;
        }
    }
    for (int i = 0; i < 3; i++)
        sl_thread_join(&threads[i]);
    sl_mailbox_close(&mailbox);
    assert_int_equal(atomic_load(&released) + count, 3 * ITEMS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_wins),          cmocka_unit_test(ends_after_what_is_left),
        cmocka_unit_test(cancel_ends_the_wait), cmocka_unit_test(order_survives_threads),
        cmocka_unit_test(several_may_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
