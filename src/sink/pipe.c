/* sink: "-", Y4M on standard output, for | ffmpeg -i - and | mpv -.
 *
 * The first frame decides size and chroma format; later ones are scaled to that. The head needs a
 * rate before the first frame can leave, so unless one was set the first few frames are held until
 * their times tell. A slow reader holds the caller back. */
#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "frame/frame.h"
#include "sink/image.h"
#include "sink/kind.h"
#include "sink/writer.h"

#include <fcntl.h>
#include <libavutil/mathematics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD_MAX       5 /* frames whose times tell the rate */
#define DEFAULT_FPS    30
#define PIPE_BYTES_MIN 65536
#define PIPE_BYTES_MAX 1048576
#define CLOSE_WAIT_MS  1000 /* for the frames still held, when it is over */

struct pipe {
    double fps; /* as set; 0: measure */
    const sl_cancel *cancel;
    sl_writer *writer;
    AVFrame *image;
    sl_scaler scaler;
    sl_refused refused;

    sl_frame *held[HELD_MAX];
    int64_t held_us[HELD_MAX];
    int held_count;

    bool begun; /* the head is written, and these are decided: */
    enum AVPixelFormat format;
    int width, height;
    struct iovec *parts; /* "FRAME", then as many as a frame has rows */
};

struct chroma {
    enum AVPixelFormat pixels;
    sl_format format; /* the same, for its geometry */
    const char *name; /* in a Y4M head */
};

static const struct chroma chromas[] = {
    {AV_PIX_FMT_YUV420P, SL_FORMAT_I420, "420jpeg"},
    {AV_PIX_FMT_YUV422P, SL_FORMAT_I422, "422"},
    {AV_PIX_FMT_YUV444P, SL_FORMAT_I444, "444"},
    {AV_PIX_FMT_GRAY8, SL_FORMAT_GRAY, "mono"},
};

/* Packed pixels become 4:2:0, which every reader takes. */
static const struct chroma *chroma_of(enum AVPixelFormat pixels) {
    for (size_t i = 0; i < SL_COUNT(chromas); i++)
        if (chromas[i].pixels == pixels)
            return &chromas[i];
    return &chromas[0];
}

static bool matches(const char *sink) {
    return strcmp(sink, "-") == 0;
}

static int open_pipe(void **state, const sl_sink_settings *settings) {
    if (isatty(STDOUT_FILENO))
        return sl_fail(SL_ESINK, "standard output is a terminal, which can't show video: add "
                                 "'| mpv -' or '| ffmpeg -i - FILE'");
    struct pipe *pipe = calloc(1, sizeof(*pipe));
    AVFrame *image = av_frame_alloc();
    if (!pipe || !image) {
        free(pipe);
        av_frame_free(&image);
        return sl_fail_memory();
    }
    int code = sl_writer_open(&pipe->writer, STDOUT_FILENO);
    if (code < 0) {
        free(pipe);
        av_frame_free(&image);
        return code;
    }
    pipe->image = image;
    pipe->fps = settings->fps;
    pipe->cancel = settings->cancel;
    *state = pipe;
    return SL_OK;
}

static int compare_times(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The rate of the held frames: the median of their intervals, and where that is within a tenth of
 * a usual rate, the usual one. */
static AVRational measured_rate(const struct pipe *pipe) {
    static const int usual[] = {1, 2, 5, 10, 12, 15, 20, 24, 25, 30, 50, 60, 90, 100, 120};
    int64_t intervals[HELD_MAX];
    size_t count = 0;
    for (int i = 1; i < pipe->held_count; i++)
        if (pipe->held_us[i] > pipe->held_us[i - 1])
            intervals[count++] = pipe->held_us[i] - pipe->held_us[i - 1];
    if (count == 0)
        return (AVRational){DEFAULT_FPS, 1};
    qsort(intervals, count, sizeof(intervals[0]), compare_times);
    int64_t lower = intervals[(count - 1) / 2], upper = intervals[count / 2];
    double median_us = (double)(lower + upper) / 2;
    double fps = (double)SL_SECOND_US / median_us;
    int nearest = usual[0];
    for (size_t i = 1; i < SL_COUNT(usual); i++)
        if (fabs(usual[i] - fps) < fabs(nearest - fps))
            nearest = usual[i];
    if (fabs(nearest - fps) <= fps / 10)
        return (AVRational){nearest, 1};
    return fps >= 1 ? (AVRational){(int)lround(fmin(fps, 1000)), 1}
                    : (AVRational){1000, (int)lround(fmin(1000 / fps, 1e6))};
}

/* Exactly what was set, so that 29.97 is 2997:100 or 30000:1001. */
static AVRational set_rate(double fps) {
    double ntsc = fps * 1001 / 1000;
    if (fabs(ntsc - round(ntsc)) < 0.001 && fabs(fps - round(fps)) > 0.001)
        return (AVRational){(int)lround(ntsc) * 1000, 1001};
    return av_d2q(fps, 100000);
}

static int write_parts(struct pipe *pipe, size_t count, const sl_cancel *cancel,
                       int64_t deadline_us) {
    return sl_writer_write(pipe->writer, pipe->parts, count, cancel, deadline_us);
}

/* Decides format and size by the first frame, and writes the head. */
static int begin(struct pipe *pipe, const sl_frame *frame, const sl_cancel *cancel,
                 int64_t deadline_us) {
    sl_image_of(frame, pipe->image);
    const struct chroma *chroma = chroma_of(pipe->image->format);
    pipe->format = chroma->pixels;
    pipe->width = pipe->image->width;
    pipe->height = pipe->image->height;

    size_t rows = 1, bytes = 0;
    for (int i = 0; i < sl_format_planes(chroma->format); i++) {
        rows += (size_t)sl_plane_height(chroma->format, i, pipe->height);
        bytes += (size_t)sl_plane_height(chroma->format, i, pipe->height) *
                 (size_t)sl_plane_width(chroma->format, i, pipe->width);
    }
    pipe->parts = calloc(rows, sizeof(*pipe->parts));
    if (!pipe->parts)
        return sl_fail_memory();
    /* Room for one frame makes fewer turns with the reader; more would only make frames older. A
     * descriptor that is no pipe does without. */
    if (bytes > PIPE_BYTES_MIN)
        fcntl(STDOUT_FILENO, F_SETPIPE_SZ, bytes < PIPE_BYTES_MAX ? (int)bytes : PIPE_BYTES_MAX);

    AVRational rate = pipe->fps > 0 ? set_rate(pipe->fps) : measured_rate(pipe);
    char head[128];
    int length =
        snprintf(head, sizeof(head), "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C%s XCOLORRANGE=FULL\n",
                 pipe->width, pipe->height, rate.num, rate.den, chroma->name);
    pipe->parts[0] = (struct iovec){head, (size_t)length};
    pipe->begun = true;
    return write_parts(pipe, 1, cancel, deadline_us);
}

/* Points the parts at the rows; rows that touch are one part, and nothing is copied. */
static size_t lay_out(struct pipe *pipe, const AVFrame *image) {
    static char frame_head[] = "FRAME\n";
    const struct chroma *chroma = chroma_of(pipe->format);
    size_t count = 0;
    pipe->parts[count++] = (struct iovec){frame_head, sizeof(frame_head) - 1};
    for (int i = 0; i < sl_format_planes(chroma->format); i++) {
        size_t width = (size_t)sl_plane_width(chroma->format, i, pipe->width);
        size_t height = (size_t)sl_plane_height(chroma->format, i, pipe->height);
        size_t stride = (size_t)image->linesize[i];
        if (stride == width) {
            pipe->parts[count++] = (struct iovec){image->data[i], width * height};
            continue;
        }
        for (size_t row = 0; row < height; row++)
            pipe->parts[count++] = (struct iovec){image->data[i] + row * stride, width};
    }
    return count;
}

static int put(struct pipe *pipe, const sl_frame *frame, const sl_cancel *cancel,
               int64_t deadline_us) {
    sl_image_of(frame, pipe->image);
    AVFrame *image = pipe->image;
    if (image->format != pipe->format || image->width != pipe->width ||
        image->height != pipe->height) {
        int code = sl_scaler_convert(&pipe->scaler, pipe->image, pipe->format, pipe->width,
                                     pipe->height, &image);
        if (code < 0) {
            sl_refused_frame(&pipe->refused, frame, sl_error());
            return SL_OK;
        }
    }
    return write_parts(pipe, lay_out(pipe, image), cancel, deadline_us);
}

/* Writes the head and what was held for it. */
static int release(struct pipe *pipe, const sl_cancel *cancel, int64_t deadline_us) {
    int code = SL_OK;
    if (pipe->held_count > 0 && !pipe->begun)
        code = begin(pipe, pipe->held[0], cancel, deadline_us);
    for (int i = 0; i < pipe->held_count; i++) {
        if (code == SL_OK)
            code = put(pipe, pipe->held[i], cancel, deadline_us);
        sl_frame_unref(&pipe->held[i]);
    }
    pipe->held_count = 0;
    return code;
}

static int write_pipe(void *state, const sl_frame *frame) {
    struct pipe *pipe = state;
    if (!sl_image_of(frame, pipe->image)) {
        sl_refused_frame(&pipe->refused, frame, "it is no picture, so it can't be written as Y4M");
        return SL_OK;
    }
    if (pipe->begun)
        return put(pipe, frame, pipe->cancel, sl_deadline_us(-1));
    pipe->held_us[pipe->held_count] =
        frame->captured_monotonic_us ? frame->captured_monotonic_us : sl_now_us();
    pipe->held[pipe->held_count++] = sl_frame_ref(frame);
    if (pipe->fps > 0 || pipe->held_count == HELD_MAX)
        return release(pipe, pipe->cancel, sl_deadline_us(-1));
    return SL_OK;
}

static uint64_t dropped(const void *state) {
    const struct pipe *pipe = state;
    return pipe->refused.count;
}

static int close_pipe(void *state) {
    struct pipe *pipe = state;
    /* A short stream's frames are all still here. They are written even after a cancel, if the
     * reader takes them soon; a reader that is gone took what it wanted. */
    int code = release(pipe, NULL, sl_deadline_us(CLOSE_WAIT_MS));
    sl_writer_close(&pipe->writer);
    sl_scaler_finish(&pipe->scaler);
    av_frame_free(&pipe->image);
    free(pipe->parts);
    free(pipe);
    return code == SL_ESINK ? code : SL_OK;
}

const sl_sink_kind sl_sink_pipe = {
    .name = "pipe",
    .matches = matches,
    .open = open_pipe,
    .write = write_pipe,
    .dropped = dropped,
    .close = close_pipe,
    .output = SL_OUTPUT_PLANES,
};
