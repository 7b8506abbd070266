/* sink: file:*.png and file:*.jpg, the newest frame as a picture file.
 *
 * The first frame is written at once, then at most one a second, and the last one at the end. A
 * JPEG is written as it came, without decoding it. */
#include "base/clock.h"
#include "base/error.h"
#include "frame/jpeg_header.h"
#include "sink/image.h"
#include "sink/kind.h"
#include "sink/still.h"

#include <stdlib.h>

struct picture {
    const char *path;
    enum AVCodecID codec;
    sl_frame *newest; /* not written yet, or NULL */
    int64_t next_us;  /* not to be written before */
    AVFrame *image;
    sl_refused refused;
};

static const char *const png_endings[] = {".png", NULL};
static const char *const jpeg_endings[] = {".jpg", ".jpeg", NULL};

static bool matches_png(const char *sink) {
    const char *path = sl_sink_path(sink);
    return path && sl_sink_ends_with(path, png_endings);
}

static bool matches_jpeg(const char *sink) {
    const char *path = sl_sink_path(sink);
    return path && sl_sink_ends_with(path, jpeg_endings);
}

static int open_picture(void **state, const sl_sink_settings *settings, enum AVCodecID codec) {
    int code = sl_still_check(sl_sink_path(settings->sink));
    if (code < 0)
        return code;
    struct picture *picture = calloc(1, sizeof(*picture));
    AVFrame *image = av_frame_alloc();
    if (!picture || !image) {
        free(picture);
        av_frame_free(&image);
        return sl_fail_memory();
    }
    picture->path = sl_sink_path(settings->sink);
    picture->codec = codec;
    picture->image = image;
    *state = picture;
    return SL_OK;
}

static int open_png(void **state, const sl_sink_settings *settings) {
    return open_picture(state, settings, AV_CODEC_ID_PNG);
}

static int open_jpeg(void **state, const sl_sink_settings *settings) {
    return open_picture(state, settings, AV_CODEC_ID_MJPEG);
}

/* What a picture file can be made of. */
static bool usable(struct picture *picture, const sl_frame *frame) {
    int width, height;
    if (frame->format == SL_FORMAT_JPEG)
        return picture->codec == AV_CODEC_ID_MJPEG &&
               sl_jpeg_size(frame->planes[0], frame->size, &width, &height);
    return sl_image_of(frame, picture->image);
}

/* What a peer sent, or a moment without free descriptors, costs a picture and no more. */
static int store(struct picture *picture) {
    sl_frame *frame = picture->newest;
    int code;
    if (frame->format == SL_FORMAT_JPEG)
        code = sl_still_write_bytes(picture->path, frame->planes[0], frame->size);
    else if (sl_image_of(frame, picture->image))
        code = sl_still_write(picture->path, picture->codec, picture->image);
    else
        code = SL_EUNSUPPORTED;
    if (code == SL_EUNSUPPORTED || code == SL_EAGAIN) {
        sl_refused_frame(&picture->refused, frame, sl_error());
        code = SL_OK;
    }
    sl_frame_unref(&picture->newest);
    picture->next_us = sl_now_us() + SL_SECOND_US;
    return code;
}

static int write_picture(void *state, const sl_frame *frame) {
    struct picture *picture = state;
    if (!usable(picture, frame)) {
        sl_refused_frame(&picture->refused, frame, "it is no picture that can be written");
        return SL_OK;
    }
    sl_frame_unref(&picture->newest);
    picture->newest = sl_frame_ref(frame);
    return sl_now_us() >= picture->next_us ? store(picture) : SL_OK;
}

static uint64_t dropped(const void *state) {
    const struct picture *picture = state;
    return picture->refused.count;
}

static int close_picture(void *state) {
    struct picture *picture = state;
    int code = picture->newest ? store(picture) : SL_OK;
    av_frame_free(&picture->image);
    free(picture);
    return code;
}

const sl_sink_kind sl_sink_png = {
    .name = "png",
    .matches = matches_png,
    .open = open_png,
    .write = write_picture,
    .dropped = dropped,
    .close = close_picture,
    .output = SL_OUTPUT_PLANES,
};

const sl_sink_kind sl_sink_jpeg = {
    .name = "jpeg",
    .matches = matches_jpeg,
    .open = open_jpeg,
    .write = write_picture,
    .dropped = dropped,
    .close = close_picture,
    .output = SL_OUTPUT_JPEG,
};
