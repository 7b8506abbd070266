/* source: which of a camera's modes costs least. */
#include "source/mode.h"
#include "base/error.h"
#include "base/settings.h"

#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_PIXELS (1280 * 720)
#define SMOOTH_FPS   24.0

/* What work a format makes: when JPEG is passed on, or when pixels are wanted. */
struct format {
    uint32_t fourcc;
    const char *libav, *name;
    int cost;
};

#define COST_VIDEO_PASSED (-1) /* the live pattern's own, but JPEG it would decode */
#define COST_JPEG_PASSED  0
#define COST_BEST         1  /* what is delivered already */
#define COST_GRAY         20 /* it loses the colours: only before nothing at all */

static const struct format formats[] = {
    {V4L2_PIX_FMT_YUV420, "yuv420p", "YUV 4:2:0", 2},
    {V4L2_PIX_FMT_YVU420, "yuv420p", "YVU 4:2:0", 2},
    {V4L2_PIX_FMT_YUV422P, "yuv422p", "YUV 4:2:2", 3},
    {V4L2_PIX_FMT_NV12, "nv12", "NV12 4:2:0", 3},
    {V4L2_PIX_FMT_NV21, "nv21", "NV21 4:2:0", 3},
    {V4L2_PIX_FMT_YUYV, "yuyv422", "YUYV 4:2:2", 4},
    {V4L2_PIX_FMT_UYVY, "uyvy422", "UYVY 4:2:2", 4},
    {V4L2_PIX_FMT_BGR24, "bgr24", "BGR 8:8:8", 5},
    {V4L2_PIX_FMT_RGB24, "rgb24", "RGB 8:8:8", 5},
    {V4L2_PIX_FMT_BGR32, "bgr0", "BGRX 8:8:8:8", 6},
    {V4L2_PIX_FMT_MJPEG, "mjpeg", "MJPEG", 7},
    {V4L2_PIX_FMT_JPEG, "mjpeg", "JPEG", 7},
    {V4L2_PIX_FMT_H264, "h264", "H.264", 8},
    {V4L2_PIX_FMT_HEVC, "hevc", "H.265", 9},
    {V4L2_PIX_FMT_SBGGR8, "bayer_bggr8", "Bayer BGGR", 10},
    {V4L2_PIX_FMT_SGBRG8, "bayer_gbrg8", "Bayer GBRG", 10},
    {V4L2_PIX_FMT_SGRBG8, "bayer_grbg8", "Bayer GRBG", 10},
    {V4L2_PIX_FMT_SRGGB8, "bayer_rggb8", "Bayer RGGB", 10},
    {V4L2_PIX_FMT_GREY, "gray", "gray", COST_GRAY},
    {V4L2_PIX_FMT_Y16, "gray16le", "16-bit gray", COST_GRAY + 1},
};

static const struct format *find(uint32_t fourcc) {
    for (size_t i = 0; i < SL_COUNT(formats); i++)
        if (formats[i].fourcc == fourcc)
            return &formats[i];
    return NULL;
}

const char *sl_mode_format(uint32_t fourcc, char text[5]) {
    const struct format *format = find(fourcc);
    if (format)
        return format->name;
    for (int i = 0; i < 4; i++) {
        char letter = (char)(fourcc >> (8 * i) & 0x7f);
        text[i] = letter;
        if (letter <= ' ' || letter > '~')
            text[i] = ' ';
    }
    text[4] = '\0';
    return text;
}

const char *sl_mode_libav_format(uint32_t fourcc) {
    const struct format *format = find(fourcc);
    return format ? format->libav : NULL;
}

static int cost(const sl_mode *mode, const sl_mode_wish *wish) {
    bool jpeg = mode->fourcc == V4L2_PIX_FMT_MJPEG || mode->fourcc == V4L2_PIX_FMT_JPEG;
    if ((wish->video == SL_FORMAT_H264 && mode->fourcc == V4L2_PIX_FMT_H264) ||
        (wish->video == SL_FORMAT_HEVC && mode->fourcc == V4L2_PIX_FMT_HEVC))
        return COST_VIDEO_PASSED;
    if (jpeg && wish->passes)
        return COST_JPEG_PASSED;
    if ((wish->deliver == SL_DELIVER_GRAY && mode->fourcc == V4L2_PIX_FMT_GREY) ||
        (wish->deliver == SL_DELIVER_BGR && mode->fourcc == V4L2_PIX_FMT_BGR24))
        return COST_BEST;
    return find(mode->fourcc)->cost;
}

static bool is_size(const sl_mode *mode, const sl_size *size) {
    return !size->width || (mode->width == size->width && mode->height == size->height);
}

static bool is_fast_enough(const sl_mode *mode, double fps) {
    return mode->fps <= 0 || mode->fps >= fps * 0.99;
}

/* Smaller is better: how far a size is from the usual one, larger ones last. */
static double size_penalty(const sl_mode *mode) {
    double pixels = (double)mode->width * mode->height;
    return pixels <= USUAL_PIXELS ? USUAL_PIXELS - pixels : 1e12 + pixels;
}

/* What smooth means here: nobody should get a slow mode because its format is cheap. */
static double least_fps(const sl_mode *mode, const sl_mode_wish *wish) {
    return wish->fps > 0 ? wish->fps : mode->fps < SMOOTH_FPS ? mode->fps : SMOOTH_FPS;
}

static bool is_better(const sl_mode *mode, const sl_mode *best, const sl_mode_wish *wish) {
    if (wish->fps <= 0 && (mode->fps > 0 && best->fps > 0)) {
        double fps = least_fps(mode, wish), best_fps = least_fps(best, wish);
        if (fps != best_fps)
            return fps > best_fps;
    }
    if (size_penalty(mode) != size_penalty(best))
        return size_penalty(mode) < size_penalty(best);
    if (cost(mode, wish) != cost(best, wish))
        return cost(mode, wish) < cost(best, wish);
    return mode->fps > best->fps;
}

/* "640x480, 1280x720 and 1920x1080", each once. */
static void list_sizes(const sl_mode *modes, size_t count, char *text, size_t size) {
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < count && used + 24 < size; i++) {
        bool told = !find(modes[i].fourcc);
        for (size_t j = 0; j < i && !told; j++)
            told = find(modes[j].fourcc) && modes[j].width == modes[i].width &&
                   modes[j].height == modes[i].height;
        if (!told)
            used += (size_t)snprintf(text + used, size - used, "%s%dx%d", used ? ", " : "",
                                     modes[i].width, modes[i].height);
    }
}

static int fail(const sl_mode *modes, size_t count, const sl_mode_wish *wish, const char *camera) {
    char sizes[300];
    const sl_mode *fastest = NULL;
    bool usable = false;
    for (size_t i = 0; i < count; i++) {
        if (!find(modes[i].fourcc))
            continue;
        usable = true;
        if (is_size(&modes[i], &wish->size) && (!fastest || modes[i].fps > fastest->fps))
            fastest = &modes[i];
    }
    if (!usable)
        return sl_fail(SL_ESOURCE, "%s has no format that can be read", camera);
    if (fastest)
        return sl_fail(SL_ESOURCE, "%s can't do %g frames a second; it can do up to %g at %dx%d",
                       camera, wish->fps, fastest->fps, fastest->width, fastest->height);
    list_sizes(modes, count, sizes, sizeof(sizes));
    return sl_fail(SL_ESOURCE, "%s can't do %dx%d; it can do %s", camera, wish->size.width,
                   wish->size.height, sizes);
}

int sl_mode_choose(const sl_mode *modes, size_t count, const sl_mode_wish *wish, const char *camera,
                   size_t *chosen) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (!find(modes[i].fourcc) || !is_size(&modes[i], &wish->size) ||
            !is_fast_enough(&modes[i], wish->fps))
            continue;
        if (!found || is_better(&modes[i], &modes[*chosen], wish))
            *chosen = i;
        found = true;
    }
    return found ? SL_OK : fail(modes, count, wish, camera);
}
