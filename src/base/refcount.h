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

/* True for the last one, who frees. */
static inline bool sl_refcount_down(sl_refcount *references) {
    return atomic_fetch_sub_explicit(&references->count, 1, memory_order_acq_rel) == 1;
}

/* Whether the caller's is the only reference. */
static inline bool sl_refcount_sole(const sl_refcount *references) {
    return atomic_load_explicit(&references->count, memory_order_acquire) == 1;
}

#endif
