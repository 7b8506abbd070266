/* sink: a frame as libav sees it, and other pixels made of it. Used by the sinks that look at
 * pixels. */
#include "sink/image.h"
#include "base/error.h"
#include "frame/frame.h"

#include <inttypes.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <string.h>

static enum AVPixelFormat pixel_format(const sl_frame *frame) {
    switch (frame->format) {
    case SL_FORMAT_GRAY:
        return AV_PIX_FMT_GRAY8;
    case SL_FORMAT_BGR:
        return AV_PIX_FMT_BGR24;
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

/* Arrays that are pictures, although frame/ gives them no picture format. */
static bool array_image(const sl_frame *frame, AVFrame *image) {
    if (frame->format != SL_FORMAT_ARRAY || strcmp(frame->dtype, "uint8") != 0 ||
        frame->dimensions < 2 || frame->dimensions > 3)
        return false;
    int64_t height = frame->shape[0], width = frame->shape[1];
    int64_t channels = frame->dimensions == 3 ? frame->shape[2] : 1;
    if (width < 1 || width > SL_SIDE_MAX || height < 1 || height > SL_SIDE_MAX)
        return false;
    if (channels == 1)
        image->format = AV_PIX_FMT_GRAY8;
    else if (channels == 3)
        image->format = AV_PIX_FMT_BGR24;
    else if (channels == 4)
        image->format = AV_PIX_FMT_BGR0;
    else
        return false;
    image->width = (int)width;
    image->height = (int)height;
    image->data[0] = frame->planes[0];
    image->linesize[0] = (int)(width * channels);
    return true;
}

bool sl_image_of(const sl_frame *frame, AVFrame *image) {
    memset(image->data, 0, sizeof(image->data));
    memset(image->linesize, 0, sizeof(image->linesize));
    image->color_range = AVCOL_RANGE_JPEG;
    image->colorspace = AVCOL_SPC_BT470BG;
    image->format = pixel_format(frame);
    if (image->format == AV_PIX_FMT_NONE)
        return array_image(frame, image);
    if (frame->width < 1 || frame->height < 1)
        return false;
    image->width = frame->width;
    image->height = frame->height;
    for (int i = 0; i < sl_format_planes(frame->format); i++) {
        image->data[i] = frame->planes[i];
        image->linesize[i] = (int)frame->strides[i];
    }
    return true;
}

/* Memory for pixels of this format and size, ours alone. */
static int prepare(sl_scaler *scaler, enum AVPixelFormat format, int width, int height) {
    AVFrame *made = scaler->made;
    if (made && made->format == format && made->width == width && made->height == height)
        return av_frame_make_writable(made) < 0 ? sl_fail_memory() : SL_OK;
    av_frame_free(&scaler->made);
    made = av_frame_alloc();
    if (!made)
        return sl_fail_memory();
    made->format = format;
    made->width = width;
    made->height = height;
    made->color_range = AVCOL_RANGE_JPEG;
    made->colorspace = AVCOL_SPC_BT470BG;
    if (av_frame_get_buffer(made, 0) < 0) {
        av_frame_free(&made);
        return sl_fail_memory();
    }
    scaler->made = made;
    return SL_OK;
}

int sl_scaler_convert(sl_scaler *scaler, const AVFrame *image, enum AVPixelFormat format, int width,
                      int height, AVFrame **made) {
    struct SwsContext *context = sws_getCachedContext(
        scaler->context, image->width, image->height, image->format, width, height, format,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    scaler->context = context;
    if (!context)
        return sl_fail(SL_EUNSUPPORTED, "cannot make %dx%d pixels of %dx%d", width, height,
                       image->width, image->height);
    const int *table = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(context, table, 1, table, 1, 0, 1 << 16, 1 << 16);
    int code = prepare(scaler, format, width, height);
    if (code < 0)
        return code;
    if (sws_scale(context, (const uint8_t *const *)image->data, image->linesize, 0, image->height,
                  scaler->made->data, scaler->made->linesize) < 0)
        return sl_fail(SL_EUNSUPPORTED, "cannot convert a picture of %dx%d", image->width,
                       image->height);
    *made = scaler->made;
    return SL_OK;
}

void sl_scaler_finish(sl_scaler *scaler) {
    sws_freeContext(scaler->context);
    scaler->context = NULL;
    av_frame_free(&scaler->made);
}

void sl_refused_frame(sl_refused *refused, const sl_frame *frame, const char *why) {
    refused->count++;
    uint64_t held_back;
    if (!sl_log_limit_pass(&refused->limit, &held_back))
        return;
    char shape[160] = "";
    for (int i = 0, used = 0; i < frame->dimensions; i++)
        used += snprintf(shape + used, sizeof(shape) - (size_t)used, "%s%" PRId64, i ? "x" : "",
                         frame->shape[i]);
    if (shape[0])
        sl_log(SL_LOG_WARNING, "sink", "dropped a frame, a %s array of %s: %s", frame->dtype, shape,
               why);
    else if (frame->width > 0)
        sl_log(SL_LOG_WARNING, "sink", "dropped a frame of %dx%d: %s", frame->width, frame->height,
               why);
    else
        sl_log(SL_LOG_WARNING, "sink", "dropped a frame: %s", why);
}
