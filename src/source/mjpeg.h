/* source: JPEGs one after the other, as a camera program writes them into a pipe, cut apart. libav
 * would hold each back until the next one begins; here it is there with its last byte. */
#ifndef SOURCE_MJPEG_H
#define SOURCE_MJPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is an empty one. */
typedef struct sl_mjpeg {
    uint8_t *bytes;
    size_t size, room;
    size_t at;    /* what is before was looked at */
    bool in_scan; /* `at` is within coded pixels, and not at a marker */
} sl_mjpeg;

/* Appends bytes. SL_ENOMEM; SL_ESOURCE when there is no end of a picture in 64 MiB. */
int sl_mjpeg_add(sl_mjpeg *stream, const uint8_t *bytes, size_t size);

/* The size of the JPEG at the start of `bytes`, or 0 when its end is not there yet. One that breaks
 * off, because the next begins, has an end there. */
size_t sl_mjpeg_find(sl_mjpeg *stream);

/* Takes that many bytes away from the start. */
void sl_mjpeg_drop(sl_mjpeg *stream, size_t size);

void sl_mjpeg_finish(sl_mjpeg *stream);

#endif
