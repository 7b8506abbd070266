/* frame: reference-counted bytes, and the memory they stand in. */
#include "frame/buffer.h"
#include "base/error.h"
#include "base/refcount.h"
#include "frame/memory.h"
#include "frame/sole.h"

#include <stdlib.h>

struct buffer {
    sl_buffer public; /* first: pointers to it are pointers to the whole */
    sl_refcount references;
    void (*release)(void *opaque, void *data);
    void *opaque;
};

void *sl_memory_new(size_t size) {
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t room =
        (size + SL_MEMORY_PADDING + SL_MEMORY_ALIGNMENT - 1) & ~(size_t)(SL_MEMORY_ALIGNMENT - 1);
    return aligned_alloc(SL_MEMORY_ALIGNMENT, room);
}

static void release_memory(void *opaque, void *data) {
    (void)opaque;
    free(data);
}

int sl_buffer_new(sl_buffer **buffer, size_t size) {
    *buffer = NULL;
    void *data = sl_memory_new(size);
    if (!data)
        return sl_fail_memory();
    int code = sl_buffer_wrap(buffer, data, size, release_memory, NULL);
    if (code < 0)
        free(data);
    return code;
}

int sl_buffer_wrap(sl_buffer **buffer, void *data, size_t size,
                   void (*release)(void *opaque, void *data), void *opaque) {
    *buffer = NULL;
    struct buffer *made = malloc(sizeof(*made));
    if (!made)
        return sl_fail_memory();
    made->public = (sl_buffer){.data = data, .size = size};
    sl_refcount_init(&made->references);
    made->release = release;
    made->opaque = opaque;
    *buffer = &made->public;
    return SL_OK;
}

sl_buffer *sl_buffer_ref(sl_buffer *buffer) {
    if (buffer)
        sl_refcount_up(&((struct buffer *)buffer)->references);
    return buffer;
}

void sl_buffer_unref(sl_buffer **buffer) {
    struct buffer *own = (struct buffer *)*buffer;
    *buffer = NULL;
    if (!own)
        return;
    unsigned left = sl_refcount_drop(&own->references);
    if (left == 1)
        sl_sole_announce();
    if (left > 0)
        return;
    if (own->release)
        own->release(own->opaque, own->public.data);
    free(own);
}

bool sl_buffer_sole(const sl_buffer *buffer) {
    return sl_refcount_sole(&((const struct buffer *)buffer)->references);
}
