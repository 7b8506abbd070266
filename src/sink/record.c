/* sink: file:*.mkv, file:*.mp4 and file:*.mov, a recording.
 *
 * JPEGs are stored as they came. Frames of a peer that sends raw arrays are coded as Motion JPEG,
 * in its best quality. A container has one size, so when the peer's changes the recording goes on
 * in another file: out.mkv, out-2.mkv, out-3.mkv. Runs in the caller's thread. */
#include "base/clock.h"
#include "base/error.h"
#include "frame/jpeg_header.h"
#include "sink/encoder.h"
#include "sink/kind.h"
#include "sink/muxer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 1000 /* a peer chooses sizes: it must not fill a folder */

struct record {
    const char *path; /* as given: the first part */
    sl_muxer *muxer;  /* NULL while the next part waits for a free descriptor */
    bool ended;       /* a part failed: nothing is written after it */
    int parts;
    int width, height; /* of this part; 0: none has begun */
    int64_t part_us;   /* when it began */
    sl_refused refused;

    /* For frames that are not coded yet. */
    AVFrame *image;
    sl_encoder encoder;
};

static bool matches(const char *sink) {
    const char *path = sl_sink_path(sink);
    return path && sl_sink_ends_with(path, sl_muxer_endings);
}

static void free_record(struct record *record) {
    av_frame_free(&record->image);
    sl_encoder_finish(&record->encoder);
    free(record);
}

static int open_record(void **state, const sl_sink_settings *settings) {
    struct record *record = calloc(1, sizeof(*record));
    if (!record)
        return sl_fail_memory();
    record->path = sl_sink_path(settings->sink);
    record->image = av_frame_alloc();
    int code = record->image ? SL_OK : sl_fail_memory();
    if (code == SL_OK)
        code = sl_muxer_open(&record->muxer, record->path, false);
    if (code < 0) {
        free_record(record);
        return code;
    }
    record->parts = 1;
    *state = record;
    return SL_OK;
}

/* "out.mkv" → "out-2.mkv". */
static int part_path(const struct record *record, int part, char *path, size_t size) {
    const char *dot = strrchr(record->path, '.');
    int length =
        snprintf(path, size, "%.*s-%d%s", (int)(dot - record->path), record->path, part, dot);
    if (length < 0 || (size_t)length >= size)
        return sl_fail(SL_ESINK, "the path %.200s… is too long", record->path);
    return SL_OK;
}

/* Finishes this part and opens the next, which never replaces a file: nobody named that one.
 * SL_EAGAIN when there is no free descriptor for it just now. */
static int next_part(struct record *record) {
    char path[PATH_MAX];
    int code = sl_muxer_close(&record->muxer);
    while (code == SL_OK || code == SL_EINUSE) {
        record->ended = record->parts >= PARTS_MAX;
        if (record->ended)
            return sl_fail(SL_ESINK, "the recording %s has %d parts, which is enough", record->path,
                           PARTS_MAX);
        code = part_path(record, ++record->parts, path, sizeof(path));
        if (code == SL_OK)
            code = sl_muxer_open(&record->muxer, path, true);
        if (code == SL_OK)
            break;
    }
    record->ended = code < 0 && code != SL_EAGAIN;
    if (code == SL_EAGAIN)
        record->parts--;
    if (code == SL_OK)
        sl_log(SL_LOG_WARNING, "sink", "frames have another size now: the recording goes on in %s",
               path);
    return code;
}

/* Makes the file fit for this size. SL_EUNSUPPORTED when it is too soon for another part,
 * SL_EAGAIN as above. */
static int fit(struct record *record, int width, int height) {
    int64_t now_us = sl_now_us();
    if (record->muxer && width == record->width && height == record->height)
        return SL_OK;
    if (record->width > 0) {
        if (record->muxer && now_us - record->part_us < SL_SECOND_US)
            return sl_fail(SL_EUNSUPPORTED, "its size changes more than once a second");
        int code = next_part(record);
        if (code < 0)
            return code;
    }
    int code = sl_muxer_begin(record->muxer, width, height);
    if (code < 0)
        return code;
    record->width = width;
    record->height = height;
    record->part_us = now_us;
    return SL_OK;
}

/* What goes into the file: a JPEG and its size. SL_EUNSUPPORTED when the frame can't. */
struct coded {
    const uint8_t *bytes;
    size_t size;
    int width, height;
};

static int code_frame(struct record *record, const sl_frame *frame, struct coded *coded) {
    if (frame->format == SL_FORMAT_JPEG) {
        coded->bytes = frame->planes[0];
        coded->size = frame->size;
        if (coded->size > INT_MAX ||
            !sl_jpeg_size(coded->bytes, coded->size, &coded->width, &coded->height))
            return sl_fail(SL_EUNSUPPORTED, "it is no JPEG");
        return SL_OK;
    }
    if (!sl_image_of(frame, record->image))
        return sl_fail(SL_EUNSUPPORTED, "it is no picture");
    int code = sl_encoder_encode(&record->encoder, AV_CODEC_ID_MJPEG, record->image);
    if (code < 0)
        return code;
    coded->bytes = record->encoder.packet->data;
    coded->size = (size_t)record->encoder.packet->size;
    coded->width = record->image->width;
    coded->height = record->image->height;
    return SL_OK;
}

static int write_record(void *state, const sl_frame *frame) {
    struct record *record = state;
    struct coded coded;
    if (record->ended)
        return sl_fail(SL_ESINK, "the recording %s has ended", record->path);
    int code = code_frame(record, frame, &coded);
    if (code == SL_OK)
        code = fit(record, coded.width, coded.height);
    if (code == SL_EUNSUPPORTED || code == SL_EAGAIN) {
        sl_refused_frame(&record->refused, frame, sl_error());
        return SL_OK;
    }
    if (code < 0)
        return code;
    int64_t time_us = frame->captured_monotonic_us ? frame->captured_monotonic_us : sl_now_us();
    return sl_muxer_write(record->muxer, coded.bytes, coded.size, time_us);
}

static uint64_t dropped(const void *state) {
    const struct record *record = state;
    return record->refused.count;
}

static int close_record(void *state) {
    struct record *record = state;
    int code = sl_muxer_close(&record->muxer);
    free_record(record);
    return code;
}

const sl_sink_kind sl_sink_record = {
    .name = "record",
    .matches = matches,
    .open = open_record,
    .write = write_record,
    .dropped = dropped,
    .close = close_record,
    .output = SL_OUTPUT_JPEG,
};
