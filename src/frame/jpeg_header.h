/* frame: walking through a JPEG's headers. Nothing is decoded, and nothing beyond `size` is read,
 * whatever the bytes claim. */
#ifndef FRAME_JPEG_HEADER_H
#define FRAME_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_jpeg_marker {
    SL_JPEG_SOF0 = 0xc0, /* baseline */
    SL_JPEG_SOF2 = 0xc2, /* progressive */
    SL_JPEG_DHT = 0xc4,
    SL_JPEG_SOI = 0xd8,
    SL_JPEG_EOI = 0xd9,
    SL_JPEG_SOS = 0xda,
    SL_JPEG_APP0 = 0xe0,
    SL_JPEG_APP14 = 0xee,
    SL_JPEG_COM = 0xfe,
};

/* A marker segment, whole: what follows its length. */
typedef struct sl_jpeg_segment {
    int marker;
    const uint8_t *data;
    size_t size;
} sl_jpeg_segment;

/* The segment at `at`, 0 for the first one; returns where the next one starts, or 0 when there is
 * none. After SOS come coded pixels, which are no segment. */
size_t sl_jpeg_next(const uint8_t *bytes, size_t size, size_t at, sl_jpeg_segment *segment);

/* Whether it is a frame header, of whatever coding; and the size that stands there. False for a
 * side of 0 and for a header that is too short. */
bool sl_jpeg_is_frame(const sl_jpeg_segment *segment);
bool sl_jpeg_frame_size(const sl_jpeg_segment *segment, int *width, int *height);

/* Width and height in a JPEG's headers. False when the bytes are no JPEG. */
bool sl_jpeg_size(const uint8_t *bytes, size_t size, int *width, int *height);

#endif
