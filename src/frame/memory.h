/* frame: memory for pixels, aligned for vector instructions. */
#ifndef FRAME_MEMORY_H
#define FRAME_MEMORY_H

#include <stddef.h>

#define SL_MEMORY_ALIGNMENT 64

/* Bytes after the end that may be read and written: pixel loops of libav and turbojpeg run past
 * the last one by up to a vector. */
#define SL_MEMORY_PADDING 64

/* Uninitialised memory for free(), or NULL. */
void *sl_memory_new(size_t size);

#endif
