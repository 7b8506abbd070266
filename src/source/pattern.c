/* source: the test pattern, "pattern:[WxH][@FPS]". Each picture carries the timecode of the moment
 * at which it was drawn. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "frame/frame.h"
#include "source/convert.h"
#include "source/kind.h"
#include "source/pattern_art.h"
#include "source/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MOST  8192
#define SIDE_LEAST 16

/* Pictures that wait for their next use: one is being read while the next is drawn. */
#define POOL_KEEP 2

struct pattern {
    sl_source_shared *shared;
    int width, height;
    double fps;
    sl_pattern_art *art;
    sl_format format;
    sl_pool *pool;
    uint64_t number;
    int64_t anchor_us; /* when picture `anchor` was due */
    uint64_t anchor;
    sl_graph *graph; /* the user's filter; NULL without */
    sl_converter *converter;
    AVFrame *picture;
};

static bool matches(const char *source) {
    return strcmp(source, "pattern") == 0 || strncmp(source, "pattern:", 8) == 0;
}

static int read_text(struct pattern *pattern, const char *source) {
    char rest;
    const char *text = strchr(source, ':');
    text = text ? text + 1 : "";
    const char *rate = strchr(text, '@');
    size_t length = rate ? (size_t)(rate - text) : strlen(text);
    char size[24], fps[24];
    snprintf(size, sizeof(size), "%.*s", (int)length, text);
    snprintf(fps, sizeof(fps), "%s", rate ? rate + 1 : "");
    bool good = length < sizeof(size) && (!rate || strlen(rate) < sizeof(fps));
    if (good && *size)
        good = strspn(size, "0123456789x") == length &&
               sscanf(size, "%5dx%5d%c", &pattern->width, &pattern->height, &rest) == 2;
    if (good && rate)
        good = *fps && strspn(fps, "0123456789.") == strlen(fps) &&
               sscanf(fps, "%lf%c", &pattern->fps, &rest) == 1;
    if (!good)
        return sl_fail(SL_EINVAL,
                       "\"%s\" is no pattern: write pattern:WIDTHxHEIGHT@FPS, such as "
                       "pattern:1280x720@30",
                       source);
    return SL_OK;
}

static int choose(struct pattern *pattern, const sl_source_settings *settings) {
    int code = read_text(pattern, settings->source);
    if (code < 0)
        return code;
    if (settings->size.width) {
        pattern->width = settings->size.width;
        pattern->height = settings->size.height;
    }
    if (settings->fps > 0)
        pattern->fps = settings->fps;
    if (pattern->width < SIDE_LEAST || pattern->width > SIDE_MOST || pattern->width % 2 ||
        pattern->height < SIDE_LEAST || pattern->height > SIDE_MOST || pattern->height % 2)
        return sl_fail(SL_EINVAL,
                       "a pattern can't be %dx%d: its sides are even numbers from %d to "
                       "%d",
                       pattern->width, pattern->height, SIDE_LEAST, SIDE_MOST);
    if (pattern->fps < 1 || pattern->fps > 1000)
        return sl_fail(SL_EINVAL, "a pattern can't have %g frames a second: from 1 to 1000",
                       pattern->fps);
    return SL_OK;
}

static sl_format format_of(const sl_source_settings *settings) {
    if (settings->filter)
        return SL_FORMAT_I420;
    return settings->deliver == SL_DELIVER_BGR    ? SL_FORMAT_BGR
           : settings->deliver == SL_DELIVER_GRAY ? SL_FORMAT_GRAY
                                                  : SL_FORMAT_I420;
}

/* What the user's filter needs, with pictures going through libav. */
static int open_filter(struct pattern *pattern, const sl_source_settings *settings) {
    sl_graph_input input = {
        .width = pattern->width,
        .height = pattern->height,
        .format = AV_PIX_FMT_YUVJ420P,
        .range = AVCOL_RANGE_JPEG,
        .space = AVCOL_SPC_BT470BG,
        .time_base = {1, 1000000},
    };
    int code = sl_graph_open(&pattern->graph, settings->filter, &input, 1);
    if (code >= 0)
        code = sl_converter_open(&pattern->converter, settings->deliver, (sl_size){0, 0}, false);
    if (code >= 0 && !(pattern->picture = av_frame_alloc()))
        code = sl_fail_memory();
    return code;
}

static void close_pattern(void *state) {
    struct pattern *pattern = state;
    sl_graph_close(&pattern->graph);
    sl_converter_close(&pattern->converter);
    av_frame_free(&pattern->picture);
    sl_pattern_art_close(&pattern->art);
    sl_pool_close(&pattern->pool);
    free(pattern);
}

static int open_pattern(void **state, sl_source_shared *shared, char *describe, size_t size) {
    const sl_source_settings *settings = &shared->settings;
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    if (!pattern)
        return sl_fail_memory();
    *pattern = (struct pattern){.shared = shared, .width = 1280, .height = 720, .fps = 30};
    pattern->format = format_of(settings);
    int code = choose(pattern, settings);
    if (code >= 0)
        code = sl_pattern_art_open(&pattern->art, pattern->format, pattern->width, pattern->height);
    if (code >= 0)
        code = sl_pool_open(&pattern->pool, POOL_KEEP);
    if (code >= 0 && settings->filter)
        code = open_filter(pattern, settings);
    if (code < 0) {
        close_pattern(pattern);
        return code;
    }
    shared->fps = pattern->fps;
    if (settings->unpaced)
        snprintf(describe, size, "%dx%d, test pattern", pattern->width, pattern->height);
    else
        snprintf(describe, size, "%dx%d, %.5g frames/s, test pattern", pattern->width,
                 pattern->height, pattern->fps);
    *state = pattern;
    return SL_OK;
}

/* Waits for the next tick. Ticks that passed while nobody looked are not made up for. */
static int wait_for_tick(struct pattern *pattern) {
    int64_t now_us = sl_now_us(), interval_us = (int64_t)(1e6 / pattern->fps);
    int64_t due_us = pattern->anchor_us +
                     (int64_t)((double)(pattern->number - pattern->anchor) * 1e6 / pattern->fps);
    if (pattern->anchor_us == 0 || due_us < now_us - interval_us) {
        pattern->anchor = pattern->number;
        pattern->anchor_us = now_us;
        return SL_OK;
    }
    int code = sl_wait(-1, 0, pattern->shared->cancel, due_us);
    return code == SL_EAGAIN ? SL_OK : code;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libav says so. */
static void release_frame(void *opaque, uint8_t *data) {
    sl_frame *frame = opaque;
    (void)data;
    sl_frame_unref(&frame);
}

/* Lets libav see the frame's planes; takes the frame. */
static int lend(AVFrame *picture, sl_frame *frame, int64_t pts_us) {
    picture->buf[0] = av_buffer_create(frame->planes[0], frame->size, release_frame, frame, 0);
    if (!picture->buf[0]) {
        sl_frame_unref(&frame);
        return sl_fail_memory();
    }
    for (int i = 0; i < SL_PLANES_MAX; i++) {
        picture->data[i] = frame->planes[i];
        picture->linesize[i] = (int)frame->strides[i];
    }
    picture->format = AV_PIX_FMT_YUVJ420P;
    picture->color_range = AVCOL_RANGE_JPEG;
    picture->colorspace = AVCOL_SPC_BT470BG;
    picture->width = frame->width;
    picture->height = frame->height;
    picture->pts = pts_us;
    return SL_OK;
}

/* Replaces the frame by what the filter makes of it; NULL when that wants another one first. */
static int filter(struct pattern *pattern, sl_frame **frame) {
    int64_t pts_us = (int64_t)((double)pattern->number * 1e6 / pattern->fps);
    int code = lend(pattern->picture, *frame, pts_us);
    *frame = NULL;
    if (code >= 0)
        code = sl_graph_push(pattern->graph, pattern->picture);
    av_frame_unref(pattern->picture);
    if (code >= 0)
        code = sl_graph_pull(pattern->graph, pattern->picture);
    if (code >= 0)
        code = sl_converter_run(pattern->converter, pattern->picture, true, frame);
    return code == SL_EAGAIN ? SL_OK : code;
}

static int draw(struct pattern *pattern, sl_frame **frame) {
    int code =
        sl_frame_new_pooled(frame, pattern->pool, pattern->format, pattern->width, pattern->height);
    if (code < 0)
        return code;
    sl_pattern_art_draw(pattern->art, *frame, pattern->number);
    code = pattern->graph ? filter(pattern, frame) : SL_OK;
    pattern->number++;
    return code;
}

static int read_pattern(void *state, sl_frame **frame) {
    struct pattern *pattern = state;
    int code = SL_OK;
    *frame = NULL;
    while (code >= 0 && !*frame) {
        if (sl_cancel_triggered(pattern->shared->cancel))
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        if (!pattern->shared->settings.unpaced)
            code = wait_for_tick(pattern);
        if (code < 0)
            return code;
        int64_t captured_us = sl_now_us();
        code = draw(pattern, frame);
        if (code >= 0 && *frame)
            sl_stamp(*frame, captured_us, true);
    }
    return code;
}

static bool is_live(const void *state) {
    const struct pattern *pattern = state;
    return !pattern->shared->settings.unpaced;
}

const sl_source_kind sl_source_pattern = {
    .name = "pattern",
    .matches = matches,
    .open = open_pattern,
    .read = read_pattern,
    .close = close_pattern,
    .live = is_live,
};
