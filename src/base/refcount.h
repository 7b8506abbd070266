/* base: one tiny reference count. Shared is read-only, a sole owner may write. */
#ifndef BASE_REFCOUNT_H
#define BASE_REFCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct sl_refcount {
    atomic_uint count;
} sl_refcount;

static inline void sl_refcount_init(sl_refcount *references) {
    atomic_init(&references->count, 1);
}

static inline void sl_refcount_up(sl_refcount *references) {
    atomic_fetch_add_explicit(&references->count, 1, memory_order_relaxed);
}

/* Gives one back; how many are left. Who leaves none frees. */
static inline unsigned sl_refcount_drop(sl_refcount *references) {
    return atomic_fetch_sub(&references->count, 1) - 1;
}

/* True for the last one, who frees. */
static inline bool sl_refcount_down(sl_refcount *references) {
    return sl_refcount_drop(references) == 0;
}

/* Whether the caller's is the only reference. */
static inline bool sl_refcount_sole(const sl_refcount *references) {
    return atomic_load(&references->count) == 1;
}

#endif
