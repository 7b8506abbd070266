/*
 * The JPEG kind: its state, and encoding. Called by codec.c.
 *
 * Planar YUV is compressed as it is; packed pixels become 4:2:2, as NetGear's do.
 */
#include "codec/jpeg.h"

#include "base/error.h"
#include "frame/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

/* Idle buffers kept by each codec: one being filled, one that the link has not let go yet. */
#define KEPT_CODED  2
#define KEPT_PIXELS 3

#define FRAME_BYTES_MOST (1 << 30)

/* What there is to compress. */
struct picture {
    int width, height;
    int subsampling;
    const uint8_t *planes[SL_PLANES_MAX];
    int strides[SL_PLANES_MAX];
    bool packed; /* all in planes[0], in the colour space that is set */
    sl_colorspace colorspace;
    sl_frame *padded; /* memory behind planes[0], if it had to be copied */
};

int sl_jpeg_pixel_format(sl_colorspace colorspace) {
    static const int formats[] = {
        [SL_COLORSPACE_BGR] = TJPF_BGR,   [SL_COLORSPACE_RGB] = TJPF_RGB,
        [SL_COLORSPACE_RGBX] = TJPF_RGBX, [SL_COLORSPACE_BGRX] = TJPF_BGRX,
        [SL_COLORSPACE_XBGR] = TJPF_XBGR, [SL_COLORSPACE_XRGB] = TJPF_XRGB,
        [SL_COLORSPACE_GRAY] = TJPF_GRAY, [SL_COLORSPACE_RGBA] = TJPF_RGBA,
        [SL_COLORSPACE_BGRA] = TJPF_BGRA, [SL_COLORSPACE_ABGR] = TJPF_ABGR,
        [SL_COLORSPACE_ARGB] = TJPF_ARGB, [SL_COLORSPACE_CMYK] = TJPF_CMYK,
    };
    return formats[colorspace];
}

static bool encodes(const sl_codec_settings *settings) {
    return settings->jpeg;
}

static bool decodes(sl_format format) {
    return format == SL_FORMAT_JPEG;
}

static void close_jpeg(void *state) {
    sl_jpeg *jpeg = state;
    if (jpeg->compressor)
        tjDestroy(jpeg->compressor);
    if (jpeg->decompressor)
        tjDestroy(jpeg->decompressor);
    sl_pixels_finish(&jpeg->scaling);
    sl_pool_close(&jpeg->coded);
    sl_pool_close(&jpeg->pixels);
    free(jpeg);
}

static int open_jpeg(void **state, const sl_codec_settings *settings) {
    sl_jpeg *jpeg = calloc(1, sizeof(*jpeg));
    if (!jpeg)
        return sl_fail_memory();
    jpeg->settings = *settings;
    int result = sl_pool_open(&jpeg->coded, KEPT_CODED);
    if (result == SL_OK)
        result = sl_pool_open(&jpeg->pixels, KEPT_PIXELS);
    jpeg->scaling.pool = jpeg->pixels;
    if (result == SL_OK)
        *state = jpeg;
    else
        close_jpeg(jpeg);
    return result;
}

/* A JPEG from elsewhere goes on with the same bytes, but with our wishes for decoding it. */
static int pass_through(const sl_jpeg *jpeg, const sl_frame *frame, sl_frame **coded) {
    const sl_codec_settings *settings = &jpeg->settings;
    if (frame->colorspace == settings->colorspace && frame->fast_dct == settings->fast_dct &&
        frame->fast_upsample == settings->fast_upsample) {
        *coded = sl_frame_ref(frame);
        return SL_OK;
    }
    int result = sl_frame_share(coded, frame);
    if (result != SL_OK)
        return result;
    (*coded)->colorspace = settings->colorspace;
    (*coded)->fast_dct = settings->fast_dct;
    (*coded)->fast_upsample = settings->fast_upsample;
    return SL_OK;
}

/* TurboJPEG reads luma up to the end of the last chroma sample, which for odd sizes is a row or
 * column more than frames have: makes a copy that has it. */
static int pad_luma(const sl_frame *frame, int across, int down, struct picture *picture) {
    int width = (frame->width + across - 1) / across * across;
    int height = (frame->height + down - 1) / down * down;
    if (width == frame->width && height == frame->height)
        return SL_OK;
    int result = sl_frame_new_pooled(&picture->padded, NULL, SL_FORMAT_GRAY, width, height);
    if (result != SL_OK)
        return result;
    for (int y = 0; y < height; y++) {
        int from_y = y < frame->height ? y : frame->height - 1;
        const uint8_t *from = frame->planes[0] + (size_t)from_y * frame->strides[0];
        uint8_t *to = picture->padded->planes[0] + (size_t)y * picture->padded->strides[0];
        memcpy(to, from, (size_t)frame->width);
        to[width - 1] = from[frame->width - 1];
    }
    picture->planes[0] = picture->padded->planes[0];
    picture->strides[0] = (int)picture->padded->strides[0];
    return SL_OK;
}

/* Planar YUV, or its luma alone where the colour space is GRAY. */
static int take_planes(const sl_jpeg *jpeg, const sl_frame *frame, struct picture *picture) {
    static const int subsamplings[] = {
        [SL_FORMAT_I420] = TJSAMP_420,
        [SL_FORMAT_I422] = TJSAMP_422,
        [SL_FORMAT_I444] = TJSAMP_444,
    };
    bool gray = jpeg->settings.colorspace == SL_COLORSPACE_GRAY;
    picture->subsampling = gray ? TJSAMP_GRAY : subsamplings[frame->format];
    for (int plane = 0; plane < SL_PLANES_MAX; plane++) {
        picture->planes[plane] = frame->planes[plane];
        picture->strides[plane] = (int)frame->strides[plane];
    }
    if (gray)
        return SL_OK;
    return pad_luma(frame, frame->format == SL_FORMAT_I444 ? 1 : 2,
                    frame->format == SL_FORMAT_I420 ? 2 : 1, picture);
}

/* A uint8 array of height, width, channels, or of height, width. The latter has no order of
 * colours: it goes as the gray picture that it is, whatever is set. */
static int take_array(const sl_jpeg *jpeg, const sl_frame *frame, struct picture *picture) {
    const int64_t *shape = frame->shape;
    bool flat = frame->dimensions == 2;
    sl_colorspace colorspace = flat ? SL_COLORSPACE_GRAY : jpeg->settings.colorspace;
    int channels = sl_colorspace_channels(colorspace);
    bool bytes = frame->format != SL_FORMAT_ARRAY || strcmp(frame->dtype, "uint8") == 0;
    if (!bytes || frame->dimensions < 2 || frame->dimensions > 3 || shape[0] < 1 ||
        shape[0] > SL_SIDE_MAX || shape[1] < 1 || shape[1] > SL_SIDE_MAX)
        return sl_fail(SL_EINVAL,
                       "an array of %s with %d dimensions is no picture, so it can't become a "
                       "JPEG: send it raw (jpeg_compression=false)",
                       frame->dtype, frame->dimensions);
    if (!flat && shape[2] != channels)
        return sl_fail(SL_EINVAL,
                       "the colour space %s has %d channels, but the array has %lld: set "
                       "jpeg_compression to one that fits, or to false",
                       sl_colorspace_name(colorspace), channels, (long long)shape[2]);
    picture->width = (int)shape[1];
    picture->height = (int)shape[0];
    picture->packed = true;
    picture->colorspace = colorspace;
    picture->subsampling = colorspace == SL_COLORSPACE_GRAY ? TJSAMP_GRAY : TJSAMP_422;
    picture->planes[0] = frame->planes[0];
    picture->strides[0] = picture->width * channels;
    return SL_OK;
}

static int choose_quality(const sl_jpeg *jpeg, const struct picture *picture) {
    int best = jpeg->settings.quality, least = jpeg->settings.min_quality;
    if (jpeg->frame_bytes == 0)
        return best;
    return sl_quality_next(&jpeg->seen, (int64_t)picture->width * picture->height,
                           jpeg->frame_bytes, least < best ? least : best, best);
}

/* Compresses into `bytes`, which is as large as the worst JPEG of this size: pages that nothing is
 * written to cost no memory, and nothing has to be copied or grown. */
static int compress(sl_jpeg *jpeg, const struct picture *picture, sl_buffer *bytes) {
    int flags = TJFLAG_NOREALLOC | (jpeg->settings.fast_dct ? TJFLAG_FASTDCT : 0);
    int quality = choose_quality(jpeg, picture);
    unsigned char *to = bytes->data;
    unsigned long size = bytes->size;
    const uint8_t *planes[SL_PLANES_MAX];
    memcpy(planes, picture->planes, sizeof(planes));
    int failed = picture->packed
                     ? tjCompress2(jpeg->compressor, planes[0], picture->width, picture->strides[0],
                                   picture->height, sl_jpeg_pixel_format(picture->colorspace), &to,
                                   &size, picture->subsampling, quality, flags)
                     : tjCompressFromYUVPlanes(jpeg->compressor, planes, picture->width,
                                               picture->strides, picture->height,
                                               picture->subsampling, &to, &size, quality, flags);
    if (failed)
        return sl_fail(SL_EINVAL, "a picture of %dx%d can't become a JPEG: %s", picture->width,
                       picture->height, tjGetErrorStr2(jpeg->compressor));
    bytes->size = size;
    jpeg->seen = (sl_quality_seen){
        .quality = quality,
        .pixels = (int64_t)picture->width * picture->height,
        .bytes = (int64_t)size,
    };
    return SL_OK;
}

/* Compresses into memory of its own and makes a frame of it. */
static int compress_frame(sl_jpeg *jpeg, const struct picture *picture, sl_frame **coded) {
    sl_buffer *bytes = NULL;
    if (!jpeg->compressor)
        jpeg->compressor = tjInitCompress();
    if (!jpeg->compressor)
        return sl_fail_memory();
    unsigned long worst = tjBufSize(picture->width, picture->height, picture->subsampling);
    int result = sl_pool_get(jpeg->coded, worst, &bytes);
    if (result == SL_OK)
        result = compress(jpeg, picture, bytes);
    if (result == SL_OK)
        result = sl_frame_new_coded(coded, SL_FORMAT_JPEG, bytes);
    sl_buffer_unref(&bytes);
    if (result != SL_OK)
        return result;
    (*coded)->width = picture->width;
    (*coded)->height = picture->height;
    (*coded)->colorspace = picture->colorspace;
    (*coded)->fast_dct = jpeg->settings.fast_dct;
    (*coded)->fast_upsample = jpeg->settings.fast_upsample;
    return SL_OK;
}

static int encode(sl_jpeg *jpeg, const sl_frame *frame, sl_frame **coded) {
    struct picture picture = {
        .width = frame->width, .height = frame->height, .colorspace = jpeg->settings.colorspace};
    int result = frame->dimensions > 0 ? take_array(jpeg, frame, &picture)
                                       : take_planes(jpeg, frame, &picture);
    if (result == SL_OK)
        result = compress_frame(jpeg, &picture, coded);
    sl_frame_unref(&picture.padded);
    if (result == SL_OK)
        result = sl_frame_copy_properties(*coded, frame);
    if (result != SL_OK)
        sl_frame_unref(coded);
    return result;
}

/* A smaller one, for what is aimed at. */
static int scale(sl_jpeg *jpeg, const sl_frame *frame, sl_frame **smaller) {
    sl_size from, to;
    int result = sl_pixels_size(frame, jpeg->scale, &from, &to);
    return result == SL_OK ? sl_pixels_fit(&jpeg->scaling, frame, jpeg->settings.colorspace, from,
                                           to, true, smaller)
                           : result;
}

int sl_jpeg_encode(void *state, const sl_frame *frame, sl_frame **coded) {
    sl_jpeg *jpeg = state;
    sl_frame *smaller = NULL;
    bool made = frame->format != SL_FORMAT_JPEG;
    int result = SL_OK;
    if (made && jpeg->frame_bytes > 0 && jpeg->scale < 1)
        result = scale(jpeg, frame, &smaller);
    if (result == SL_OK)
        result = made ? encode(jpeg, smaller ? smaller : frame, coded)
                      : pass_through(jpeg, frame, coded);
    sl_frame_unref(&smaller);
    if (result != SL_OK)
        return result;
    jpeg->report = (sl_codec_report){
        .encoder = "jpeg",
        .width = (*coded)->width,
        .height = (*coded)->height,
        .quantiser = made ? sl_quality_quantiser(jpeg->seen.quality) : -1,
        .quality = made ? jpeg->seen.quality : 0,
        .best = !made || jpeg->seen.quality >= jpeg->settings.quality,
    };
    return SL_OK;
}

static void aim(void *state, const sl_codec_aim *at) {
    sl_jpeg *jpeg = state;
    double bytes = (double)at->bit_rate / at->fps / 8;
    jpeg->frame_bytes = (int64_t)fmin(fmax(bytes, 1), FRAME_BYTES_MOST);
    jpeg->scale = at->scale;
    jpeg->settings.quality = at->quality;
}

static sl_codec_report report(const void *state) {
    const sl_jpeg *jpeg = state;
    return jpeg->report;
}

const sl_codec_kind sl_codec_jpeg = {
    .name = "jpeg",
    .encodes = encodes,
    .decodes = decodes,
    .open = open_jpeg,
    .encode = sl_jpeg_encode,
    .decode = sl_jpeg_decode,
    .check = sl_jpeg_check,
    .close = close_jpeg,
    .aim = aim,
    .report = report,
};
