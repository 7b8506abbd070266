/*
 * The JPEG kind: decoding what a peer sent, who may be hostile. Called by codec.c.
 *
 * The header is read first, and nothing is allocated that it doesn't justify within our limits.
 */
#include "codec/jpeg.h"

#include "base/error.h"
#include "base/settings.h"
#include "frame/frame.h"
#include "frame/jpeg_header.h"

#include <string.h>
#include <turbojpeg.h>

#define SCANS_MAX     32 /* a usual progressive JPEG has ten; each costs a pass over all pixels */
#define PIXELS_A_BYTE ((size_t)8 * 8 * 8) /* a bit for each block, eight blocks a byte */

/* What a JPEG says of itself. */
struct header {
    int width, height;
    int subsampling; /* enum TJSAMP */
    int colorspace;  /* enum TJCS */
};

/* Refuses a JPEG. TurboJPEG forgets to reset itself after some headers that it can't read, and then
 * fails on good ones too: so the next frame gets a fresh one. */
static int refuse(sl_jpeg *jpeg, const sl_frame *coded, const char *why) {
    int result = sl_fail(SL_EMESSAGE, "a JPEG of %zu bytes can't be decoded: %s", coded->size, why);
    tjDestroy(jpeg->decompressor);
    jpeg->decompressor = NULL;
    return result;
}

/* Whether there is an end-of-image marker. What follows it, as some cameras' padding does, is of
 * no interest. */
static bool ends(const sl_frame *coded) {
    const uint8_t *bytes = coded->planes[0];
    for (size_t at = coded->size; at > 1; at--) {
        if (bytes[at - 1] == 0xd9 && bytes[at - 2] == 0xff)
            return true;
    }
    return false;
}

/* What TurboJPEG's result means. Its warnings are about damage (then the frame is refused, as
 * NetGear does), but for those that many cameras' JPEGs cause and that cost no pixel. It keeps the
 * first warning only, so a truncated JPEG might hide behind a harmless one, but for its end. */
static int judge(sl_jpeg *jpeg, const sl_frame *coded, int result) {
    static const char *const harmless[] = {
        "extraneous bytes before marker",
        "unknown JFIF revision",
        "Unknown Adobe color transform",
    };
    if (result == 0)
        return SL_OK;
    const char *what = tjGetErrorStr2(jpeg->decompressor);
    if (tjGetErrorCode(jpeg->decompressor) != TJERR_WARNING)
        return refuse(jpeg, coded, what);
    for (size_t i = 0; i < SL_COUNT(harmless); i++) {
        if (strstr(what, harmless[i]))
            return ends(coded) ? SL_OK : refuse(jpeg, coded, "it is truncated");
    }
    return refuse(jpeg, coded, what);
}

/* Whether all colours stand in one scan, as in nearly every camera's JPEG: then libjpeg reads no
 * other. */
static bool is_one_scan(const sl_frame *coded) {
    const uint8_t *bytes = coded->planes[0];
    sl_jpeg_segment segment;
    int colours = 0;
    for (size_t at = sl_jpeg_next(bytes, coded->size, 0, &segment); at;
         at = sl_jpeg_next(bytes, coded->size, at, &segment)) {
        if (segment.marker == SL_JPEG_SOF0 && segment.size > 5)
            colours = segment.data[5];
        if (segment.marker == SL_JPEG_SOS)
            return colours > 0 && segment.size > 0 && segment.data[0] == colours;
    }
    return false;
}

/* Whether it has more scans than any honest JPEG. In coded data an 0xff is never followed by a
 * start of scan. */
static bool scans_for_ever(const sl_frame *coded) {
    const uint8_t *at = coded->planes[0], *end = at + coded->size - 1;
    int scans = 0;
    if (is_one_scan(coded))
        return false;
    while (scans <= SCANS_MAX && at < end && (at = memchr(at, 0xff, (size_t)(end - at)))) {
        if (*++at == 0xda)
            scans++;
    }
    return scans > SCANS_MAX;
}

static int read_header(sl_jpeg *jpeg, const sl_frame *coded, struct header *header) {
    *header = (struct header){.subsampling = -1, .colorspace = -1};
    if (!jpeg->decompressor)
        jpeg->decompressor = tjInitDecompress();
    if (!jpeg->decompressor)
        return sl_fail_memory();
    int result =
        judge(jpeg, coded,
              tjDecompressHeader3(jpeg->decompressor, coded->planes[0], coded->size, &header->width,
                                  &header->height, &header->subsampling, &header->colorspace));
    if (result != SL_OK)
        return result;
    if (header->width < 1 || header->height < 1 || header->subsampling < 0 ||
        header->subsampling >= TJ_NUMSAMP)
        return refuse(jpeg, coded, "its header makes no sense");
    if (scans_for_ever(coded))
        return refuse(jpeg, coded, "it has too many scans (a JPEG bomb)");
    return SL_OK;
}

/* Refuses what would need too much memory once unpacked to `channels` bytes a pixel, and what
 * claims more pixels than its bytes can hold: even a block of 8x8 that shows nothing takes a bit.
 */
static int check_size(const sl_frame *coded, const struct header *header, int channels) {
    size_t pixels = (size_t)header->width * (size_t)header->height;
    size_t unpacked = pixels * (size_t)channels;
    if (header->width <= SL_SIDE_MAX && header->height <= SL_SIDE_MAX &&
        unpacked <= SL_UNPACKED_MAX && pixels / PIXELS_A_BYTE <= coded->size)
        return SL_OK;
    return sl_fail(SL_EMESSAGE,
                   "a JPEG of %zu bytes would unpack to %zu MiB, %dx%d pixels (a JPEG bomb)",
                   coded->size, unpacked >> 20, header->width, header->height);
}

static int flags(const sl_jpeg *jpeg, const sl_frame *coded) {
    int wishes = TJFLAG_LIMITSCANS;
    if (jpeg->settings.fast_dct || coded->fast_dct)
        wishes |= TJFLAG_FASTDCT;
    if (jpeg->settings.fast_upsample || coded->fast_upsample)
        wishes |= TJFLAG_FASTUPSAMPLE;
    return wishes;
}

/* The planar format that holds a JPEG as it is coded, or SL_FORMAT_NONE. */
static sl_format planar_format(const struct header *header) {
    if (header->colorspace == TJCS_GRAY)
        return SL_FORMAT_GRAY;
    if (header->colorspace != TJCS_YCbCr)
        return SL_FORMAT_NONE;
    switch (header->subsampling) {
    case TJSAMP_420:
        return SL_FORMAT_I420;
    case TJSAMP_422:
        return SL_FORMAT_I422;
    case TJSAMP_444:
        return SL_FORMAT_I444;
    default:
        return SL_FORMAT_NONE;
    }
}

static int decode_planes(sl_jpeg *jpeg, const sl_frame *coded, const struct header *header,
                         sl_format format, sl_frame **frame) {
    /* TurboJPEG writes luma up to the end of the last chroma sample, a row or column more than odd
     * sizes have: so there is memory for that, and the frame says less. */
    int width = tjPlaneWidth(0, header->width, header->subsampling);
    int height = tjPlaneHeight(0, header->height, header->subsampling);
    int result = sl_frame_new_pooled(frame, jpeg->pixels, format, width, height);
    if (result != SL_OK)
        return result;
    int strides[SL_PLANES_MAX];
    for (int plane = 0; plane < SL_PLANES_MAX; plane++)
        strides[plane] = (int)(*frame)->strides[plane];
    (*frame)->width = header->width;
    (*frame)->height = header->height;
    return judge(jpeg, coded,
                 tjDecompressToYUVPlanes(jpeg->decompressor, coded->planes[0], coded->size,
                                         (*frame)->planes, header->width, strides, header->height,
                                         flags(jpeg, coded)));
}

static int unpack(sl_jpeg *jpeg, const sl_frame *coded, const struct header *header,
                  sl_colorspace colorspace, uint8_t *pixels) {
    return judge(jpeg, coded,
                 tjDecompress2(jpeg->decompressor, coded->planes[0], coded->size, pixels,
                               header->width, header->width * sl_colorspace_channels(colorspace),
                               header->height, sl_jpeg_pixel_format(colorspace),
                               flags(jpeg, coded)));
}

static int decode_array(sl_jpeg *jpeg, const sl_frame *coded, const struct header *header,
                        sl_colorspace colorspace, sl_frame **frame) {
    int result = check_size(coded, header, sl_colorspace_channels(colorspace));
    if (result == SL_OK)
        result = sl_pixels_new(frame, jpeg->pixels, colorspace, header->width, header->height);
    if (result == SL_OK)
        result = unpack(jpeg, coded, header, colorspace, (*frame)->planes[0]);
    return result;
}

/* CMYK has no planes of its own kind and TurboJPEG does not convert it. As everywhere in JPEG,
 * 255 means no ink. */
static int decode_cmyk(sl_jpeg *jpeg, const sl_frame *coded, const struct header *header,
                       sl_frame **frame) {
    sl_frame *inks = NULL;
    int result = decode_array(jpeg, coded, header, SL_COLORSPACE_CMYK, &inks);
    if (result == SL_OK)
        result =
            sl_pixels_new(frame, jpeg->pixels, SL_COLORSPACE_BGR, header->width, header->height);
    if (result == SL_OK) {
        size_t pixels = (size_t)header->width * (size_t)header->height;
        const uint8_t *from = inks->planes[0];
        uint8_t *to = (*frame)->planes[0];
        for (size_t i = 0; i < pixels; i++, from += 4, to += 3) {
            to[0] = (uint8_t)(from[2] * from[3] / 255);
            to[1] = (uint8_t)(from[1] * from[3] / 255);
            to[2] = (uint8_t)(from[0] * from[3] / 255);
        }
    }
    sl_frame_unref(&inks);
    return result;
}

/* The cheapest pixels: as coded, or BGR where frames have no such planes. */
static int decode_cheapest(sl_jpeg *jpeg, const sl_frame *coded, const struct header *header,
                           sl_frame **frame) {
    sl_format format = planar_format(header);
    if (header->colorspace == TJCS_CMYK || header->colorspace == TJCS_YCCK)
        return decode_cmyk(jpeg, coded, header, frame);
    if (format == SL_FORMAT_NONE)
        return decode_array(jpeg, coded, header, SL_COLORSPACE_BGR, frame);
    int result = check_size(coded, header, format == SL_FORMAT_GRAY ? 1 : 3);
    return result == SL_OK ? decode_planes(jpeg, coded, header, format, frame) : result;
}

int sl_jpeg_decode(void *state, const sl_frame *coded, sl_output output, sl_frame **frame) {
    sl_jpeg *jpeg = state;
    struct header header;
    int result = read_header(jpeg, coded, &header);
    if (result != SL_OK)
        return result;
    result = output == SL_OUTPUT_PLANES
                 ? decode_cheapest(jpeg, coded, &header, frame)
                 : decode_array(jpeg, coded, &header, coded->colorspace, frame);
    if (result == SL_OK)
        result = sl_frame_copy_properties(*frame, coded);
    if (result != SL_OK)
        sl_frame_unref(frame);
    return result;
}

int sl_jpeg_check(void *state, const sl_frame *coded) {
    struct header header;
    int result = read_header(state, coded, &header);
    return result == SL_OK && !ends(coded) ? refuse(state, coded, "it is truncated") : result;
}
