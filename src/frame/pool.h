/* frame: memory for pictures that is used again, so that no frame pays for fresh pages. */
#ifndef FRAME_POOL_H
#define FRAME_POOL_H

#include "frame/buffer.h"

typedef struct sl_pool sl_pool;

/* A pool that keeps at most `keep` idle buffers. Buffers in use keep it alive. Any thread. */
int sl_pool_open(sl_pool **pool, int keep);

/* A buffer of exactly `size` bytes; one of the pool's if there is a fitting one. Idle buffers of
 * other sizes are let go. */
int sl_pool_get(sl_pool *pool, size_t size, sl_buffer **buffer);

void sl_pool_close(sl_pool **pool);

#endif
