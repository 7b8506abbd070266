/* sink/recording: what a container must know of coded frames. Used by the recordings. */
#include "sink/recording/track.h"
#include "base/error.h"
#include "frame/frame.h"
#include "frame/jpeg_header.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <limits.h>
#include <string.h>

static enum AVCodecID codec_id(sl_format format) {
    switch (format) {
    case SL_FORMAT_JPEG:
        return AV_CODEC_ID_MJPEG;
    case SL_FORMAT_H264:
        return AV_CODEC_ID_H264;
    case SL_FORMAT_HEVC:
        return AV_CODEC_ID_HEVC;
    case SL_FORMAT_AV1:
        return AV_CODEC_ID_AV1;
    default:
        return AV_CODEC_ID_NONE;
    }
}

int sl_track_packet(AVPacket *packet, const sl_frame *coded) {
    if (coded->size > INT_MAX / 2 || av_new_packet(packet, (int)coded->size) < 0)
        return sl_fail_memory();
    memcpy(packet->data, coded->planes[0], coded->size);
    return SL_OK;
}

static int fail_unknown(const sl_frame *coded) {
    return sl_fail(SL_EUNSUPPORTED, "its size can't be read from its %s",
                   sl_format_name(coded->format));
}

static int read_jpeg(AVCodecParameters *track, const sl_frame *coded) {
    if (!sl_jpeg_size(coded->planes[0], coded->size, &track->width, &track->height))
        return sl_fail(SL_EUNSUPPORTED, "it is no JPEG");
    track->format = AV_PIX_FMT_YUVJ422P;
    track->color_range = AVCOL_RANGE_JPEG;
    track->color_space = AVCOL_SPC_BT470BG;
    return SL_OK;
}

static int read_size(AVCodecParameters *track, const AVPacket *packet) {
    AVCodecParserContext *parser = av_parser_init((int)track->codec_id);
    AVCodecContext *context = avcodec_alloc_context3(NULL);
    uint8_t *whole;
    int size;
    if (parser && context) {
        parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
        av_parser_parse2(parser, context, &whole, &size, packet->data, packet->size, AV_NOPTS_VALUE,
                         AV_NOPTS_VALUE, 0);
        track->width = parser->width;
        track->height = parser->height;
    }
    av_parser_close(parser);
    avcodec_free_context(&context);
    return track->width > 0 && track->height > 0 ? SL_OK : SL_EUNSUPPORTED;
}

/* Takes the packet's reference. */
static int filter(AVBSFContext *context, AVCodecParameters *track, AVPacket *packet) {
    size_t size;
    if (av_bsf_send_packet(context, packet) < 0 || av_bsf_receive_packet(context, packet) < 0)
        return SL_EUNSUPPORTED;
    const uint8_t *found = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    if (!found || size == 0 || size > INT_MAX / 2)
        return SL_EUNSUPPORTED;
    track->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!track->extradata)
        return sl_fail_memory();
    memcpy(track->extradata, found, size);
    track->extradata_size = (int)size;
    return SL_OK;
}

static int read_parameter_sets(AVCodecParameters *track, AVPacket *packet) {
    AVBSFContext *context = NULL;
    const AVBitStreamFilter *found = av_bsf_get_by_name("extract_extradata");
    if (!found || av_bsf_alloc(found, &context) < 0)
        return SL_EUNSUPPORTED;
    context->par_in->codec_type = AVMEDIA_TYPE_VIDEO;
    context->par_in->codec_id = track->codec_id;
    int code = av_bsf_init(context) < 0 ? SL_EUNSUPPORTED : filter(context, track, packet);
    av_bsf_free(&context);
    return code;
}

/* Whether HEVC's make sense in all that they say: libavformat counts without end where one says
 * that there is more than there can be. */
static int check_parameter_sets(const AVCodecParameters *track) {
    AVBSFContext *context = NULL;
    const AVBitStreamFilter *found = av_bsf_get_by_name("hevc_metadata");
    if (track->codec_id != AV_CODEC_ID_HEVC)
        return SL_OK;
    if (!found || av_bsf_alloc(found, &context) < 0)
        return SL_EUNSUPPORTED;
    bool sane = avcodec_parameters_copy(context->par_in, track) >= 0 && av_bsf_init(context) >= 0;
    av_bsf_free(&context);
    return sane ? SL_OK : SL_EUNSUPPORTED;
}

static int read_video(AVCodecParameters *track, const sl_frame *coded) {
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return sl_fail_memory();
    int code = sl_track_packet(packet, coded);
    if (code == SL_OK)
        code = read_size(track, packet);
    if (code == SL_OK)
        code = read_parameter_sets(track, packet);
    if (code == SL_OK)
        code = check_parameter_sets(track);
    av_packet_free(&packet);
    return code == SL_EUNSUPPORTED ? fail_unknown(coded) : code;
}

int sl_track_read(AVCodecParameters **track, const sl_frame *coded) {
    AVCodecParameters *read = avcodec_parameters_alloc();
    *track = NULL;
    if (!read)
        return sl_fail_memory();
    read->codec_type = AVMEDIA_TYPE_VIDEO;
    read->codec_id = codec_id(coded->format);
    int code = coded->format == SL_FORMAT_JPEG ? read_jpeg(read, coded) : read_video(read, coded);
    if (code < 0)
        avcodec_parameters_free(&read);
    *track = read;
    return code;
}

bool sl_track_same(const AVCodecParameters *one, const AVCodecParameters *other) {
    return one->codec_id == other->codec_id && one->width == other->width &&
           one->height == other->height;
}
