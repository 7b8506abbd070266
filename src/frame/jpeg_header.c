/* frame: walking through a JPEG's headers. Called by the sources and the sinks. */
#include "frame/jpeg_header.h"

static size_t read16(const uint8_t *bytes) {
    return (size_t)bytes[0] << 8 | bytes[1];
}

size_t sl_jpeg_next(const uint8_t *bytes, size_t size, size_t at, sl_jpeg_segment *segment) {
    if (at == 0) {
        if (size < 4 || bytes[0] != 0xff || bytes[1] != SL_JPEG_SOI)
            return 0;
        at = 2;
    }
    while (at + 1 < size && bytes[at] == 0xff && bytes[at + 1] == 0xff) /* fill bytes */
        at++;
    if (at + 4 > size || bytes[at] != 0xff)
        return 0;
    size_t length = read16(bytes + at + 2);
    if (length < 2 || length > size - at - 2)
        return 0;
    *segment = (sl_jpeg_segment){bytes[at + 1], bytes + at + 4, length - 2};
    return at + 2 + length;
}

bool sl_jpeg_is_frame(const sl_jpeg_segment *segment) {
    /* All but the neighbours DHT, JPG and DAC. */
    return segment->marker >= SL_JPEG_SOF0 && segment->marker <= 0xcf &&
           segment->marker != SL_JPEG_DHT && segment->marker != 0xc8 && segment->marker != 0xcc;
}

bool sl_jpeg_frame_size(const sl_jpeg_segment *segment, int *width, int *height) {
    const uint8_t *data = segment->data;
    if (segment->size < 6 || segment->size < 6 + (size_t)data[5] * 3)
        return false;
    *height = (int)read16(data + 1);
    *width = (int)read16(data + 3);
    return *width > 0 && *height > 0;
}

bool sl_jpeg_size(const uint8_t *bytes, size_t size, int *width, int *height) {
    sl_jpeg_segment segment;
    for (size_t at = 0; (at = sl_jpeg_next(bytes, size, at, &segment)) != 0;) {
        if (sl_jpeg_is_frame(&segment))
            return sl_jpeg_frame_size(&segment, width, height);
        if (segment.marker == SL_JPEG_SOS)
            return false;
    }
    return false;
}
