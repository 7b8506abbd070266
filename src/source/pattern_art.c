/* source: the pixels of the test pattern. A picture is put together from prepared rows, so that it
 * costs little more than writing it down, and changes everywhere, as film does. */
#include "source/pattern_art.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The picture is three bands, one below the other: bars, a ramp, and dark bars. Each band has some
 * rows that differ in their grain, which take turns. */
enum { BARS, RAMP, DARK, BANDS };
#define GRAINS     16
#define GRAIN_MOST 6

struct sl_pattern_art {
    sl_format format;
    int width, height;
    int band_end[BANDS];  /* first row below */
    size_t row_bytes;     /* of plane 0 */
    uint8_t *rows;        /* BANDS × GRAINS rows of plane 0 */
    uint8_t *chroma_rows; /* BANDS × U and V; NULL where there are no such planes */
};

struct color {
    int r, g, b;
};

static const struct color bars[] = {
    {191, 191, 191}, {191, 191, 20}, {20, 191, 191}, {20, 191, 20},
    {191, 20, 191},  {191, 20, 20},  {20, 20, 191},  {40, 40, 40},
};

static struct color color_at(int band, int x, int width) {
    int level = 16 + x * 224 / width;
    struct color color = bars[x * 8 / width];
    if (band == RAMP)
        return (struct color){level, level, level};
    if (band == DARK)
        return (struct color){color.r / 3, color.g / 3, color.b / 3};
    return color;
}

static uint8_t clip(int value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* JFIF's matrix, in 1/1024. */
static int luma(struct color color) {
    return (306 * color.r + 601 * color.g + 117 * color.b) >> 10;
}

static int chroma_blue(struct color color) {
    return 128 + (-173 * color.r - 339 * color.g + 512 * color.b) / 1024;
}

static int chroma_red(struct color color) {
    return 128 + (512 * color.r - 429 * color.g - 83 * color.b) / 1024;
}

/* The same numbers each time: pictures can be compared. */
static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

static uint8_t *row_of(const sl_pattern_art *art, int band, uint32_t grain) {
    return art->rows + ((size_t)band * GRAINS + grain) * art->row_bytes;
}

static void prepare_row(const sl_pattern_art *art, int band, uint32_t grain, uint32_t *random) {
    uint8_t *pixel = row_of(art, band, grain);
    int coarse = 0;
    for (int x = 0; x < art->width; x++) {
        struct color color = color_at(band, x, art->width);
        int fine = (int)(next_random(random) % (2 * GRAIN_MOST + 1)) - GRAIN_MOST;
        /* Grain is wider than a pixel. */
        coarse = (coarse + fine) / 2;
        if (art->format == SL_FORMAT_BGR) {
            *pixel++ = clip(color.b + coarse);
            *pixel++ = clip(color.g + coarse);
            *pixel++ = clip(color.r + coarse);
        } else {
            *pixel++ = clip(luma(color) + coarse);
        }
    }
}

static void prepare_chroma(const sl_pattern_art *art, int band) {
    int width = (art->width + 1) / 2;
    uint8_t *blue = art->chroma_rows + (size_t)band * 2 * (size_t)width, *red = blue + width;
    for (int x = 0; x < width; x++) {
        struct color color = color_at(band, x * 2, art->width);
        blue[x] = clip(chroma_blue(color));
        red[x] = clip(chroma_red(color));
    }
}

int sl_pattern_art_open(sl_pattern_art **art, sl_format format, int width, int height) {
    uint32_t random = 1;
    sl_pattern_art *made = calloc(1, sizeof(*made));
    *art = made;
    if (!made)
        return sl_fail_memory();
    *made = (sl_pattern_art){
        .format = format,
        .width = width,
        .height = height,
        .band_end = {height * 2 / 3 & ~1, height * 3 / 4 & ~1, height},
        .row_bytes = (size_t)width * (format == SL_FORMAT_BGR ? 3 : 1),
    };
    made->rows = malloc(made->row_bytes * BANDS * GRAINS);
    if (format == SL_FORMAT_I420)
        made->chroma_rows = malloc(((size_t)width + 1) / 2 * 2 * BANDS);
    if (!made->rows || (format == SL_FORMAT_I420 && !made->chroma_rows)) {
        sl_pattern_art_close(art);
        return sl_fail_memory();
    }
    for (int band = 0; band < BANDS; band++) {
        for (uint32_t grain = 0; grain < GRAINS; grain++)
            prepare_row(made, band, grain, &random);
        if (made->chroma_rows)
            prepare_chroma(made, band);
    }
    return SL_OK;
}

static int band_of(const sl_pattern_art *art, int y) {
    int band = 0;
    while (y >= art->band_end[band])
        band++;
    return band;
}

static void draw_background(const sl_pattern_art *art, sl_frame *frame, uint64_t number) {
    uint32_t random = (uint32_t)number * 2654435761U;
    uint8_t *row = frame->planes[0];
    for (int y = 0; y < art->height; y++, row += frame->strides[0])
        memcpy(row, row_of(art, band_of(art, y), next_random(&random) % GRAINS), art->row_bytes);
    if (!art->chroma_rows)
        return;
    size_t width = ((size_t)art->width + 1) / 2;
    for (int y = 0; y < (art->height + 1) / 2; y++) {
        const uint8_t *chroma = art->chroma_rows + (size_t)band_of(art, y * 2) * 2 * width;
        memcpy(frame->planes[1] + frame->strides[1] * (size_t)y, chroma, width);
        memcpy(frame->planes[2] + frame->strides[2] * (size_t)y, chroma + width, width);
    }
}

struct box {
    int x, y, width, height; /* even, and within the picture */
};

static void fill_plane(sl_frame *frame, int plane, struct box box, int value) {
    for (int y = box.y; y < box.y + box.height; y++)
        memset(frame->planes[plane] + frame->strides[plane] * (size_t)y + box.x, value,
               (size_t)box.width);
}

static void fill(sl_frame *frame, struct box box, int gray) {
    struct box half = {box.x / 2, box.y / 2, box.width / 2, box.height / 2};
    struct box triple = {box.x * 3, box.y, box.width * 3, box.height};
    fill_plane(frame, 0, frame->format == SL_FORMAT_BGR ? triple : box, gray);
    if (frame->format == SL_FORMAT_I420) {
        fill_plane(frame, 1, half, 128);
        fill_plane(frame, 2, half, 128);
    }
}

/* Five rows of three dots a digit, the topmost left one in the highest bit. */
static const uint16_t digits[10] = {
    075557, 026227, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717,
};

static void draw_digit(sl_frame *frame, struct box at, int dot, int digit) {
    for (int i = 0; i < 15; i++) {
        struct box box = {at.x + i % 3 * dot, at.y + i / 3 * dot, dot, dot};
        if (digits[digit] >> (14 - i) & 1)
            fill(frame, box, 255);
    }
}

/* Where something is that goes to and fro within `room`. */
static int bounce(uint64_t number, int step, int room) {
    if (room <= 0)
        return 0;
    int at = (int)(number * (uint64_t)step % (2 * (uint64_t)room));
    return (at < room ? at : 2 * room - at) & ~1;
}

static void draw_counter(const sl_pattern_art *art, sl_frame *frame, uint64_t number) {
    char text[24];
    int dot = (art->width / 100 & ~1) + 2;
    int length = snprintf(text, sizeof(text), "%06llu", (unsigned long long)number);
    struct box box = {.width = (length * 4 + 1) * dot, .height = 7 * dot};
    if (box.width > art->width || box.height > art->height / 2)
        return;
    box.x = bounce(number, dot, art->width - box.width);
    box.y = (art->height * 3 / 5 - box.height) & ~1;
    fill(frame, box, 0);
    struct box at = {.x = box.x + dot, .y = box.y + dot};
    for (int i = 0; i < length; i++, at.x += 4 * dot)
        draw_digit(frame, at, dot, text[i] - '0');
}

static void draw_bar(const sl_pattern_art *art, sl_frame *frame, uint64_t number) {
    int width = (art->width / 80 & ~1) + 2;
    struct box box = {.y = art->band_end[RAMP], .width = width};
    if (width > art->width)
        return;
    box.x = bounce(number, width, art->width - width);
    box.height = (art->height - box.y) & ~1;
    fill(frame, box, 235);
}

void sl_pattern_art_draw(const sl_pattern_art *art, sl_frame *frame, uint64_t number) {
    draw_background(art, frame, number);
    draw_bar(art, frame, number);
    draw_counter(art, frame, number);
}

void sl_pattern_art_close(sl_pattern_art **art) {
    sl_pattern_art *closed = *art;
    if (!closed)
        return;
    *art = NULL;
    free(closed->rows);
    free(closed->chroma_rows);
    free(closed);
}
