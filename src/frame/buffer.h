/* frame: reference-counted bytes, which is what travels between codec, wire and link. */
#ifndef FRAME_BUFFER_H
#define FRAME_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sl_buffer {
    uint8_t *data;
    size_t size; /* bytes in use; may be made smaller by a sole owner */
} sl_buffer;

/* `size` uninitialised bytes, or SL_ENOMEM. */
int sl_buffer_new(sl_buffer **buffer, size_t size);

/* Takes over the caller's bytes; `release(opaque, data)` runs with the last reference, from any
 * thread. On failure nothing was taken over. */
int sl_buffer_wrap(sl_buffer **buffer, void *data, size_t size,
                   void (*release)(void *opaque, void *data), void *opaque);

sl_buffer *sl_buffer_ref(sl_buffer *buffer);
void sl_buffer_unref(sl_buffer **buffer);

/* Whether the caller's is the only reference. */
bool sl_buffer_sole(const sl_buffer *buffer);

#endif
