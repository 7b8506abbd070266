/* source: a libavfilter graph with one way in and one way out. Belongs to the thread that reads
 * the source. */
#include "source/graph.h"
#include "base/error.h"
#include "source/libav.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>

struct sl_graph {
    AVFilterGraph *filters;
    AVFilterContext *in, *out;
    sl_graph_input input;
};

sl_graph_input sl_graph_input_of(const AVFrame *frame, AVRational time_base,
                                 AVRational frame_rate) {
    return (sl_graph_input){
        .width = frame->width,
        .height = frame->height,
        .format = (enum AVPixelFormat)frame->format,
        .range = frame->color_range,
        .space = frame->colorspace,
        .time_base = time_base,
        .frame_rate = frame_rate,
    };
}

bool sl_graph_input_equal(const sl_graph_input *left, const sl_graph_input *right) {
    return left->width == right->width && left->height == right->height &&
           left->format == right->format && left->range == right->range &&
           left->space == right->space;
}

static int fail(const char *description, int error) {
    char reason[256];
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    return sl_fail(SL_EINVAL, "the filter \"%.160s\" can't be used: %s", description,
                   sl_libav_reason(error, reason, sizeof(reason)));
}

static int make_ends(sl_graph *graph) {
    char arguments[256];
    const sl_graph_input *input = &graph->input;
    int used =
        snprintf(arguments, sizeof(arguments),
                 "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1", input->width,
                 input->height, (int)input->format, input->time_base.num, input->time_base.den);
    if (input->frame_rate.num > 0 && input->frame_rate.den > 0)
        snprintf(arguments + used, sizeof(arguments) - (size_t)used, ":frame_rate=%d/%d",
                 input->frame_rate.num, input->frame_rate.den);
    int error = avfilter_graph_create_filter(&graph->in, avfilter_get_by_name("buffer"), "in",
                                             arguments, NULL, graph->filters);
    if (error < 0)
        return error;
    return avfilter_graph_create_filter(&graph->out, avfilter_get_by_name("buffersink"), "out",
                                        NULL, NULL, graph->filters);
}

static AVFilterInOut *make_pad(const char *name, AVFilterContext *filter) {
    AVFilterInOut *pad = avfilter_inout_alloc();
    if (!pad)
        return NULL;
    *pad = (AVFilterInOut){.name = av_strdup(name), .filter_ctx = filter};
    if (!pad->name)
        avfilter_inout_free(&pad);
    return pad;
}

static int parse(sl_graph *graph, const char *description) {
    /* Seen from the description, our output is its input. */
    AVFilterInOut *inputs = make_pad("out", graph->out), *outputs = make_pad("in", graph->in);
    int error = AVERROR(ENOMEM);
    if (inputs && outputs)
        error = avfilter_graph_parse_ptr(graph->filters, description, &inputs, &outputs, NULL);
    if (error >= 0 && (inputs || outputs)) {
        av_log(NULL, AV_LOG_ERROR, "it must have one input and one output\n");
        error = AVERROR(EINVAL);
    }
    if (error >= 0)
        error = avfilter_graph_config(graph->filters, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return error;
}

int sl_graph_open(sl_graph **graph, const char *description, const sl_graph_input *input,
                  int threads) {
    *graph = NULL;
    sl_libav_prepare();
    sl_libav_forget();
    sl_graph *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    made->input = *input;
    made->filters = avfilter_graph_alloc();
    if (!made->filters) {
        free(made);
        return sl_fail_memory();
    }
    made->filters->nb_threads = threads;
    sigset_t before;
    sl_libav_block_signals(&before);
    int error = make_ends(made);
    if (error >= 0)
        error = parse(made, description);
    sl_libav_restore_signals(&before);
    if (error < 0) {
        sl_graph_close(&made);
        return fail(description, error);
    }
    *graph = made;
    return SL_OK;
}

int sl_graph_push(sl_graph *graph, AVFrame *frame) {
    char reason[256];
    sl_libav_forget();
    int error = av_buffersrc_add_frame_flags(graph->in, frame, 0);
    if (error >= 0 || (!frame && error == AVERROR_EOF))
        return SL_OK;
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    return sl_fail(SL_ESOURCE, "a picture could not be filtered: %s",
                   sl_libav_reason(error, reason, sizeof(reason)));
}

int sl_graph_pull(sl_graph *graph, AVFrame *frame) {
    char reason[256];
    sl_libav_forget();
    int error = av_buffersink_get_frame(graph->out, frame);
    if (error >= 0)
        return SL_OK;
    if (error == AVERROR(EAGAIN))
        return SL_EAGAIN;
    if (error == AVERROR_EOF)
        return SL_EEND;
    return sl_fail(SL_ESOURCE, "a picture could not be filtered: %s",
                   sl_libav_reason(error, reason, sizeof(reason)));
}

AVRational sl_graph_time_base(const sl_graph *graph) {
    return av_buffersink_get_time_base(graph->out);
}

void sl_graph_close(sl_graph **graph) {
    sl_graph *closed = *graph;
    if (!closed)
        return;
    *graph = NULL;
    avfilter_graph_free(&closed->filters);
    free(closed);
}
