/* source: reads the headers of a JPEG. Nothing is decoded, nothing is kept. */
#include "source/jpeg.h"
#include "frame/jpeg_header.h"

#include <string.h>

static bool starts_with(const sl_jpeg_segment *segment, const char *text) {
    size_t length = strlen(text);
    return segment->size >= length && memcmp(segment->data, text, length) == 0;
}

/* 4:4:4, 4:2:2 or 4:2:0, in whatever numbers they are written. */
static bool is_known_sampling(int luma, int chroma) {
    int across = chroma >> 4, down = chroma & 15;
    bool same_across = luma >> 4 == across, same_down = (luma & 15) == down;
    bool half_across = luma >> 4 == 2 * across, half_down = (luma & 15) == 2 * down;
    return across && down && (half_across ? same_down || half_down : same_across && same_down);
}

/* Frame header: 8 bits, and gray or YCbCr with the chroma that JPEG libraries know. */
static sl_jpeg_verdict inspect_frame(const sl_jpeg_segment *segment, sl_jpeg_facts *facts) {
    const uint8_t *data = segment->data;
    if (!sl_jpeg_frame_size(segment, &facts->width, &facts->height))
        return SL_JPEG_BROKEN;
    if (segment->marker > SL_JPEG_SOF2 || data[0] != 8 || (data[5] != 1 && data[5] != 3))
        return SL_JPEG_SPECIAL;
    if (data[5] == 1)
        return SL_JPEG_PLAIN;
    if (data[6] == 'R' && data[9] == 'G' && data[12] == 'B')
        return SL_JPEG_SPECIAL;
    if (data[10] != data[13] || !is_known_sampling(data[7], data[10]))
        return SL_JPEG_SPECIAL;
    return SL_JPEG_PLAIN;
}

static bool is_special(const sl_jpeg_segment *segment) {
    switch (segment->marker) {
    case SL_JPEG_APP0: /* one of two fields */
        return starts_with(segment, "AVI1") && segment->size > 4 && segment->data[4] != 0;
    case SL_JPEG_APP14: /* its last byte: 1 is YCbCr */
        return starts_with(segment, "Adobe") && segment->size >= 12 && segment->data[11] != 1;
    case SL_JPEG_COM:
        return starts_with(segment, "CS=ITU601");
    default:
        return false;
    }
}

/* Bytes up to the end of the picture; 0 when it is cut off. */
static size_t find_end(const uint8_t *data, size_t from, size_t size) {
    for (size_t end = size; end >= from + 2; end--)
        if (data[end - 2] == 0xff && data[end - 1] == SL_JPEG_EOI)
            return end;
    return 0;
}

sl_jpeg_verdict sl_jpeg_inspect(const uint8_t *data, size_t size, sl_jpeg_facts *facts) {
    sl_jpeg_segment segment;
    bool special = false, framed = false;
    *facts = (sl_jpeg_facts){0};
    for (size_t at = 0; (at = sl_jpeg_next(data, size, at, &segment)) != 0;) {
        special = special || is_special(&segment);
        if (segment.marker == SL_JPEG_DHT)
            facts->tables = true;
        if (sl_jpeg_is_frame(&segment)) {
            sl_jpeg_verdict verdict = inspect_frame(&segment, facts);
            if (verdict == SL_JPEG_BROKEN)
                return verdict;
            special = special || verdict == SL_JPEG_SPECIAL;
            framed = true;
        }
        if (segment.marker == SL_JPEG_SOS) {
            facts->size = find_end(data, at, size);
            if (!framed || facts->size == 0)
                return SL_JPEG_BROKEN;
            return special ? SL_JPEG_SPECIAL : SL_JPEG_PLAIN;
        }
    }
    return SL_JPEG_BROKEN;
}
