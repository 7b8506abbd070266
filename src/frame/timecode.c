/* frame: the timecode strip, by which the latency of any peer can be read from the pixels.
 *
 * Top-left in the picture stand two rows of sixteen squares: UTC milliseconds modulo 2^32, row by
 * row, least significant bit first, white is 1. */
#include "frame/frame.h"

#include <string.h>

#define COLUMNS 16
#define ROWS    2
#define WHITE   255
#define GRAY    128

/* The side of a square in pixels; 0 where the picture is too small for a strip. */
static int square_side(int width, int height) {
    int side = width / COLUMNS;
    side = side < 8 ? 8 : side > 32 ? 32 : side;
    return width >= COLUMNS * side && height >= ROWS * side ? side : 0;
}

/* How the brightness of a picture's pixels is found: a byte each `step`, from `first` on. */
struct luma {
    const uint8_t *first;
    size_t step, stride;
    int width, height;
};

static bool find_luma(const sl_frame *frame, struct luma *luma) {
    *luma = (struct luma){
        .first = frame->planes[0],
        .step = 1,
        .stride = frame->strides[0],
        .width = frame->width,
        .height = frame->height,
    };
    switch (frame->format) {
    case SL_FORMAT_GRAY:
    case SL_FORMAT_I420:
    case SL_FORMAT_I422:
    case SL_FORMAT_I444:
        return true;
    case SL_FORMAT_BGR:
        luma->first++;
        luma->step = 3;
        return true;
    case SL_FORMAT_ARRAY:
        break;
    default:
        return false;
    }
    /* Pixels with a fourth byte: whatever its place, the second one is a colour. */
    if (strcmp(frame->dtype, "uint8") != 0 || frame->dimensions != 3 || frame->shape[2] != 4 ||
        frame->shape[0] > SL_SIDE_MAX || frame->shape[1] > SL_SIDE_MAX)
        return false;
    luma->first++;
    luma->step = 4;
    luma->height = (int)frame->shape[0];
    luma->width = (int)frame->shape[1];
    luma->stride = (size_t)luma->width * luma->step;
    return true;
}

bool sl_timecode_read(const sl_frame *frame, uint32_t *milliseconds) {
    struct luma luma;
    if (!find_luma(frame, &luma))
        return false;
    int side = square_side(luma.width, luma.height);
    if (side == 0)
        return false;
    uint32_t value = 0;
    for (int bit = 0; bit < COLUMNS * ROWS; bit++) {
        size_t x = (size_t)(bit % COLUMNS * side + side / 2);
        size_t y = (size_t)(bit / COLUMNS * side + side / 2);
        if (luma.first[y * luma.stride + x * luma.step] >= GRAY)
            value |= UINT32_C(1) << bit;
    }
    *milliseconds = value;
    return true;
}

/* Draws the squares' brightness into a plane whose pixels are `sample` bytes each. */
static void draw_squares(const sl_frame *frame, int side, size_t sample, uint32_t value) {
    for (int y = 0; y < ROWS * side; y++) {
        uint8_t *row = frame->planes[0] + (size_t)y * frame->strides[0];
        for (int column = 0; column < COLUMNS; column++) {
            bool white = value >> (y / side * COLUMNS + column) & 1;
            size_t width = (size_t)side * sample;
            memset(row + (size_t)column * width, white ? WHITE : 0, width);
        }
    }
}

static void fade_colors(const sl_frame *frame, int side) {
    size_t width = (size_t)sl_plane_width(frame->format, 1, COLUMNS * side);
    int height = sl_plane_height(frame->format, 1, ROWS * side);
    for (int plane = 1; plane < sl_format_planes(frame->format); plane++) {
        for (int y = 0; y < height; y++)
            memset(frame->planes[plane] + (size_t)y * frame->strides[plane], GRAY, width);
    }
}

bool sl_timecode_draw(sl_frame *frame, int64_t utc_us) {
    if (frame->format < SL_FORMAT_GRAY || frame->format > SL_FORMAT_I444)
        return false;
    int side = square_side(frame->width, frame->height);
    if (side == 0 || !sl_frame_sole(frame))
        return false;
    uint32_t milliseconds = (uint32_t)(uint64_t)(utc_us / 1000);
    draw_squares(frame, side, frame->format == SL_FORMAT_BGR ? 3 : 1, milliseconds);
    fade_colors(frame, side);
    return true;
}
