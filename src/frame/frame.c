/* frame: frames, which share their bytes and are immutable once shared. */
#include "frame/frame.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/refcount.h"
#include "frame/sole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An address space would not hold more. */
#define ARRAY_BYTES_MAX (SIZE_MAX / 4)
#define STRIDE_MULTIPLE 32

struct frame {
    sl_frame public; /* first: pointers to it are pointers to the whole */
    sl_refcount references;
    sl_buffer *bytes;
    char *message; /* what public.message points to */
    char *port;    /* and public.port */
    bool follows;  /* it has its place in a stream */
    sl_frame *before;
};

static struct frame *own(const sl_frame *frame) {
    return (struct frame *)frame;
}

/* Lets a zeroed frame take over a reference to `bytes`. */
static void begin(struct frame *frame, sl_format format, sl_buffer *bytes) {
    sl_refcount_init(&frame->references);
    frame->bytes = bytes;
    frame->public.format = format;
    frame->public.planes[0] = bytes->data;
    frame->public.size = bytes->size;
}

/* A frame that owns a new reference to `bytes`, or NULL. */
static struct frame *frame_around(sl_format format, sl_buffer *bytes) {
    struct frame *made = calloc(1, sizeof(*made));
    if (made)
        begin(made, format, sl_buffer_ref(bytes));
    return made;
}

static void describe_array(sl_frame *frame, const char *dtype, int dimensions,
                           const int64_t *shape) {
    snprintf(frame->dtype, sizeof(frame->dtype), "%s", dtype);
    frame->dimensions = dimensions;
    for (int i = 0; i < dimensions; i++)
        frame->shape[i] = shape[i];
}

static bool is_side(int64_t side) {
    return side >= 1 && side <= SL_SIDE_MAX;
}

/* Calls an array a picture where it is one. */
static void recognise_picture(sl_frame *frame) {
    static const char *const bytes[] = {"uint8", "u1", "|u1", "=u1", "<u1", ">u1"};
    bool is_bytes = false;
    for (size_t i = 0; i < SL_COUNT(bytes); i++)
        is_bytes = is_bytes || strcmp(frame->dtype, bytes[i]) == 0;
    bool gray = frame->dimensions == 2;
    bool color = frame->dimensions == 3 && frame->shape[2] == 3;
    if (!is_bytes || !(gray || color) || !is_side(frame->shape[0]) || !is_side(frame->shape[1]))
        return;
    frame->format = gray ? SL_FORMAT_GRAY : SL_FORMAT_BGR;
    frame->height = (int)frame->shape[0];
    frame->width = (int)frame->shape[1];
    frame->strides[0] = (size_t)frame->width * (gray ? 1 : 3);
}

/* Fills in strides and returns the bytes of all planes. */
static size_t lay_out(sl_frame *frame) {
    bool planar = sl_format_planes(frame->format) > 1;
    size_t sample = frame->format == SL_FORMAT_BGR ? 3 : 1, total = 0;
    for (int i = 0; i < sl_format_planes(frame->format); i++) {
        size_t stride = (size_t)sl_plane_width(frame->format, i, frame->width) * sample;
        if (planar)
            stride = (stride + STRIDE_MULTIPLE - 1) / STRIDE_MULTIPLE * STRIDE_MULTIPLE;
        frame->strides[i] = stride;
        total += stride * (size_t)sl_plane_height(frame->format, i, frame->height);
    }
    return total;
}

static void place_planes(sl_frame *frame) {
    for (int i = 1; i < sl_format_planes(frame->format); i++) {
        size_t rows = (size_t)sl_plane_height(frame->format, i - 1, frame->height);
        frame->planes[i] = frame->planes[i - 1] + frame->strides[i - 1] * rows;
    }
}

int sl_frame_new_pooled(sl_frame **frame, sl_pool *pool, sl_format format, int width, int height) {
    *frame = NULL;
    if (format < SL_FORMAT_GRAY || format > SL_FORMAT_I444)
        return sl_fail(SL_EINVAL, "a picture can't be made of the format %s",
                       sl_format_name(format));
    if (!is_side(width) || !is_side(height))
        return sl_fail(SL_EINVAL, "a picture of %dx%d can't be made: sides are from 1 to %d", width,
                       height, SL_SIDE_MAX);
    sl_frame layout = {.format = format, .width = width, .height = height};
    size_t size = lay_out(&layout);
    sl_buffer *bytes;
    int code = pool ? sl_pool_get(pool, size, &bytes) : sl_buffer_new(&bytes, size);
    if (code < 0)
        return code;
    struct frame *made = frame_around(format, bytes);
    sl_buffer_unref(&bytes);
    if (!made)
        return sl_fail_memory();
    made->public.width = width;
    made->public.height = height;
    memcpy(made->public.strides, layout.strides, sizeof(layout.strides));
    place_planes(&made->public);
    if (sl_format_planes(format) == 1)
        describe_array(&made->public, "uint8", format == SL_FORMAT_BGR ? 3 : 2,
                       (const int64_t[]){height, width, 3});
    snprintf(made->public.dtype, sizeof(made->public.dtype), "uint8");
    *frame = &made->public;
    return SL_OK;
}

int sl_frame_new(sl_frame **frame, sl_format format, int width, int height) {
    return sl_frame_new_pooled(frame, NULL, format, width, height);
}

int sl_frame_new_coded(sl_frame **frame, sl_format format, sl_buffer *bytes) {
    struct frame *made = frame_around(format, bytes);
    *frame = made ? &made->public : NULL;
    return made ? SL_OK : sl_fail_memory();
}

/* `bytes` fits: checked by the caller. */
static int new_array(sl_frame **frame, const char *dtype, int dimensions, const int64_t *shape,
                     sl_buffer *bytes) {
    struct frame *made = frame_around(SL_FORMAT_ARRAY, bytes);
    *frame = made ? &made->public : NULL;
    if (!made)
        return sl_fail_memory();
    describe_array(&made->public, dtype, dimensions, shape);
    recognise_picture(&made->public);
    return SL_OK;
}

int sl_frame_new_array_of(sl_frame **frame, const char *dtype, int dimensions, const int64_t *shape,
                          sl_buffer *bytes) {
    size_t size;
    *frame = NULL;
    if (sl_array_size(dtype, dimensions, shape, ARRAY_BYTES_MAX, &size) < 0)
        return SL_EMESSAGE;
    if (size != bytes->size)
        return sl_fail(SL_EMESSAGE, "an array has %zu bytes, where its shape and dtype make %zu",
                       bytes->size, size);
    return new_array(frame, dtype, dimensions, shape, bytes);
}

int sl_frame_new_array(sl_frame **frame, const char *dtype, int dimensions, const int64_t *shape) {
    size_t size;
    sl_buffer *bytes;
    *frame = NULL;
    int code = sl_array_size(dtype, dimensions, shape, ARRAY_BYTES_MAX, &size);
    if (code < 0)
        return code;
    code = sl_buffer_new(&bytes, size);
    if (code < 0)
        return code;
    code = new_array(frame, dtype, dimensions, shape, bytes);
    sl_buffer_unref(&bytes);
    return code;
}

int sl_frame_wrap_array(sl_frame **frame, const char *dtype, int dimensions, const int64_t *shape,
                        void *data, void (*release)(void *opaque, void *data), void *opaque) {
    size_t size;
    sl_buffer *bytes;
    *frame = NULL;
    int code = sl_array_size(dtype, dimensions, shape, ARRAY_BYTES_MAX, &size);
    if (code < 0)
        return code;
    struct frame *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    code = sl_buffer_wrap(&bytes, data, size, release, opaque);
    if (code < 0) {
        free(made);
        return code;
    }
    begin(made, SL_FORMAT_ARRAY, bytes);
    describe_array(&made->public, dtype, dimensions, shape);
    recognise_picture(&made->public);
    *frame = &made->public;
    return SL_OK;
}

int sl_frame_share(sl_frame **frame, const sl_frame *from) {
    struct frame *made = frame_around(from->format, own(from)->bytes);
    *frame = NULL;
    if (!made)
        return sl_fail_memory();
    made->public = *from;
    made->public.message = made->public.port = NULL;
    made->follows = own(from)->follows;
    made->before = sl_frame_ref(own(from)->before);
    *frame = &made->public;
    int code = sl_frame_copy_properties(*frame, from);
    if (code < 0)
        sl_frame_unref(frame);
    return code;
}

int sl_frame_copy_properties(sl_frame *to, const sl_frame *from) {
    to->sequence = from->sequence;
    to->captured_utc_us = from->captured_utc_us;
    to->captured_monotonic_us = from->captured_monotonic_us;
    to->keyframe = from->keyframe;
    int code = sl_frame_put_message(to, from->message);
    return code < 0 ? code : sl_frame_set_port(to, from->port);
}

/* Replaces a text with a copy of another, which may be NULL. */
static int replace_text(char **text, const char *with) {
    char *copy = NULL;
    if (with) {
        copy = strdup(with);
        if (!copy)
            return sl_fail_memory();
    }
    free(*text);
    *text = copy;
    return SL_OK;
}

int sl_frame_put_message(sl_frame *frame, const char *message) {
    int code = replace_text(&own(frame)->message, message);
    frame->message = own(frame)->message;
    return code;
}

int sl_frame_set_port(sl_frame *frame, const char *port) {
    int code = replace_text(&own(frame)->port, port);
    frame->port = own(frame)->port;
    return code;
}

int sl_frame_bytes(const sl_frame *frame, sl_buffer **bytes) {
    *bytes = NULL;
    if (sl_format_planes(frame->format) != 1)
        return sl_fail(SL_EINVAL, "a frame of the format %s is not one piece of bytes",
                       sl_format_name(frame->format));
    *bytes = sl_buffer_ref(own(frame)->bytes);
    return SL_OK;
}

bool sl_frame_sole(const sl_frame *frame) {
    return sl_refcount_sole(&own(frame)->references) && sl_buffer_sole(own(frame)->bytes);
}

sl_frame *sl_frame_ref(const sl_frame *frame) {
    if (frame)
        sl_refcount_up(&own(frame)->references);
    return (sl_frame *)frame;
}

void sl_frame_follow(sl_frame *frame, const sl_frame *before) {
    own(frame)->follows = true;
    own(frame)->before = sl_frame_ref(before);
}

bool sl_frame_follows(const sl_frame *frame) {
    return own(frame)->follows;
}

const sl_frame *sl_frame_before(const sl_frame *frame) {
    return own(frame)->before;
}

/* Gives one reference back; to which frame the next one is to be given back, or NULL. */
static struct frame *release(struct frame *given) {
    unsigned left = sl_refcount_drop(&given->references);
    if (left == 1)
        sl_sole_announce();
    if (left > 0)
        return NULL;
    struct frame *before = own(given->before);
    sl_buffer_unref(&given->bytes);
    free(given->message);
    free(given->port);
    free(given);
    return before;
}

void sl_frame_unref(sl_frame **frame) {
    struct frame *given = own(*frame);
    *frame = NULL;
    while (given)
        given = release(given);
}
