/* Reference-counted bytes and the pool that uses them again, between threads too. */
#include "frame/buffer.h"
#include "base/error.h"
#include "base/thread.h"
#include "frame/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void count_release(void *opaque, void *data) {
    (void)data;
    atomic_fetch_add((atomic_int *)opaque, 1);
}

static void last_reference_releases(void **state) {
    (void)state;
    atomic_int released = 0;
    uint8_t bytes[4];
    sl_buffer *buffer;
    assert_int_equal(sl_buffer_wrap(&buffer, bytes, sizeof(bytes), count_release, &released), 0);
    sl_buffer *second = sl_buffer_ref(buffer);
    assert_ptr_equal(second->data, bytes);
    assert_false(sl_buffer_sole(buffer));
    sl_buffer_unref(&buffer);
    assert_null(buffer);
    assert_int_equal(atomic_load(&released), 0);
    assert_true(sl_buffer_sole(second));
    sl_buffer_unref(&second);
    assert_int_equal(atomic_load(&released), 1);
    sl_buffer_unref(&second);
    assert_null(sl_buffer_ref(NULL));
}

static void new_bytes_are_aligned(void **state) {
    (void)state;
    sl_buffer *buffer;
    assert_int_equal(sl_buffer_new(&buffer, 1001), 0);
    assert_int_equal((uintptr_t)buffer->data % 64, 0);
    memset(buffer->data, 1, buffer->size);
    sl_buffer_unref(&buffer);
    assert_int_equal(sl_buffer_new(&buffer, 0), 0);
    sl_buffer_unref(&buffer);
    assert_int_equal(sl_buffer_new(&buffer, SIZE_MAX), SL_ENOMEM);
    assert_null(buffer);
}

static void pool_uses_memory_again(void **state) {
    (void)state;
    sl_pool *pool;
    sl_buffer *first, *second;
    assert_int_equal(sl_pool_open(&pool, 1), 0);
    assert_int_equal(sl_pool_get(pool, 1000, &first), 0);
    assert_int_equal(sl_pool_get(pool, 1000, &second), 0);
    uint8_t *memory = first->data;
    sl_buffer_unref(&first);
    sl_buffer_unref(&second);
    assert_int_equal(sl_pool_get(pool, 1000, &first), 0);
    assert_ptr_equal(first->data, memory);
    assert_int_equal(first->size, 1000);
    sl_buffer_unref(&first);
    assert_int_equal(sl_pool_get(pool, 2000, &first), 0);
    assert_int_equal(first->size, 2000);
    sl_pool_close(&pool);
    assert_null(pool);
    memset(first->data, 2, first->size);
    sl_buffer_unref(&first);
    sl_pool_close(&pool);
}

#define ROUNDS 5000

static void use(void *argument) {
    sl_buffer *held[3] = {NULL};
    for (int i = 0; i < ROUNDS; i++) {
        sl_buffer **slot = &held[i % 3];
        sl_buffer_unref(slot);
        size_t size = i % 100 == 0 ? 500 : 400;
        if (sl_pool_get(argument, size, slot) == SL_OK)
            memset((*slot)->data, i, (*slot)->size);
    }
    for (int i = 0; i < 3; i++)
        sl_buffer_unref(&held[i]);
}

static void pool_serves_threads(void **state) {
    (void)state;
    sl_pool *pool;
    sl_thread threads[3];
    assert_int_equal(sl_pool_open(&pool, 4), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sl_thread_start(&threads[i], "use", use, pool), 0);
    for (int i = 0; i < 3; i++)
        sl_thread_join(&threads[i]);
    sl_pool_close(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_reference_releases),
        cmocka_unit_test(new_bytes_are_aligned),
        cmocka_unit_test(pool_uses_memory_again),
        cmocka_unit_test(pool_serves_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
