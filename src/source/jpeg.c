/* source: reads the headers of a JPEG. Nothing is decoded, nothing is kept. */
#include "source/jpeg.h"

#include <string.h>

enum marker {
    SOF0 = 0xc0, /* baseline */
    SOF2 = 0xc2, /* progressive */
    DHT = 0xc4,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    APP0 = 0xe0,
    APP14 = 0xee,
    COM = 0xfe,
};

/* A marker segment: what follows its length. */
struct segment {
    enum marker marker;
    const uint8_t *data;
    size_t size;
};

static size_t read16(const uint8_t *data) {
    return (size_t)data[0] << 8 | data[1];
}

/* The segment at `at`; returns where the next one starts, 0 when there is none. */
static size_t next_segment(const uint8_t *data, size_t size, size_t at, struct segment *segment) {
    while (at + 1 < size && data[at] == 0xff && data[at + 1] == 0xff)
        at++;
    if (at + 4 > size || data[at] != 0xff)
        return 0;
    size_t length = read16(data + at + 2);
    if (length < 2 || length > size - at - 2)
        return 0;
    *segment = (struct segment){data[at + 1], data + at + 4, length - 2};
    return at + 2 + length;
}

static bool starts_with(const struct segment *segment, const char *text) {
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
static sl_jpeg_verdict inspect_frame(const struct segment *segment, sl_jpeg_facts *facts) {
    const uint8_t *data = segment->data;
    if (segment->size < 6 || segment->size < 6 + (size_t)data[5] * 3)
        return SL_JPEG_BROKEN;
    facts->height = (int)read16(data + 1);
    facts->width = (int)read16(data + 3);
    if (facts->width == 0 || facts->height == 0)
        return SL_JPEG_BROKEN;
    if (segment->marker > SOF2 || data[0] != 8 || (data[5] != 1 && data[5] != 3))
        return SL_JPEG_SPECIAL;
    if (data[5] == 1)
        return SL_JPEG_PLAIN;
    if (data[6] == 'R' && data[9] == 'G' && data[12] == 'B')
        return SL_JPEG_SPECIAL;
    if (data[10] != data[13] || !is_known_sampling(data[7], data[10]))
        return SL_JPEG_SPECIAL;
    return SL_JPEG_PLAIN;
}

static bool is_special(const struct segment *segment) {
    switch (segment->marker) {
    case APP0: /* one of two fields */
        return starts_with(segment, "AVI1") && segment->size > 4 && segment->data[4] != 0;
    case APP14: /* its last byte: 1 is YCbCr */
        return starts_with(segment, "Adobe") && segment->size >= 12 && segment->data[11] != 1;
    case COM:
        return starts_with(segment, "CS=ITU601");
    default:
        return false;
    }
}

/* Bytes up to the end of the picture; 0 when it is cut off. */
static size_t find_end(const uint8_t *data, size_t from, size_t size) {
    for (size_t end = size; end >= from + 2; end--)
        if (data[end - 2] == 0xff && data[end - 1] == EOI)
            return end;
    return 0;
}

sl_jpeg_verdict sl_jpeg_inspect(const uint8_t *data, size_t size, sl_jpeg_facts *facts) {
    struct segment segment;
    bool special = false, framed = false;
    *facts = (sl_jpeg_facts){0};
    if (size < 4 || data[0] != 0xff || data[1] != SOI)
        return SL_JPEG_BROKEN;
    for (size_t at = 2; (at = next_segment(data, size, at, &segment)) != 0;) {
        bool is_frame = segment.marker >= SOF0 && segment.marker <= 0xcf && segment.marker != DHT &&
                        segment.marker != 0xc8 && segment.marker != 0xcc;
        special = special || is_special(&segment);
        if (segment.marker == DHT)
            facts->tables = true;
        if (is_frame) {
            sl_jpeg_verdict verdict = inspect_frame(&segment, facts);
            if (verdict == SL_JPEG_BROKEN)
                return verdict;
            special = special || verdict == SL_JPEG_SPECIAL;
            framed = true;
        }
        if (segment.marker == SOS) {
            facts->size = find_end(data, at, size);
            if (!framed || facts->size == 0)
                return SL_JPEG_BROKEN;
            return special ? SL_JPEG_SPECIAL : SL_JPEG_PLAIN;
        }
    }
    return SL_JPEG_BROKEN;
}
