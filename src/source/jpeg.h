/* source: whether a camera's JPEG can travel as it is. */
#ifndef SOURCE_JPEG_H
#define SOURCE_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sl_jpeg_verdict {
    SL_JPEG_PLAIN,   /* every peer can decode it, and sees the right colours */
    SL_JPEG_SPECIAL, /* whole, but to be decoded here: RGB, two fields, limited range, … */
    SL_JPEG_BROKEN,  /* cut off, or no JPEG */
} sl_jpeg_verdict;

typedef struct sl_jpeg_facts {
    int width, height;
    bool tables; /* it has Huffman tables: cameras like to leave out the standard ones */
    size_t size; /* without what follows its end */
} sl_jpeg_facts;

/* Looks through the headers and for the end; does not decode. */
sl_jpeg_verdict sl_jpeg_inspect(const uint8_t *data, size_t size, sl_jpeg_facts *facts);

#endif
