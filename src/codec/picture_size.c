/* codec: how large the picture of a coded frame is, as its headers say. Called by whoever shows
 * what came, and need not decode it. The bytes are a peer's. */
#include "codec/video.h"

#include "frame/bitstream.h"
#include "frame/frame.h"
#include "frame/jpeg_header.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* libav's parsers read the parameter sets that a keyframe has, and decode nothing. They run into
 * the zeros behind. */
static bool video_size(const sl_frame *coded, int *width, int *height) {
    enum AVCodecID id = sl_video_codec_id(coded->format);
    sl_bitstream stream = {0};
    if (sl_bitstream_look(&stream, coded->format, coded->planes[0], coded->size) ==
        SL_BITSTREAM_LARGE)
        return false;
    AVCodecContext *context = avcodec_alloc_context3(NULL);
    AVCodecParserContext *parser = av_parser_init((int)id);
    uint8_t *bytes = calloc(1, coded->size + AV_INPUT_BUFFER_PADDING_SIZE), *unit;
    bool ready = context && parser && bytes;
    int size;
    if (ready) {
        memcpy(bytes, coded->planes[0], coded->size);
        context->codec_id = id;
        parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
        av_parser_parse2(parser, context, &unit, &size, bytes, (int)coded->size, AV_NOPTS_VALUE,
                         AV_NOPTS_VALUE, 0);
        *width = parser->width;
        *height = parser->height;
    }
    free(bytes);
    av_parser_close(parser);
    avcodec_free_context(&context);
    return ready && *width > 0 && *height > 0;
}

bool sl_codec_picture_size(const sl_frame *coded, int *width, int *height) {
    if (coded->format == SL_FORMAT_JPEG)
        return sl_jpeg_size(coded->planes[0], coded->size, width, height);
    if (sl_format_is_video(coded->format))
        return coded->keyframe && coded->size < INT_MAX / 2 && video_size(coded, width, height);
    *width = coded->width;
    *height = coded->height;
    return coded->width > 0;
}
