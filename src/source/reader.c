/* source: packets in, frames out: JPEG and video passed on as they are, or decoded, filtered and
 * converted. */
#include "source/reader.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "frame/frame.h"
#include "source/convert.h"
#include "source/decoder.h"
#include "source/jpeg.h"
#include "source/libav.h"
#include "source/stamp.h"
#include "source/units.h"

#include <libavcodec/bsf.h>
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_reader {
    sl_source_shared *shared;
    sl_reader_settings settings;
    sl_input input;
    sl_decoder *decoder;     /* NULL while nothing is decoded */
    sl_units *units;         /* video is passed on; NULL: it is not */
    bool passes;             /* JPEG is passed on */
    AVBSFContext *tables;    /* puts Huffman tables into a JPEG; NULL until one lacks them */
    char filter[1024];       /* between decoding and conversion; "": nothing */
    sl_graph *graph;         /* that filter; NULL until needed */
    sl_graph_input filtered; /* what it was made for */
    bool draining;           /* the filter got its last picture */
    sl_converter *converter;
    AVPacket *packet;
    AVFrame *picture;
    int64_t next_us; /* live at a lower rate: no frame before this */
    uint64_t given;
};

/* How a phone says that it was held upright. */
static const char *rotation(const AVStream *stream) {
    const uint8_t *matrix = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    double angle = matrix ? av_display_rotation_get((const int32_t *)matrix) : 0;
    if (angle > 45 && angle < 135)
        return "transpose=cclock";
    if (angle < -45 && angle > -135)
        return "transpose=clock";
    if (angle > 135 || angle < -135)
        return "hflip,vflip";
    return "";
}

/* Adds a filter to a chain. */
static void chain(char *filter, size_t size, const char *next) {
    size_t used = strlen(filter);
    if (*next)
        snprintf(filter + used, size - used, "%s%s", used ? "," : "", next);
}

static int plan_filter(sl_reader *reader) {
    const sl_source_settings *settings = &reader->shared->settings;
    if (settings->filter && strlen(settings->filter) > sizeof(reader->filter) - 128)
        return sl_fail(SL_EINVAL, "the filter is longer than %zu letters",
                       sizeof(reader->filter) - 128);
    chain(reader->filter, sizeof(reader->filter), rotation(reader->input.stream));
    if (settings->filter)
        chain(reader->filter, sizeof(reader->filter), settings->filter);
    if (settings->fps > 0 && !reader->settings.live) {
        char rate[48];
        snprintf(rate, sizeof(rate), "fps=%g", settings->fps);
        chain(reader->filter, sizeof(reader->filter), rate);
    }
    return SL_OK;
}

static int open_graph(sl_reader *reader, const sl_graph_input *input) {
    int threads = reader->shared->settings.filter ? sl_thread_processors() : 1;
    sl_graph_close(&reader->graph);
    reader->filtered = *input;
    return sl_graph_open(&reader->graph, reader->filter, input, threads < 4 ? threads : 4);
}

/* A bad filter should be told at once, and not with the first frame. */
static int check_filter(sl_reader *reader) {
    const AVCodecParameters *stream = reader->input.stream->codecpar;
    if (!*reader->filter || stream->width <= 0 || stream->height <= 0 || stream->format < 0)
        return SL_OK;
    sl_graph_input input = {
        .width = stream->width,
        .height = stream->height,
        .format = (enum AVPixelFormat)stream->format,
        .range = stream->color_range,
        .space = stream->color_space,
        .time_base = reader->input.stream->time_base,
        .frame_rate = reader->input.stream->avg_frame_rate,
    };
    return open_graph(reader, &input);
}

static bool is_size_there(const sl_reader *reader) {
    const AVCodecParameters *stream = reader->input.stream->codecpar;
    const sl_size *wanted = &reader->shared->settings.size;
    return !wanted->width || reader->settings.own_size ||
           (wanted->width == stream->width && wanted->height == stream->height);
}

static int open_decoder(sl_reader *reader) {
    reader->passes = false;
    sl_units_close(&reader->units);
    return sl_decoder_open(&reader->decoder, &reader->input, reader->shared);
}

/* Whether pictures are wanted as they are in the stream. */
static bool is_unchanged(const sl_reader *reader) {
    const sl_source_settings *settings = &reader->shared->settings;
    return !*reader->filter && settings->deliver == SL_DELIVER_ANY && !settings->timecode &&
           is_size_there(reader);
}

static void tell_decoding(const sl_reader *reader) {
    sl_log(SL_LOG_INFO, "source", "%s is decoded, because %s", reader->input.name, sl_error());
}

/* Video is passed on where it is wanted and can be; but no frame of it can be left out to come down
 * to a lower rate. */
static int open_units(sl_reader *reader) {
    const sl_source_settings *settings = &reader->shared->settings;
    if (settings->video == SL_FORMAT_NONE || settings->fps > 0 || !is_unchanged(reader))
        return SL_OK;
    int code = sl_units_open(&reader->units, &reader->input, settings->video);
    if (code == SL_EUNSUPPORTED)
        tell_decoding(reader);
    return code == SL_EUNSUPPORTED ? SL_OK : code;
}

static int set_up(sl_reader *reader) {
    const sl_source_settings *settings = &reader->shared->settings;
    int code = plan_filter(reader);
    if (code >= 0)
        code = check_filter(reader);
    if (code < 0)
        return code;
    reader->passes = reader->input.codec->id == AV_CODEC_ID_MJPEG && is_unchanged(reader);
    reader->packet = av_packet_alloc();
    reader->picture = av_frame_alloc();
    if (!reader->packet || !reader->picture)
        return sl_fail_memory();
    code = sl_converter_open(&reader->converter, settings->deliver, settings->size,
                             reader->settings.input.device);
    if (code >= 0)
        code = open_units(reader);
    return code < 0 || reader->passes || reader->units ? code : open_decoder(reader);
}

int sl_reader_open(sl_reader **reader, sl_source_shared *shared, const sl_reader_settings *settings,
                   AVDictionary **options) {
    *reader = NULL;
    sl_reader *made = calloc(1, sizeof(*made));
    if (!made) {
        av_dict_free(options);
        return sl_fail_memory();
    }
    made->shared = shared;
    made->settings = *settings;
    int code = sl_input_open(&made->input, shared, &settings->input, options);
    if (code >= 0)
        code = set_up(made);
    if (code < 0)
        sl_reader_close(&made);
    *reader = made;
    return code;
}

int64_t sl_reader_interval_us(const sl_reader *reader) {
    double fps = reader->shared->settings.fps;
    if (fps > 0 && !reader->settings.live)
        return (int64_t)(1e6 / fps);
    return sl_input_interval_us(&reader->input);
}

bool sl_reader_is_stored(const sl_reader *reader) {
    return sl_input_is_stored(&reader->input);
}

/* Whether a live frame is to be left out, to come down to the rate asked for. */
static bool is_too_early(sl_reader *reader, int64_t captured_us) {
    double fps = reader->shared->settings.fps;
    if (fps <= 0 || !reader->settings.live)
        return false;
    int64_t step_us = (int64_t)(1e6 / fps), slack_us = sl_input_interval_us(&reader->input) / 2;
    if (slack_us > step_us / 2)
        slack_us = step_us / 2;
    if (captured_us < reader->next_us - slack_us)
        return true;
    reader->next_us += step_us;
    if (reader->next_us < captured_us)
        reader->next_us = captured_us + step_us;
    return false;
}

static int open_tables(sl_reader *reader) {
    int error = av_bsf_alloc(av_bsf_get_by_name("mjpeg2jpeg"), &reader->tables);
    if (error >= 0)
        error = avcodec_parameters_copy(reader->tables->par_in, reader->input.stream->codecpar);
    if (error >= 0)
        error = av_bsf_init(reader->tables);
    return error < 0 ? sl_fail(SL_ESOURCE, "JPEG tables can't be added: libav's filter failed")
                     : SL_OK;
}

/* Puts the standard Huffman tables into the packet: peers can't be trusted to know them. */
static int add_tables(sl_reader *reader) {
    int code = reader->tables ? SL_OK : open_tables(reader);
    if (code < 0)
        return code;
    if (av_bsf_send_packet(reader->tables, reader->packet) < 0 ||
        av_bsf_receive_packet(reader->tables, reader->packet) < 0) {
        av_packet_unref(reader->packet);
        atomic_fetch_add(&reader->shared->corrupt, 1);
        return SL_EAGAIN;
    }
    return SL_OK;
}

/* Passes a JPEG on as a frame, see pass(). */
static int pass_jpeg(sl_reader *reader, int64_t captured_us, sl_frame **frame) {
    sl_jpeg_facts facts;
    AVPacket *packet = reader->packet;
    sl_jpeg_verdict verdict = sl_jpeg_inspect(packet->data, (size_t)packet->size, &facts);
    if (verdict == SL_JPEG_SPECIAL)
        return SL_EUNSUPPORTED;
    if (verdict == SL_JPEG_BROKEN)
        atomic_fetch_add(&reader->shared->corrupt, 1);
    if (verdict == SL_JPEG_BROKEN || is_too_early(reader, captured_us)) {
        av_packet_unref(packet);
        return SL_EAGAIN;
    }
    packet->size = (int)facts.size;
    int code = facts.tables ? SL_OK : add_tables(reader);
    if (code < 0)
        return code;
    sl_buffer *bytes = NULL;
    code = sl_input_keep(&reader->input, packet, &bytes);
    av_packet_unref(packet);
    if (code < 0)
        return code;
    code = sl_frame_new_coded(frame, SL_FORMAT_JPEG, bytes);
    sl_buffer_unref(&bytes);
    if (code < 0)
        return code;
    (*frame)->width = facts.width;
    (*frame)->height = facts.height;
    return SL_OK;
}

/* Passes the packet on as a frame: SL_EAGAIN when there is none in it, SL_EUNSUPPORTED when it must
 * be decoded after all. */
static int pass(sl_reader *reader, int64_t captured_us, sl_frame **frame) {
    if (!reader->units)
        return pass_jpeg(reader, captured_us, frame);
    int code = sl_units_take(reader->units, reader->packet, frame);
    if (code == SL_EUNSUPPORTED)
        tell_decoding(reader);
    return code;
}

static int64_t in_us(int64_t pts, AVRational time_base) {
    return pts == AV_NOPTS_VALUE ? INT64_MIN : av_rescale_q(pts, time_base, AV_TIME_BASE_Q);
}

/* Filters go by timestamps; where a stream has none, by when its packets came. */
static void stamp_picture(sl_reader *reader) {
    AVFrame *picture = reader->picture;
    picture->pts = picture->best_effort_timestamp;
    if (picture->pts == AV_NOPTS_VALUE)
        picture->pts = av_rescale_q(picture->reordered_opaque, AV_TIME_BASE_Q,
                                    reader->input.stream->time_base);
}

/* The filter's next picture, fed as needed: SL_OK, SL_EEND, or failure. */
static int next_filtered(sl_reader *reader, int64_t *pts_us) {
    for (;;) {
        int code = reader->graph ? sl_graph_pull(reader->graph, reader->picture) : SL_EAGAIN;
        if (code == SL_OK)
            *pts_us = in_us(reader->picture->pts, sl_graph_time_base(reader->graph));
        if (code != SL_EAGAIN)
            return code;
        if (reader->draining)
            return SL_EEND;
        code = sl_decoder_read(reader->decoder, reader->picture);
        if (code == SL_EEND && reader->graph) {
            reader->draining = true;
            code = sl_graph_push(reader->graph, NULL);
            if (code < 0)
                return code;
            continue;
        }
        if (code < 0)
            return code;
        stamp_picture(reader);
        sl_graph_input input = sl_graph_input_of(reader->picture, reader->input.stream->time_base,
                                                 reader->input.stream->avg_frame_rate);
        if (!reader->graph || !sl_graph_input_equal(&reader->filtered, &input))
            code = open_graph(reader, &input);
        if (code >= 0)
            code = sl_graph_push(reader->graph, reader->picture);
        if (code < 0)
            return code;
    }
}

static int next_picture(sl_reader *reader, int64_t *pts_us) {
    if (*reader->filter)
        return next_filtered(reader, pts_us);
    int code = sl_decoder_read(reader->decoder, reader->picture);
    if (code >= 0)
        *pts_us = in_us(reader->picture->best_effort_timestamp, reader->input.stream->time_base);
    return code;
}

static int next_decoded(sl_reader *reader, sl_frame **frame, int64_t *pts_us) {
    const sl_source_settings *settings = &reader->shared->settings;
    int64_t captured_us;
    do {
        int code = next_picture(reader, pts_us);
        if (code < 0)
            return code;
        captured_us = reader->picture->reordered_opaque;
        if (is_too_early(reader, captured_us))
            av_frame_unref(reader->picture);
    } while (!reader->picture->buf[0]);
    int code = sl_converter_run(reader->converter, reader->picture, settings->timecode, frame);
    if (code >= 0)
        sl_stamp(*frame, captured_us, settings->timecode);
    return code;
}

static int next_passed(sl_reader *reader, sl_frame **frame, int64_t *pts_us) {
    int64_t captured_us;
    int code = SL_EAGAIN;
    while (code == SL_EAGAIN) {
        code = sl_input_read(&reader->input, reader->packet, &captured_us);
        if (code < 0)
            return code;
        int64_t pts =
            reader->packet->pts != AV_NOPTS_VALUE ? reader->packet->pts : reader->packet->dts;
        *pts_us = in_us(pts, reader->input.stream->time_base);
        code = pass(reader, captured_us, frame);
    }
    if (code >= 0)
        sl_stamp(*frame, captured_us, false);
    if (code != SL_EUNSUPPORTED)
        return code;
    code = open_decoder(reader);
    if (code >= 0)
        code = sl_decoder_send(reader->decoder, reader->packet, captured_us);
    return code < 0 ? code : next_decoded(reader, frame, pts_us);
}

int sl_reader_read(sl_reader *reader, sl_frame **frame, int64_t *pts_us) {
    *frame = NULL;
    *pts_us = INT64_MIN;
    int code =
        reader->decoder ? next_decoded(reader, frame, pts_us) : next_passed(reader, frame, pts_us);
    if (code >= 0)
        reader->given++;
    if (code == SL_EEND && reader->given == 0)
        return sl_fail(SL_ESOURCE, "there is no picture in %s that can be decoded",
                       reader->input.name);
    return code == SL_EEND ? sl_fail(code, "%s has ended", reader->input.name) : code;
}

void sl_reader_describe(const sl_reader *reader, char *text, size_t size) {
    const sl_source_settings *settings = &reader->shared->settings;
    const AVCodecParameters *stream = reader->input.stream->codecpar;
    AVRational rate = reader->input.stream->avg_frame_rate;
    int width = settings->size.width ? settings->size.width : stream->width;
    int height = settings->size.width ? settings->size.height : stream->height;
    double fps = settings->fps > 0 ? settings->fps : rate.den > 0 ? av_q2d(rate) : 0;
    int used = 0;
    if (width > 0 && height > 0)
        used = snprintf(text, size, "%dx%d, ", width, height);
    reader->shared->fps = fps;
    if (fps > 0)
        used += snprintf(text + used, size - (size_t)used, "%.5g frames/s, ", fps);
    const char *name = avcodec_get_name(stream->codec_id);
    if (stream->codec_id == AV_CODEC_ID_RAWVIDEO && stream->format >= 0)
        name = av_get_pix_fmt_name((enum AVPixelFormat)stream->format);
    snprintf(text + used, size - (size_t)used, "%s", name);
    for (char *letter = text + used; *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
}

void sl_reader_close(sl_reader **reader) {
    sl_reader *closed = *reader;
    if (!closed)
        return;
    *reader = NULL;
    sl_graph_close(&closed->graph);
    sl_converter_close(&closed->converter);
    sl_decoder_close(&closed->decoder);
    sl_units_close(&closed->units);
    av_bsf_free(&closed->tables);
    av_packet_free(&closed->packet);
    av_frame_free(&closed->picture);
    sl_input_finish(&closed->input);
    free(closed);
}
