/* sink/recording: one of a recorder's files. Used by tape.c. */
#include "sink/recording/segment.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPIES_MAX 100
#define FLUSH_US   SL_SECOND_US /* a piece waits for more frames no longer */
#define SYNC_US    (5 * SL_SECOND_US)

static int make_folder(const char *folder) {
    char path[SL_SEGMENT_PATH_MAX];
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        return SL_OK;
    if (errno != ENOENT)
        return sl_fail(SL_ESINK, "cannot make the folder %s: %s", folder, strerror(errno));
    snprintf(path, sizeof(path), "%s", folder);
    return sl_folders_make(path) < 0 ? SL_ESINK : SL_OK;
}

/* "DIRECTORY/ID/NAME", or with a dot before the name. */
static void make_path(const sl_segment *segment, const char *dot, char path[SL_SEGMENT_PATH_MAX]) {
    snprintf(path, SL_SEGMENT_PATH_MAX, "%s/%s%s", segment->folder, dot, segment->name);
}

/* A file of a new name: that of another may stand there, from before a clock was set back. */
static int open_new(sl_segment *segment, int64_t utc_us) {
    char path[SL_SEGMENT_PATH_MAX];
    int code = SL_EINUSE;
    for (int copy = 1; code == SL_EINUSE && copy <= COPIES_MAX; copy++) {
        sl_naming_segment(segment->name, segment->id, utc_us, copy);
        make_path(segment, "", path);
        if (access(path, F_OK) == 0)
            continue;
        make_path(segment, ".", path);
        code = sl_muxer_open(&segment->muxer, path, true);
    }
    return code < 0 ? SL_ESINK : SL_OK;
}

int sl_segment_begin(sl_segment *segment, const char *directory, const char *id,
                     AVCodecParameters *track, int64_t utc_us, int64_t now_us) {
    avcodec_parameters_free(&segment->track);
    segment->track = track;
    segment->first_us = utc_us;
    segment->written_us = segment->synced_us = now_us;
    segment->shown = false;
    snprintf(segment->id, sizeof(segment->id), "%s", id);
    int length = snprintf(segment->folder, sizeof(segment->folder), "%s/%s", directory, id);
    if (length < 0 || (size_t)length >= sizeof(segment->folder))
        return sl_fail(SL_ESINK, "the path %.200s… is too long", directory);
    int code = make_folder(segment->folder);
    if (code == SL_OK)
        code = open_new(segment, utc_us);
    return code == SL_OK ? sl_muxer_begin(segment->muxer, track, utc_us) : code;
}

/* Has the disk keep the folder's names, as far as it can. */
static void sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Now that the first frame is in it. */
static int show(sl_segment *segment) {
    char path[SL_SEGMENT_PATH_MAX];
    int code = sl_muxer_flush(segment->muxer);
    if (code == SL_OK)
        code = sl_muxer_sync(segment->muxer);
    make_path(segment, "", path);
    if (code == SL_OK)
        code = sl_muxer_rename(segment->muxer, path);
    if (code < 0)
        return code;
    sync_folder(segment->folder);
    segment->shown = true;
    memcpy(segment->path, path, sizeof(path));
    return SL_OK;
}

int sl_segment_write(sl_segment *segment, const sl_frame *coded, bool afresh, int64_t utc_us,
                     int64_t now_us) {
    segment->written_us = now_us;
    int code = sl_muxer_write(segment->muxer, coded, afresh, utc_us);
    return code == SL_OK && !segment->shown ? show(segment) : code;
}

int sl_segment_tend(sl_segment *segment, int64_t now_us) {
    int code = SL_OK;
    if (now_us - segment->written_us >= FLUSH_US)
        code = sl_muxer_flush(segment->muxer);
    if (code == SL_OK && now_us - segment->synced_us >= SYNC_US) {
        code = sl_muxer_sync(segment->muxer);
        segment->synced_us = now_us;
    }
    return code;
}

bool sl_segment_is_long(const sl_segment *segment, const sl_extent *most, int64_t length_us) {
    return (most->us > 0 && length_us >= most->us) ||
           (most->bytes > 0 && sl_muxer_bytes(segment->muxer) >= most->bytes);
}

int sl_segment_end(sl_segment *segment) {
    avcodec_parameters_free(&segment->track);
    return sl_muxer_close(&segment->muxer);
}
