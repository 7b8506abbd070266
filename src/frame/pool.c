/* frame: memory for pictures that is used again. */
#include "frame/pool.h"
#include "base/error.h"
#include "base/refcount.h"
#include "frame/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* A piece of memory, idle or behind a buffer. */
struct piece {
    struct piece *next;
    sl_pool *pool;
    void *data;
    size_t size;
};

struct sl_pool {
    sl_refcount references; /* the opener's, and one for each piece behind a buffer */

    pthread_mutex_t lock;
    /* All below is under the lock. */
    struct piece *idle;
    int idle_count, keep;
    bool closed;
};

static void free_pieces(struct piece *piece) {
    while (piece) {
        struct piece *next = piece->next;
        free(piece->data);
        free(piece);
        piece = next;
    }
}

static void unref(sl_pool *pool) {
    if (!sl_refcount_down(&pool->references))
        return;
    free_pieces(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int sl_pool_open(sl_pool **pool, int keep) {
    *pool = NULL;
    sl_pool *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    sl_refcount_init(&made->references);
    pthread_mutex_init(&made->lock, NULL);
    made->keep = keep;
    *pool = made;
    return SL_OK;
}

/* Runs with a buffer's last reference: back into the pool, where there is room. */
static void recycle(void *opaque, void *data) {
    (void)data;
    struct piece *piece = opaque;
    sl_pool *pool = piece->pool;
    pthread_mutex_lock(&pool->lock);
    bool kept = !pool->closed && pool->idle_count < pool->keep;
    piece->next = NULL;
    if (kept) {
        piece->next = pool->idle;
        pool->idle = piece;
        pool->idle_count++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!kept)
        free_pieces(piece);
    unref(pool);
}

/* An idle piece of that size, or NULL; those of other sizes are of no more use. */
static struct piece *take_idle(sl_pool *pool, size_t size) {
    pthread_mutex_lock(&pool->lock);
    struct piece *piece = pool->idle, *unfit = NULL;
    if (piece && piece->size == size) {
        pool->idle = piece->next;
        pool->idle_count--;
    } else {
        unfit = piece;
        piece = NULL;
        pool->idle = NULL;
        pool->idle_count = 0;
    }
    pthread_mutex_unlock(&pool->lock);
    free_pieces(unfit);
    return piece;
}

static struct piece *new_piece(sl_pool *pool, size_t size) {
    struct piece *piece = malloc(sizeof(*piece));
    if (!piece)
        return NULL;
    *piece = (struct piece){.pool = pool, .data = sl_memory_new(size), .size = size};
    if (!piece->data) {
        free(piece);
        return NULL;
    }
    return piece;
}

int sl_pool_get(sl_pool *pool, size_t size, sl_buffer **buffer) {
    *buffer = NULL;
    struct piece *piece = take_idle(pool, size);
    if (!piece)
        piece = new_piece(pool, size);
    if (!piece)
        return sl_fail_memory();
    piece->next = NULL;
    int code = sl_buffer_wrap(buffer, piece->data, size, recycle, piece);
    if (code < 0)
        free_pieces(piece);
    else
        sl_refcount_up(&pool->references);
    return code;
}

void sl_pool_close(sl_pool **pool) {
    sl_pool *closed = *pool;
    if (!closed)
        return;
    *pool = NULL;
    pthread_mutex_lock(&closed->lock);
    closed->closed = true;
    struct piece *idle = closed->idle;
    closed->idle = NULL;
    closed->idle_count = 0;
    pthread_mutex_unlock(&closed->lock);
    free_pieces(idle);
    unref(closed);
}
