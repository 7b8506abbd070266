/* frame: what formats and colour spaces are called, and their geometry. */
#include "base/error.h"
#include "base/settings.h"
#include "frame/frame.h"

#include <strings.h>

static const char *const colorspace_names[] = {
    [SL_COLORSPACE_BGR] = "BGR",   [SL_COLORSPACE_RGB] = "RGB",   [SL_COLORSPACE_RGBX] = "RGBX",
    [SL_COLORSPACE_BGRX] = "BGRX", [SL_COLORSPACE_XBGR] = "XBGR", [SL_COLORSPACE_XRGB] = "XRGB",
    [SL_COLORSPACE_GRAY] = "GRAY", [SL_COLORSPACE_RGBA] = "RGBA", [SL_COLORSPACE_BGRA] = "BGRA",
    [SL_COLORSPACE_ABGR] = "ABGR", [SL_COLORSPACE_ARGB] = "ARGB", [SL_COLORSPACE_CMYK] = "CMYK",
};

#define COLORSPACES SL_COUNT(colorspace_names)

const char *sl_colorspace_name(sl_colorspace colorspace) {
    return (size_t)colorspace < COLORSPACES ? colorspace_names[colorspace] : NULL;
}

int sl_colorspace_parse(const char *name, sl_colorspace *colorspace) {
    for (size_t i = 0; i < COLORSPACES; i++) {
        if (strcasecmp(name, colorspace_names[i]) == 0) {
            *colorspace = (sl_colorspace)i;
            return SL_OK;
        }
    }
    return sl_fail(SL_EINVAL,
                   "\"%.40s\" is no colour space; there are BGR, RGB, GRAY, RGBX, BGRX, XBGR, "
                   "XRGB, RGBA, BGRA, ABGR, ARGB and CMYK",
                   name);
}

int sl_colorspace_channels(sl_colorspace colorspace) {
    switch (colorspace) {
    case SL_COLORSPACE_GRAY:
        return 1;
    case SL_COLORSPACE_BGR:
    case SL_COLORSPACE_RGB:
        return 3;
    default:
        return 4;
    }
}

int sl_format_planes(sl_format format) {
    switch (format) {
    case SL_FORMAT_I420:
    case SL_FORMAT_I422:
    case SL_FORMAT_I444:
        return 3;
    case SL_FORMAT_NONE:
        return 0;
    default:
        return 1;
    }
}

int sl_plane_width(sl_format format, int plane, int width) {
    bool halved = plane > 0 && (format == SL_FORMAT_I420 || format == SL_FORMAT_I422);
    return halved ? (width + 1) / 2 : width;
}

int sl_plane_height(sl_format format, int plane, int height) {
    return plane > 0 && format == SL_FORMAT_I420 ? (height + 1) / 2 : height;
}

const char *sl_format_name(sl_format format) {
    static const char *const names[] = {
        [SL_FORMAT_NONE] = "none", [SL_FORMAT_ARRAY] = "array", [SL_FORMAT_GRAY] = "gray",
        [SL_FORMAT_BGR] = "BGR",   [SL_FORMAT_I420] = "I420",   [SL_FORMAT_I422] = "I422",
        [SL_FORMAT_I444] = "I444", [SL_FORMAT_JPEG] = "JPEG",   [SL_FORMAT_H264] = "H.264",
        [SL_FORMAT_HEVC] = "HEVC", [SL_FORMAT_AV1] = "AV1",
    };
    return (size_t)format < SL_COUNT(names) ? names[format] : "unknown";
}

bool sl_format_is_coded(sl_format format) {
    return format == SL_FORMAT_JPEG || sl_format_is_video(format);
}

bool sl_format_is_video(sl_format format) {
    return format >= SL_FORMAT_H264 && format <= SL_FORMAT_AV1;
}
