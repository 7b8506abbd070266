/* source: JPEGs one after the other, cut apart. */
#include "source/mjpeg.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MOST (64U << 20)
#define ROOM_FIRST (256U << 10)

enum { RST0 = 0xd0, RST7 = 0xd7, SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

int sl_mjpeg_add(sl_mjpeg *stream, const uint8_t *bytes, size_t size) {
    if (size > BYTES_MOST - stream->size)
        return sl_fail(SL_ESOURCE, "a JPEG of more than %u MiB can't be read", BYTES_MOST >> 20);
    if (stream->size + size > stream->room) {
        size_t room = stream->room ? stream->room : ROOM_FIRST;
        while (room < stream->size + size)
            room *= 2;
        uint8_t *grown = realloc(stream->bytes, room);
        if (!grown)
            return sl_fail_memory();
        stream->bytes = grown;
        stream->room = room;
    }
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
    return SL_OK;
}

void sl_mjpeg_drop(sl_mjpeg *stream, size_t size) {
    memmove(stream->bytes, stream->bytes + size, stream->size - size);
    stream->size -= size;
    stream->at = 0;
    stream->in_scan = false;
}

/* Has the next picture begin at the first byte. False when there is no beginning. */
static bool find_start(sl_mjpeg *stream) {
    size_t start = 0;
    if (stream->at >= 2)
        return true;
    while (start + 1 < stream->size &&
           !(stream->bytes[start] == 0xff && stream->bytes[start + 1] == SOI))
        start++;
    if (start)
        sl_mjpeg_drop(stream, start);
    if (stream->size < 2)
        return false;
    stream->at = 2;
    return true;
}

/* Goes on to the marker that ends the coded pixels. False when it isn't there yet. */
static bool skip_scan(sl_mjpeg *stream) {
    while (stream->at + 1 < stream->size) {
        const uint8_t *from = stream->bytes + stream->at;
        const uint8_t *marker = memchr(from, 0xff, stream->size - 1 - stream->at);
        stream->at = marker ? (size_t)(marker - stream->bytes) : stream->size - 1;
        if (!marker)
            return false;
        if (marker[1] != 0 && marker[1] != 0xff && !(marker[1] >= RST0 && marker[1] <= RST7)) {
            stream->in_scan = false;
            return true;
        }
        stream->at += marker[1] == 0xff ? 1 : 2;
    }
    return false;
}

size_t sl_mjpeg_find(sl_mjpeg *stream) {
    if (!find_start(stream))
        return 0;
    for (;;) {
        if (stream->in_scan && !skip_scan(stream))
            return 0;
        const uint8_t *marker = stream->bytes + stream->at;
        size_t left = stream->size - stream->at;
        if (left < 2)
            return 0;
        if (marker[0] != 0xff) {
            /* No marker where one must be: look for the next picture from here, as in pixels. */
            stream->in_scan = true;
            continue;
        }
        if (marker[1] == EOI)
            return stream->at + 2;
        if (marker[1] == SOI)
            return stream->at;
        if (marker[1] == 0xff) {
            stream->at++;
            continue;
        }
        size_t length = left < 4 ? left : 2 + ((size_t)marker[2] << 8 | marker[3]);
        if (left < 4 || left < length)
            return 0;
        stream->in_scan = marker[1] == SOS;
        stream->at += length;
    }
}

void sl_mjpeg_finish(sl_mjpeg *stream) {
    free(stream->bytes);
    *stream = (sl_mjpeg){0};
}
