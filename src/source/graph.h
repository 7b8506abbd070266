/* source: a libavfilter graph with one way in and one way out. */
#ifndef SOURCE_GRAPH_H
#define SOURCE_GRAPH_H

#include <libavutil/frame.h>
#include <libavutil/rational.h>
#include <stdbool.h>

typedef struct sl_graph sl_graph;

/* What pictures a graph is made for. */
typedef struct sl_graph_input {
    int width, height;
    enum AVPixelFormat format;
    enum AVColorRange range;
    enum AVColorSpace space;
    AVRational time_base;
    AVRational frame_rate; /* 0/1 when not known */
} sl_graph_input;

/* What `frame` would need. */
sl_graph_input sl_graph_input_of(const AVFrame *frame, AVRational time_base, AVRational frame_rate);

/* Builds the graph that `description` says. SL_EINVAL quotes libav's reason. */
int sl_graph_open(sl_graph **graph, const char *description, const sl_graph_input *input,
                  int threads);

/* Whether a graph that was made for the one will do for the other. */
bool sl_graph_input_equal(const sl_graph_input *left, const sl_graph_input *right);

/* Puts a picture in, whose contents move there; NULL says that none will follow. SL_ESOURCE. */
int sl_graph_push(sl_graph *graph, AVFrame *frame);

/* Takes one out: SL_OK, SL_EAGAIN when it wants more input, SL_EEND after the last. Its pts is in
 * sl_graph_time_base(). */
int sl_graph_pull(sl_graph *graph, AVFrame *frame);

AVRational sl_graph_time_base(const sl_graph *graph);

void sl_graph_close(sl_graph **graph);

#endif
