/* source: which of a camera's modes costs least. Pure: knows modes, not devices. */
#ifndef SOURCE_MODE_H
#define SOURCE_MODE_H

#include <sightline/source.h>
#include <stdint.h>

typedef struct sl_mode {
    uint32_t fourcc; /* V4L2's name of the pixel format */
    int width, height;
    double fps; /* the highest at this size; 0: the driver doesn't say */
} sl_mode;

/* What the modes must do. */
typedef struct sl_mode_wish {
    sl_size size; /* 0x0: any */
    double fps;   /* 0: any */
    sl_deliver deliver;
    bool passes;     /* JPEG may be passed on without decoding, */
    sl_format video; /* and coded video in this format; SL_FORMAT_NONE: none */
} sl_mode_wish;

/* What a person calls the format: "MJPEG", "YUYV 4:2:2"; or its four letters, which fill `text`. */
const char *sl_mode_format(uint32_t fourcc, char text[5]);

/* libav's name of the format; NULL when it has none. */
const char *sl_mode_libav_format(uint32_t fourcc);

/* The index of the best mode: it can do the size and rate asked for, and costs least on the way to
 * the wire. Without a size, the largest up to 1280x720. SL_ESOURCE with a sentence that says what
 * `camera` can do. */
int sl_mode_choose(const sl_mode *modes, size_t count, const sl_mode_wish *wish, const char *camera,
                   size_t *chosen);

#endif
