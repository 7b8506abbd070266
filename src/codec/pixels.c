/*
 * Pixels from one layout and size to another. Called by codec.c, which fits pictures to an encoder,
 * and by the kinds.
 */
#include "codec/pixels.h"

#include "base/error.h"

#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <string.h>

/* Where pixels are: planes as libav counts them. */
struct side {
    sl_pixels_plan plan;
    const uint8_t *planes[4];
    int strides[4];
};

static int array_format(sl_colorspace colorspace) {
    static const int formats[] = {
        [SL_COLORSPACE_BGR] = AV_PIX_FMT_BGR24,  [SL_COLORSPACE_RGB] = AV_PIX_FMT_RGB24,
        [SL_COLORSPACE_RGBX] = AV_PIX_FMT_RGB0,  [SL_COLORSPACE_BGRX] = AV_PIX_FMT_BGR0,
        [SL_COLORSPACE_XBGR] = AV_PIX_FMT_0BGR,  [SL_COLORSPACE_XRGB] = AV_PIX_FMT_0RGB,
        [SL_COLORSPACE_GRAY] = AV_PIX_FMT_GRAY8, [SL_COLORSPACE_RGBA] = AV_PIX_FMT_RGBA,
        [SL_COLORSPACE_BGRA] = AV_PIX_FMT_BGRA,  [SL_COLORSPACE_ABGR] = AV_PIX_FMT_ABGR,
        [SL_COLORSPACE_ARGB] = AV_PIX_FMT_ARGB,  [SL_COLORSPACE_CMYK] = AV_PIX_FMT_NONE,
    };
    return formats[colorspace];
}

static int planar_format(sl_format format) {
    switch (format) {
    case SL_FORMAT_I420:
        return AV_PIX_FMT_YUV420P;
    case SL_FORMAT_I422:
        return AV_PIX_FMT_YUV422P;
    case SL_FORMAT_I444:
        return AV_PIX_FMT_YUV444P;
    default:
        return AV_PIX_FMT_NONE;
    }
}

int sl_pixels_new(sl_frame **frame, sl_pool *pool, sl_colorspace colorspace, int width,
                  int height) {
    int channels = sl_colorspace_channels(colorspace);
    int64_t shape[] = {height, width, channels};
    sl_buffer *bytes = NULL;
    if (colorspace == SL_COLORSPACE_GRAY || colorspace == SL_COLORSPACE_BGR)
        return sl_frame_new_pooled(frame, pool, channels == 1 ? SL_FORMAT_GRAY : SL_FORMAT_BGR,
                                   width, height);
    size_t size = (size_t)width * (size_t)height * (size_t)channels;
    int result = sl_pool_get(pool, size, &bytes);
    if (result == SL_OK)
        result = sl_frame_new_array_of(frame, "uint8", 3, shape, bytes);
    sl_buffer_unref(&bytes);
    /* RGB has the shape of BGR, but must not be taken for it. */
    if (result == SL_OK)
        (*frame)->format = SL_FORMAT_ARRAY;
    return result;
}

/* Sets libswscale up, unless it is already. */
static int prepare(sl_pixels *pixels, const sl_pixels_plan *from, const sl_pixels_plan *to) {
    struct SwsContext *context = pixels->context;
    if (context && memcmp(from, &pixels->from, sizeof(*from)) == 0 &&
        memcmp(to, &pixels->to, sizeof(*to)) == 0)
        return SL_OK;
    sl_pixels_finish(pixels);
    context = sws_alloc_context();
    if (!context)
        return sl_fail_memory();
    av_opt_set_int(context, "sws_flags", SWS_FAST_BILINEAR, 0);
    av_opt_set_int(context, "srcw", from->width, 0);
    av_opt_set_int(context, "srch", from->height, 0);
    av_opt_set_int(context, "src_format", from->format, 0);
    av_opt_set_int(context, "src_range", from->full, 0);
    av_opt_set_int(context, "dstw", to->width, 0);
    av_opt_set_int(context, "dsth", to->height, 0);
    av_opt_set_int(context, "dst_format", to->format, 0);
    av_opt_set_int(context, "dst_range", to->full, 0);
    if (sws_init_context(context, NULL, NULL) < 0) {
        sws_freeContext(context);
        return sl_fail(SL_EINVAL, "pixels of %dx%d can't be converted", from->width, from->height);
    }
    sws_setColorspaceDetails(context, sws_getCoefficients(from->matrix), from->full,
                             sws_getCoefficients(to->matrix), to->full, 0, 1 << 16, 1 << 16);
    pixels->context = context;
    pixels->from = *from;
    pixels->to = *to;
    return SL_OK;
}

/* Converts into `frame`, whose pixels are `format`. */
static int convert(sl_pixels *pixels, const struct side *from, int format, bool full,
                   sl_frame *frame) {
    sl_pixels_plan to = {.width = from->plan.width};
    uint8_t *planes[4] = {0};
    int strides[4] = {0};
    bool planar = sl_format_planes(frame->format) > 1;
    memset(&to, 0, sizeof(to));
    to.width = planar ? frame->width : (int)frame->shape[1];
    to.height = planar ? frame->height : (int)frame->shape[0];
    to.format = format;
    to.full = full;
    to.matrix = AVCOL_SPC_BT470BG;
    for (int i = 0; i < SL_PLANES_MAX; i++) {
        planes[i] = frame->planes[i];
        strides[i] = (int)frame->strides[i];
    }
    if (!planar)
        strides[0] = (int)(frame->size / (size_t)to.height);
    int result = prepare(pixels, &from->plan, &to);
    if (result == SL_OK)
        sws_scale(pixels->context, from->planes, from->strides, 0, from->plan.height, planes,
                  strides);
    return result;
}

static int refuse_array(const sl_frame *picture, sl_colorspace colorspace) {
    return sl_fail(SL_EINVAL,
                   "an array of %s with %d dimensions is no picture in the colours %s, so it can't "
                   "become video",
                   picture->dtype, picture->dimensions, sl_colorspace_name(colorspace));
}

/* A frame as libswscale sees it. */
static int side_of(const sl_frame *picture, sl_colorspace colorspace, struct side *side) {
    bool bytes = picture->format != SL_FORMAT_ARRAY || strcmp(picture->dtype, "uint8") == 0;
    memset(side, 0, sizeof(*side));
    side->plan.full = true;
    side->plan.matrix = AVCOL_SPC_BT470BG;
    side->plan.width = picture->width;
    side->plan.height = picture->height;
    side->plan.format = planar_format(picture->format);
    for (int i = 0; i < SL_PLANES_MAX; i++) {
        side->planes[i] = picture->planes[i];
        side->strides[i] = (int)picture->strides[i];
    }
    if (side->plan.format != AV_PIX_FMT_NONE)
        return SL_OK;
    const int64_t *shape = picture->shape;
    int channels = picture->dimensions == 2 ? 1 : sl_colorspace_channels(colorspace);
    side->plan.format = channels == 1 ? AV_PIX_FMT_GRAY8 : array_format(colorspace);
    if (!bytes || side->plan.format == AV_PIX_FMT_NONE || picture->dimensions < 2 ||
        picture->dimensions > 3 || shape[0] < 1 || shape[0] > SL_SIDE_MAX || shape[1] < 1 ||
        shape[1] > SL_SIDE_MAX || (picture->dimensions == 3 && shape[2] != channels))
        return refuse_array(picture, colorspace);
    side->plan.width = (int)shape[1];
    side->plan.height = (int)shape[0];
    side->strides[0] = side->plan.width * channels;
    return SL_OK;
}

int sl_pixels_size(const sl_frame *picture, double scale, sl_size *from, sl_size *to) {
    bool planar = sl_format_planes(picture->format) > 1;
    int64_t width = planar ? picture->width : picture->shape[1];
    int64_t height = planar ? picture->height : picture->shape[0];
    if (width < 2 || height < 2 || width > SL_SIDE_MAX || height > SL_SIDE_MAX)
        return sl_fail(SL_EINVAL, "%lldx%lld is no size of a picture that can become video",
                       (long long)width, (long long)height);
    double most = sqrt((double)SL_VIDEO_PIXELS_MAX / ((double)width * (double)height));
    scale = fmin(scale, most);
    bool whole = scale >= 1;
    *from = (sl_size){(int)width & (whole ? ~1 : ~0), (int)height & (whole ? ~1 : ~0)};
    *to = (sl_size){(int)(from->width * fmin(scale, 1)) & ~1,
                    (int)(from->height * fmin(scale, 1)) & ~1};
    to->width = to->width < 2 ? 2 : to->width;
    to->height = to->height < 2 ? 2 : to->height;
    return SL_OK;
}

int sl_pixels_fit(sl_pixels *pixels, const sl_frame *picture, sl_colorspace colorspace,
                  sl_size from, sl_size to, bool full, sl_frame **fitted) {
    struct side side;
    *fitted = NULL;
    int result = side_of(picture, colorspace, &side);
    if (result != SL_OK)
        return result;
    side.plan.width = from.width;
    side.plan.height = from.height;
    if (picture->format == SL_FORMAT_I420 && full && from.width == to.width &&
        from.height == to.height) {
        result = sl_frame_share(fitted, picture);
        if (result != SL_OK)
            return result;
        (*fitted)->width = to.width;
        (*fitted)->height = to.height;
        return SL_OK;
    }
    result = sl_frame_new_pooled(fitted, pixels->pool, SL_FORMAT_I420, to.width, to.height);
    if (result == SL_OK)
        result = convert(pixels, &side, AV_PIX_FMT_YUV420P, full, *fitted);
    if (result == SL_OK)
        result = sl_frame_copy_properties(*fitted, picture);
    if (result != SL_OK)
        sl_frame_unref(fitted);
    return result;
}

/* A decoded picture as libswscale sees it; the old mark of full range is none of its business. */
static struct side side_of_decoded(const AVFrame *picture) {
    struct side side;
    bool marked = picture->format == AV_PIX_FMT_YUVJ420P;
    bool unknown = picture->colorspace == AVCOL_SPC_UNSPECIFIED;
    memset(&side, 0, sizeof(side));
    side.plan.width = picture->width;
    side.plan.height = picture->height;
    side.plan.format = marked ? AV_PIX_FMT_YUV420P : picture->format;
    side.plan.full = marked || picture->color_range == AVCOL_RANGE_JPEG;
    side.plan.matrix = unknown ? AVCOL_SPC_BT470BG : (int)picture->colorspace;
    for (int i = 0; i < SL_PLANES_MAX; i++) {
        side.planes[i] = picture->data[i];
        side.strides[i] = picture->linesize[i];
    }
    return side;
}

static int finish_conversion(int result, sl_frame **frame) {
    if (result != SL_OK)
        sl_frame_unref(frame);
    return result;
}

int sl_pixels_planes(sl_pixels *pixels, const AVFrame *picture, sl_frame **frame) {
    struct side from = side_of_decoded(picture);
    int result =
        sl_frame_new_pooled(frame, pixels->pool, SL_FORMAT_I420, from.plan.width, from.plan.height);
    if (result == SL_OK)
        result = convert(pixels, &from, AV_PIX_FMT_YUV420P, true, *frame);
    return finish_conversion(result, frame);
}

int sl_pixels_array(sl_pixels *pixels, const AVFrame *picture, sl_colorspace colorspace,
                    sl_frame **frame) {
    struct side from = side_of_decoded(picture);
    int format = array_format(colorspace);
    *frame = NULL;
    if (format == AV_PIX_FMT_NONE)
        return sl_fail(SL_EINVAL, "video has no colours like %s", sl_colorspace_name(colorspace));
    int result = sl_pixels_new(frame, pixels->pool, colorspace, from.plan.width, from.plan.height);
    if (result == SL_OK)
        result = convert(pixels, &from, format, true, *frame);
    return finish_conversion(result, frame);
}

int sl_pixels_scale(sl_pixels *pixels, const sl_frame *picture, sl_colorspace colorspace,
                    sl_size to, sl_frame **scaled) {
    struct side from;
    *scaled = NULL;
    int result = side_of(picture, colorspace, &from);
    if (result != SL_OK)
        return result;
    if (sl_format_planes(picture->format) > 1)
        result = sl_frame_new_pooled(scaled, pixels->pool, picture->format, to.width, to.height);
    else
        result = sl_pixels_new(scaled, pixels->pool,
                               picture->dimensions == 2 ? SL_COLORSPACE_GRAY : colorspace, to.width,
                               to.height);
    if (result == SL_OK)
        result = convert(pixels, &from, from.plan.format, true, *scaled);
    if (result == SL_OK)
        result = sl_frame_copy_properties(*scaled, picture);
    return finish_conversion(result, scaled);
}

void sl_pixels_finish(sl_pixels *pixels) {
    sws_freeContext(pixels->context);
    pixels->context = NULL;
}
