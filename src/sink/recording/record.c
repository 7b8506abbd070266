/* sink/recording: file:*.mkv, file:*.mp4 and file:*.mov, a recording.
 *
 * JPEGs and video are stored as they came. Frames of a peer that sends raw arrays are coded as
 * Motion JPEG, in its best quality. A container has one size and codec, so when the peer's change
 * the recording goes on in another file: out.mkv, out-2.mkv, out-3.mkv. Runs in the caller's
 * thread. */
#include "base/clock.h"
#include "base/error.h"
#include "frame/frame.h"
#include "sink/recording/intake.h"
#include "sink/kind.h"
#include "sink/recording/muxer.h"
#include "sink/recording/track.h"

#include <libavcodec/avcodec.h>
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
    AVCodecParameters *track; /* of this part; NULL: none has begun */
    int64_t part_us;          /* when it began */
    sl_intake intake;
    sl_refused refused;

    /* With a tap. */
    bool tapped;
    sl_viewer viewer;
    char *port; /* whose frames are stored; NULL: none came */
};

static bool matches(const char *sink) {
    const char *path = sl_sink_path(sink);
    return path && sl_sink_ends_with(path, sl_muxer_endings);
}

static void free_record(struct record *record) {
    avcodec_parameters_free(&record->track);
    sl_intake_finish(&record->intake);
    free(record->port);
    free(record);
}

static int open_record(void **state, const sl_sink_settings *settings) {
    struct record *record = calloc(1, sizeof(*record));
    if (!record)
        return sl_fail_memory();
    record->path = sl_sink_path(settings->sink);
    int code = sl_muxer_open(&record->muxer, record->path, false);
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
        sl_log(SL_LOG_WARNING, "sink",
               "frames have another size or codec now: the recording goes on in %s", path);
    return code;
}

/* Makes the file fit for this track, which it takes over. SL_EUNSUPPORTED when it is too soon for
 * another part, SL_EAGAIN as above. */
static int fit(struct record *record, AVCodecParameters *track, int64_t utc_us) {
    int64_t now_us = sl_now_us();
    bool same = record->track && sl_track_same(track, record->track);
    int code = SL_OK;
    if (record->muxer && same) {
        avcodec_parameters_free(&track);
        return SL_OK;
    }
    if (record->track && record->muxer && now_us - record->part_us < SL_SECOND_US)
        code = sl_fail(SL_EUNSUPPORTED, "its size or codec changes more than once a second");
    else if (record->track)
        code = next_part(record);
    if (code == SL_OK)
        code = sl_muxer_begin(record->muxer, track, utc_us);
    if (code < 0) {
        avcodec_parameters_free(&track);
        return code;
    }
    avcodec_parameters_free(&record->track);
    record->track = track;
    record->part_us = now_us;
    return SL_OK;
}

/* When it was captured, by a clock that is one frame's as the next's. */
static int64_t time_of(const struct record *record, const sl_frame *coded) {
    if (record->tapped)
        return coded->captured_utc_us > 0 ? coded->captured_utc_us : sl_utc_us();
    return coded->captured_monotonic_us ? coded->captured_monotonic_us : sl_now_us();
}

/* Stores a frame; one that needs none before it may begin another part. SL_EUNSUPPORTED and
 * SL_EAGAIN as above. */
static int store(struct record *record, const sl_frame *coded, bool afresh) {
    AVCodecParameters *track = NULL;
    int code = afresh ? sl_track_read(&track, coded) : SL_OK;
    if (code == SL_OK && track)
        code = fit(record, track, coded->captured_utc_us);
    if (code < 0)
        return code;
    return sl_muxer_write(record->muxer, coded, afresh, time_of(record, coded));
}

/* Of a tap: frames of several cameras can't stand in one file. */
static int check_port(struct record *record, const sl_frame *frame) {
    const char *port = frame->port ? frame->port : "";
    if (!record->tapped)
        return SL_OK;
    if (!record->port && !(record->port = strdup(port)))
        return sl_fail_memory();
    if (strcmp(record->port, port) == 0)
        return SL_OK;
    return sl_fail(SL_EUNSUPPORTED, "it is another camera's than those before: a file has one");
}

static void miss(void *state) {
    struct record *record = state;
    sl_intake_break(&record->intake);
}

/* A peer chose it, so it is no failure. What builds on it is of no use either, and a camera makes
 * keyframes when it is asked for one. */
static void refuse(struct record *record, const sl_frame *frame) {
    sl_refused_frame(&record->refused, frame, sl_error());
    if (!sl_format_is_video(frame->format))
        return;
    miss(record);
    if (record->viewer.refresh)
        record->viewer.refresh(record->viewer.user, frame->port);
}

static int take(struct record *record, const sl_frame *frame) {
    sl_frame *coded;
    bool afresh;
    int code = sl_intake_take(&record->intake, frame, &coded, &afresh);
    if (code == SL_OK)
        code = store(record, coded, afresh);
    sl_frame_unref(&coded);
    if (code != SL_EUNSUPPORTED && code != SL_EAGAIN)
        return code;
    refuse(record, frame);
    return SL_OK;
}

static int write_record(void *state, const sl_frame *frame) {
    struct record *record = state;
    if (record->ended)
        return sl_fail(SL_ESINK, "the recording %s has ended", record->path);
    int code = check_port(record, frame);
    if (code == SL_OK)
        return take(record, frame);
    if (code != SL_EUNSUPPORTED)
        return code;
    sl_refused_frame(&record->refused, frame, sl_error());
    return SL_OK;
}

static void tap(void *state, const sl_viewer *viewer) {
    struct record *record = state;
    record->tapped = true;
    record->viewer = *viewer;
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
    .tap = tap,
    .miss = miss,
    .close = close_record,
    .output = SL_OUTPUT_JPEG,
};
