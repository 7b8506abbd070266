/* source: from a decoded picture to a frame. Belongs to the thread that reads the source. */
#include "source/convert.h"
#include "base/error.h"
#include "frame/frame.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies that wait for their next use. */
#define POOL_KEEP 2

struct sl_converter {
    sl_deliver deliver;
    sl_size wanted;
    bool copy;
    bool planned; /* `graph` (NULL: nothing to do) is for pictures like `input` */
    sl_graph_input input;
    sl_graph *graph;
    sl_pool *pool;
};

/* The same layout without the old mark of full range. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format) {
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    default:
        return format;
    }
}

static bool is_full_range(const sl_graph_input *picture) {
    return picture->range == AVCOL_RANGE_JPEG || picture->format != plain_format(picture->format);
}

/* How libavfilter calls the matrix; what is not marked is taken for BT.601, as libswscale does. */
static const char *matrix_name(enum AVColorSpace space) {
    switch (space) {
    case AVCOL_SPC_BT709:
        return "bt709";
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return "bt2020";
    case AVCOL_SPC_SMPTE240M:
        return "smpte240m";
    default:
        return "bt601";
    }
}

static bool is_rgb(const AVPixFmtDescriptor *layout) {
    return layout->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER);
}

static enum AVPixelFormat target_of(const AVPixFmtDescriptor *layout, sl_deliver deliver) {
    bool gray = layout->nb_components < 3 && !is_rgb(layout);
    if (deliver == SL_DELIVER_GRAY || (deliver == SL_DELIVER_BGR && gray))
        return AV_PIX_FMT_GRAY8;
    if (deliver == SL_DELIVER_BGR)
        return AV_PIX_FMT_BGR24;
    if (is_rgb(layout))
        return AV_PIX_FMT_YUV422P;
    if (gray)
        return AV_PIX_FMT_GRAY8;
    if (layout->log2_chroma_h == 0 && layout->log2_chroma_w == 0)
        return AV_PIX_FMT_YUV444P;
    return layout->log2_chroma_h == 0 ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV420P;
}

/* Whether libavfilter's fast `colorspace` takes the layout as it is. */
static bool is_plain_planar(enum AVPixelFormat format) {
    const AVPixFmtDescriptor *layout = av_pix_fmt_desc_get(format);
    return layout->nb_components == 3 && layout->flags == AV_PIX_FMT_FLAG_PLANAR &&
           layout->log2_chroma_w <= 1 && layout->log2_chroma_h <= layout->log2_chroma_w &&
           (layout->comp[0].depth == 8 || layout->comp[0].depth == 10 ||
            layout->comp[0].depth == 12);
}

/* YUV to 8-bit YUV: libswscale's way between ranges and matrices costs ten times as much. */
static void plan_colorspace(char *description, size_t size, const sl_graph_input *picture,
                            enum AVPixelFormat target, const char *scale) {
    const char *matrix = matrix_name(picture->space);
    bool is_601 = strcmp(matrix, "bt601") == 0;
    char unpack[48] = "";
    if (!is_plain_planar(picture->format))
        snprintf(unpack, sizeof(unpack), "format=%s,", av_get_pix_fmt_name(target));
    snprintf(description, size,
             "%s%scolorspace=iall=%s:irange=%s:all=bt601-6-625:range=pc:format=%s:fast=1", scale,
             unpack, is_601 ? "bt601-6-625" : matrix, is_full_range(picture) ? "pc" : "tv",
             av_get_pix_fmt_name(target));
}

static void plan_scale(char *description, size_t size, const sl_graph_input *picture,
                       enum AVPixelFormat target, const char *scale) {
    bool from_rgb = is_rgb(av_pix_fmt_desc_get(picture->format));
    bool to_rgb = target == AV_PIX_FMT_BGR24;
    char in[64] = "", out[64] = "";
    if (!from_rgb)
        snprintf(in, sizeof(in), ":in_color_matrix=%s:in_range=%s", matrix_name(picture->space),
                 is_full_range(picture) ? "pc" : "tv");
    if (!to_rgb)
        snprintf(out, sizeof(out), ":out_color_matrix=bt601:out_range=pc");
    const char *name = av_get_pix_fmt_name(target);
    if (target == AV_PIX_FMT_YUV420P)
        name = "yuvj420p";
    else if (target == AV_PIX_FMT_YUV422P)
        name = "yuvj422p";
    else if (target == AV_PIX_FMT_YUV444P)
        name = "yuvj444p";
    snprintf(description, size, "%sscale=flags=bilinear%s%s,format=%s", scale, in, out, name);
}

void sl_conversion_plan(char *description, size_t size, const sl_graph_input *picture,
                        sl_deliver deliver, sl_size wanted) {
    const AVPixFmtDescriptor *layout = av_pix_fmt_desc_get(picture->format);
    enum AVPixelFormat target = target_of(layout, deliver);
    bool planar = target != AV_PIX_FMT_BGR24 && target != AV_PIX_FMT_GRAY8;
    bool scaled =
        wanted.width && (wanted.width != picture->width || wanted.height != picture->height);
    char scale[64] = "";
    if (scaled)
        snprintf(scale, sizeof(scale), "scale=%d:%d:flags=bilinear,", wanted.width, wanted.height);
    int width = scaled ? wanted.width : picture->width;
    int height = scaled ? wanted.height : picture->height;
    bool there =
        plain_format(picture->format) == target &&
        (!planar || (is_full_range(picture) && strcmp(matrix_name(picture->space), "bt601") == 0));
    if (there)
        /* Without its last comma; it may be empty. */
        snprintf(description, size, "%.*s", (int)strcspn(scale, ","), scale);
    else if (planar && !is_rgb(layout) && width % 2 == 0 && height % 2 == 0)
        plan_colorspace(description, size, picture, target, scale);
    else
        plan_scale(description, size, picture, target, scale);
}

int sl_converter_open(sl_converter **converter, sl_deliver deliver, sl_size wanted, bool copy) {
    *converter = NULL;
    sl_converter *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    *made = (sl_converter){.deliver = deliver, .wanted = wanted, .copy = copy};
    int code = sl_pool_open(&made->pool, POOL_KEEP);
    if (code < 0)
        sl_converter_close(&made);
    *converter = made;
    return code;
}

/* Has the graph ready that a picture like this needs. */
static int prepare(sl_converter *converter, const sl_graph_input *input) {
    char description[SL_CONVERSION_MAX];
    if (converter->planned && sl_graph_input_equal(&converter->input, input))
        return SL_OK;
    sl_graph_close(&converter->graph);
    converter->planned = false;
    sl_conversion_plan(description, sizeof(description), input, converter->deliver,
                       converter->wanted);
    if (*description) {
        int code = sl_graph_open(&converter->graph, description, input, 1);
        if (code < 0)
            return code == SL_EINVAL
                       ? sl_fail(SL_ESOURCE, "pixels can't be converted: %s", sl_error())
                       : code;
    }
    converter->input = *input;
    converter->planned = true;
    return SL_OK;
}

static sl_format format_of(enum AVPixelFormat format) {
    switch (plain_format(format)) {
    case AV_PIX_FMT_YUV420P:
        return SL_FORMAT_I420;
    case AV_PIX_FMT_YUV422P:
        return SL_FORMAT_I422;
    case AV_PIX_FMT_YUV444P:
        return SL_FORMAT_I444;
    case AV_PIX_FMT_GRAY8:
        return SL_FORMAT_GRAY;
    default:
        return SL_FORMAT_BGR;
    }
}

static void release_picture(void *opaque, void *data) {
    AVFrame *picture = opaque;
    (void)data;
    av_frame_free(&picture);
}

static int wrap(AVFrame *picture, sl_format format, sl_frame **frame) {
    uint8_t *planes[SL_PLANES_MAX] = {0};
    size_t strides[SL_PLANES_MAX] = {0};
    AVFrame *kept = av_frame_alloc();
    if (!kept)
        return sl_fail_memory();
    av_frame_move_ref(kept, picture);
    for (int i = 0; i < sl_format_planes(format); i++) {
        planes[i] = kept->data[i];
        strides[i] = (size_t)kept->linesize[i];
    }
    return sl_frame_wrap_picture(frame, format, kept->width, kept->height, planes, strides,
                                 release_picture, kept);
}

static int copy(sl_converter *converter, const AVFrame *picture, sl_format format,
                sl_frame **frame) {
    int code = sl_frame_new_pooled(frame, converter->pool, format, picture->width, picture->height);
    if (code < 0)
        return code;
    int sample = format == SL_FORMAT_BGR ? 3 : 1;
    for (int i = 0; i < sl_format_planes(format); i++)
        av_image_copy_plane((*frame)->planes[i], (int)(*frame)->strides[i], picture->data[i],
                            picture->linesize[i],
                            sl_plane_width(format, i, picture->width) * sample,
                            sl_plane_height(format, i, picture->height));
    return SL_OK;
}

/* Whether the picture's memory will do as a frame's: rows from the top, packed ones together. */
static bool fits_frame(const AVFrame *picture, sl_format format) {
    for (int i = 0; i < sl_format_planes(format); i++)
        if (picture->linesize[i] < sl_plane_width(format, i, picture->width))
            return false;
    if (format == SL_FORMAT_GRAY)
        return picture->linesize[0] == picture->width;
    return format != SL_FORMAT_BGR || picture->linesize[0] == picture->width * 3;
}

int sl_converter_run(sl_converter *converter, AVFrame *picture, bool writable, sl_frame **frame) {
    *frame = NULL;
    sl_graph_input input = sl_graph_input_of(picture, AV_TIME_BASE_Q, (AVRational){0, 1});
    int code = prepare(converter, &input);
    if (code >= 0 && converter->graph)
        code = sl_graph_push(converter->graph, picture);
    if (code >= 0 && converter->graph)
        code = sl_graph_pull(converter->graph, picture);
    if (code == SL_EAGAIN)
        code = sl_fail(SL_ESOURCE, "pixels can't be converted: a filter gave nothing");
    if (code < 0)
        return code;
    sl_format format = format_of((enum AVPixelFormat)picture->format);
    bool shared = converter->copy && !converter->graph;
    if (shared || !fits_frame(picture, format) || (writable && !av_frame_is_writable(picture)))
        code = copy(converter, picture, format, frame);
    else
        code = wrap(picture, format, frame);
    av_frame_unref(picture);
    return code;
}

void sl_converter_close(sl_converter **converter) {
    sl_converter *closed = *converter;
    if (!closed)
        return;
    *converter = NULL;
    sl_graph_close(&closed->graph);
    sl_pool_close(&closed->pool);
    free(closed);
}
