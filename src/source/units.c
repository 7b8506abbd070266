/* source: coded video that is handed over as it came. See units.h. */
#include "source/units.h"

#include "base/error.h"
#include "frame/bitstream.h"
#include "frame/frame.h"

#include <libavcodec/bsf.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>

/* What is kept since the last keyframe, for who must decode: ten seconds at 30 frames/s, longer
 * than libx264's 250 frames from one keyframe to the next, and what has such a rate that it
 * matters. */
#define KEPT_FRAMES 300
#define KEPT_BYTES  ((size_t)16 * 1024 * 1024)

/* Time stamps that step back now and then are a clock's: RTP's are corrected by RTCP. Frames out of
 * order step back so many times within so many frames. */
#define STEPS_BACK    3
#define STEPS_FORWARD 30

struct sl_units {
    const sl_input *input;
    sl_format format;
    AVCodecParameters *parameters; /* of the stream, with the parameter sets once they are known */
    AVBSFContext *filter;
    AVPacket *packet; /* as the filter left it */
    sl_bitstream stream;
    sl_frame *last; /* handed over; NULL: a keyframe comes next */
    int count;      /* frames that it holds, itself among them */
    size_t bytes;   /* of those */
    int awaited;    /* packets without a keyframe */
    int64_t pts;    /* of the last packet; AV_NOPTS_VALUE: none */
    int back;       /* steps back that its like made, */
    int forward;    /* and forward since the last of them */
};

static sl_format format_of(enum AVCodecID codec) {
    return codec == AV_CODEC_ID_H264   ? SL_FORMAT_H264
           : codec == AV_CODEC_ID_HEVC ? SL_FORMAT_HEVC
                                       : SL_FORMAT_NONE;
}

/* Why it must be decoded here, or NULL. Not all is known of all streams. */
static const char *obstacle(const AVCodecParameters *stream, sl_format wanted) {
    if (format_of(stream->codec_id) != wanted)
        return "it is in another format";
    if (stream->video_delay > 0)
        return "its frames are out of order";
    if (stream->field_order != AV_FIELD_UNKNOWN && stream->field_order != AV_FIELD_PROGRESSIVE)
        return "it is interlaced";
    if (stream->format != AV_PIX_FMT_NONE && stream->format != AV_PIX_FMT_YUV420P &&
        stream->format != AV_PIX_FMT_YUVJ420P)
        return "its pixels are not 4:2:0 of 8 bits";
    if ((int64_t)stream->width * stream->height > SL_VIDEO_PIXELS_MAX)
        return "its pictures are too large";
    return NULL;
}

/* Boxes with lengths, as MP4 has them, become Annex B, and parameter sets that stand apart from the
 * stream go into it. */
static int open_filter(sl_units *units) {
    const char *chain = units->format == SL_FORMAT_H264
                            ? "h264_mp4toannexb,dump_extra=freq=keyframe"
                            : "hevc_mp4toannexb,dump_extra=freq=keyframe";
    int error = av_bsf_list_parse_str(chain, &units->filter);
    if (error >= 0)
        error = avcodec_parameters_copy(units->filter->par_in, units->parameters);
    if (error >= 0)
        error = av_bsf_init(units->filter);
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    return error < 0 ? sl_fail(SL_EUNSUPPORTED, "libav's filter for it failed") : SL_OK;
}

/* The parameter sets in a packet, into those of the stream. Leaves none there when it has none. */
static int extract_sets(sl_units *units, const AVPacket *packet) {
    AVBSFContext *extractor = NULL;
    AVPacket *seen = av_packet_clone(packet);
    int error =
        seen ? av_bsf_alloc(av_bsf_get_by_name("extract_extradata"), &extractor) : AVERROR(ENOMEM);
    if (error >= 0)
        error = avcodec_parameters_copy(extractor->par_in, units->parameters);
    if (error >= 0)
        error = av_bsf_init(extractor);
    if (error >= 0)
        error = av_bsf_send_packet(extractor, seen);
    if (error >= 0)
        error = av_bsf_receive_packet(extractor, seen);
    size_t size = 0;
    const uint8_t *sets =
        error >= 0 ? av_packet_get_side_data(seen, AV_PKT_DATA_NEW_EXTRADATA, &size) : NULL;
    uint8_t *kept = sets ? av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE) : NULL;
    if (kept) {
        memcpy(kept, sets, size);
        units->parameters->extradata = kept;
        units->parameters->extradata_size = (int)size;
    }
    bool memory = error != AVERROR(ENOMEM) && (kept || !sets);
    av_packet_free(&seen);
    av_bsf_free(&extractor);
    return memory ? SL_OK : sl_fail_memory();
}

/* A device need not say its parameter sets but once, in the stream. */
static int learn_sets(sl_units *units, const AVPacket *packet) {
    if (units->parameters->extradata_size > 0)
        return SL_OK;
    int code = extract_sets(units, packet);
    if (code < 0 || units->parameters->extradata_size == 0)
        return code;
    av_bsf_free(&units->filter);
    return open_filter(units);
}

static int copy_parameters(sl_units *units) {
    units->parameters = avcodec_parameters_alloc();
    bool copied = units->parameters &&
                  avcodec_parameters_copy(units->parameters, units->input->stream->codecpar) >= 0;
    return copied ? SL_OK : sl_fail_memory();
}

int sl_units_open(sl_units **units, const sl_input *input, sl_format wanted) {
    *units = NULL;
    const char *why = obstacle(input->stream->codecpar, wanted);
    if (why)
        return sl_fail(SL_EUNSUPPORTED, "%s", why);
    sl_units *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    *made = (sl_units){.input = input, .format = wanted, .pts = AV_NOPTS_VALUE};
    made->packet = av_packet_alloc();
    int code = made->packet ? copy_parameters(made) : sl_fail_memory();
    if (code == SL_OK)
        code = open_filter(made);
    if (code < 0)
        sl_units_close(&made);
    *units = made;
    return code;
}

/* Whether packets are to be shown in another order. */
static bool is_out_of_order(sl_units *units, const AVPacket *packet) {
    bool known = packet->pts != AV_NOPTS_VALUE && units->pts != AV_NOPTS_VALUE;
    if (known && packet->pts < units->pts) {
        units->back++;
        units->forward = 0;
    } else if (++units->forward > STEPS_FORWARD) {
        units->back = 0;
    }
    units->pts = packet->pts;
    return units->back >= STEPS_BACK;
}

/* The packet as it should be, in units->packet: SL_EAGAIN when it is broken. */
static int filter(sl_units *units, const AVPacket *packet) {
    if (av_packet_ref(units->packet, packet) < 0)
        return sl_fail_memory();
    if (av_bsf_send_packet(units->filter, units->packet) < 0 ||
        av_bsf_receive_packet(units->filter, units->packet) < 0 ||
        units->packet->flags & AV_PKT_FLAG_CORRUPT)
        return SL_EAGAIN;
    return SL_OK;
}

/* From here on up to the next keyframe nothing can be decoded. */
static int leave_out(sl_units *units) {
    sl_frame_unref(&units->last);
    atomic_fetch_add(&units->input->shared->corrupt, 1);
    return SL_EAGAIN;
}

/* Before the first keyframe: SL_EAGAIN, unless it is one of a kind that no viewer could begin with,
 * or none comes. */
static int await_keyframe(sl_units *units, const AVPacket *packet) {
    if (packet->flags & AV_PKT_FLAG_KEY || ++units->awaited > KEPT_FRAMES)
        return sl_fail(SL_EUNSUPPORTED, "it has no keyframe to begin with");
    return SL_EAGAIN;
}

static int make_frame(sl_units *units, bool afresh, sl_frame **frame) {
    const AVCodecParameters *stream = units->input->stream->codecpar;
    sl_buffer *bytes = NULL;
    int code = sl_input_keep(units->input, units->packet, &bytes);
    if (code < 0)
        return code;
    code = sl_frame_new_coded(frame, units->format, bytes);
    sl_buffer_unref(&bytes);
    if (code < 0)
        return code;
    (*frame)->width = stream->width;
    (*frame)->height = stream->height;
    (*frame)->keyframe = afresh;
    return SL_OK;
}

/* Puts the frame behind those since the keyframe, unless they have become too many. */
static void append(sl_units *units, sl_frame *frame) {
    bool kept = !frame->keyframe && units->count < KEPT_FRAMES && units->bytes < KEPT_BYTES;
    sl_frame_follow(frame, kept ? units->last : NULL);
    units->count = kept ? units->count + 1 : 1;
    units->bytes = kept ? units->bytes + frame->size : frame->size;
    sl_frame_unref(&units->last);
    units->last = sl_frame_ref(frame);
}

static int take_filtered(sl_units *units, sl_frame **frame) {
    sl_bitstream_state state = sl_bitstream_look(&units->stream, units->format, units->packet->data,
                                                 (size_t)units->packet->size);
    if (state == SL_BITSTREAM_LARGE)
        return sl_fail(SL_EUNSUPPORTED, "it wants more memory than level 5.2 allows");
    bool afresh = state == SL_BITSTREAM_AFRESH;
    if (!afresh && !units->last)
        return await_keyframe(units, units->packet);
    if (state == SL_BITSTREAM_GAP)
        return leave_out(units);
    units->awaited = 0;
    int code = make_frame(units, afresh, frame);
    if (code >= 0)
        append(units, *frame);
    return code;
}

int sl_units_take(sl_units *units, AVPacket *packet, sl_frame **frame) {
    *frame = NULL;
    if (is_out_of_order(units, packet))
        return sl_fail(SL_EUNSUPPORTED, "its frames are out of order");
    int code = learn_sets(units, packet);
    if (code == SL_OK)
        code = filter(units, packet);
    if (code == SL_EAGAIN)
        leave_out(units);
    if (code == SL_OK)
        code = take_filtered(units, frame);
    av_packet_unref(units->packet);
    if (code != SL_EUNSUPPORTED)
        av_packet_unref(packet);
    return code;
}

void sl_units_close(sl_units **units) {
    sl_units *closed = *units;
    if (!closed)
        return;
    *units = NULL;
    sl_frame_unref(&closed->last);
    av_bsf_free(&closed->filter);
    avcodec_parameters_free(&closed->parameters);
    av_packet_free(&closed->packet);
    free(closed);
}
