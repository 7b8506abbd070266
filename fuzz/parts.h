/* A message's parts from one input: divided by the byte 0x1e, which JSON does not hold. */
#pragma once
#include "frame/buffer.h"

#include <string.h>

#define PARTS_MAX 3
#define DIVIDER   0x1e

static size_t split_parts(const uint8_t *data, size_t size, sl_buffer **parts) {
    size_t count = 0;
    while (count < PARTS_MAX) {
        const uint8_t *end = memchr(data, DIVIDER, size);
        /* The last part holds whatever is left. */
        size_t length = end && count < PARTS_MAX - 1 ? (size_t)(end - data) : size;
        if (sl_buffer_new(&parts[count], length) != 0)
            break;
        memcpy(parts[count++]->data, data, length);
        if (length == size)
            break;
        data += length + 1;
        size -= length + 1;
    }
    return count;
}
