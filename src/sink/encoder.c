/* sink: one picture at a time into JPEG or PNG. Used by record.c, still.c and
 * web/press.c. */
#include "sink/encoder.h"
#include "base/error.h"

/* The pixels that the codec takes and that lose nothing. */
static enum AVPixelFormat accepted(enum AVCodecID codec, enum AVPixelFormat format) {
    if (codec == AV_CODEC_ID_PNG)
        return format == AV_PIX_FMT_GRAY8 ? format : AV_PIX_FMT_RGB24;
    if (format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUV422P)
        return format;
    return format == AV_PIX_FMT_GRAY8 ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV444P;
}

static int refuse(enum AVCodecID codec, const AVFrame *image) {
    return sl_fail(SL_EUNSUPPORTED, "libavcodec can't code a picture of %dx%d as %s", image->width,
                   image->height, avcodec_get_name(codec));
}

static int open_context(sl_encoder *encoder, enum AVCodecID codec, const AVFrame *image) {
    int quantiser = encoder->quantiser > 2 ? encoder->quantiser : 2;
    const AVCodec *found = avcodec_find_encoder(codec);
    avcodec_free_context(&encoder->context);
    if (!found)
        return refuse(codec, image);
    AVCodecContext *context = avcodec_alloc_context3(found);
    if (!context)
        return sl_fail_memory();
    context->width = image->width;
    context->height = image->height;
    context->pix_fmt = image->format;
    context->color_range = AVCOL_RANGE_JPEG;
    context->time_base = (AVRational){1, 1000};
    context->thread_count = 1; /* more would hold frames back */
    if (codec == AV_CODEC_ID_PNG) {
        /* A window waits meanwhile, and the last grains of size cost most of the time. */
        context->compression_level = 3;
    } else {
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = FF_QP2LAMBDA * quantiser;
        context->qmin = quantiser;
    }
    if (avcodec_open2(context, found, NULL) < 0) {
        avcodec_free_context(&context);
        return refuse(codec, image);
    }
    encoder->context = context;
    return SL_OK;
}

int sl_encoder_encode(sl_encoder *encoder, enum AVCodecID codec, AVFrame *image) {
    enum AVPixelFormat format = accepted(codec, image->format);
    if (!encoder->packet && !(encoder->packet = av_packet_alloc()))
        return sl_fail_memory();
    int code = SL_OK;
    if (format != image->format)
        code =
            sl_scaler_convert(&encoder->scaler, image, format, image->width, image->height, &image);
    if (code < 0)
        return code;
    AVCodecContext *context = encoder->context;
    if (!context || context->codec_id != codec || context->width != image->width ||
        context->height != image->height || context->pix_fmt != format)
        code = open_context(encoder, codec, image);
    if (code < 0)
        return code;
    image->quality = encoder->context->global_quality;
    image->pts = AV_NOPTS_VALUE;
    av_packet_unref(encoder->packet);
    if (avcodec_send_frame(encoder->context, image) < 0 ||
        avcodec_receive_packet(encoder->context, encoder->packet) < 0) {
        avcodec_free_context(&encoder->context);
        return refuse(codec, image);
    }
    return SL_OK;
}

void sl_encoder_finish(sl_encoder *encoder) {
    avcodec_free_context(&encoder->context);
    av_packet_free(&encoder->packet);
    sl_scaler_finish(&encoder->scaler);
}
