/* sink/recording: one recording on disk. Used by record.c and segment.c. */
#include "sink/recording/muxer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sink/kind.h"
#include "sink/recording/track.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libavformat/avformat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IO_BYTES    65536
#define PIECE_US    (SL_SECOND_US / 2)
#define PIECE_BYTES INT64_C(16000000)
#define FIRST_FRAME_US                                                                             \
    (SL_SECOND_US / 30) /* how long the first frame is shown, for want of a second */
#define LONGEST_FRAME_US (10 * SL_SECOND_US)

struct sl_muxer {
    char *path;
    int fd;
    bool made;   /* the file was not there before */
    int failure; /* errno of the first write that failed: nothing is written after it */

    AVFormatContext *context;
    AVIOContext *io;
    AVPacket *packet;
    bool begun;

    int64_t first_us, last_us; /* times of the first frame and of the newest */
    int64_t last_pts;          /* in the stream's time base */
    uint64_t frames;           /* handed to the container */

    int64_t piece_us; /* when the piece being gathered began */
    size_t piece_bytes;
    off_t good_bytes;     /* the file up to the last whole piece */
    uint64_t good_frames; /* those in it */
};

const char *const sl_muxer_endings[] = {".mkv", ".mp4", ".mov", NULL};

static int write_bytes(void *opaque, uint8_t *bytes, int size) {
    sl_muxer *muxer = opaque;
    for (int written = 0; written < size && !muxer->failure;) {
        ssize_t count = write(muxer->fd, bytes + written, (size_t)(size - written));
        if (count < 0 && errno != EINTR)
            muxer->failure = errno;
        else if (count > 0)
            written += (int)count;
    }
    return muxer->failure ? AVERROR(muxer->failure) : size;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence) {
    sl_muxer *muxer = opaque;
    if (whence & AVSEEK_SIZE)
        return AVERROR(ENOSYS);
    off_t place = lseek(muxer->fd, offset, whence & ~AVSEEK_FORCE);
    return place < 0 ? AVERROR(errno) : place;
}

/* The sentence for whatever stopped the writing, once the file is cut back to what is whole. */
static int write_failed(sl_muxer *muxer) {
    int failure = muxer->failure ? muxer->failure : EIO;
    muxer->failure = failure;
    /* Devices can't be cut, and need not be. */
    int cut = ftruncate(muxer->fd, muxer->good_bytes);
    (void)cut;
    char kept[96] = "it holds no frame";
    if (muxer->good_frames > 0)
        snprintf(kept, sizeof(kept), "it holds %" PRIu64 " frames up to here and is playable",
                 muxer->good_frames);
    if (failure == ENOSPC || failure == EDQUOT)
        return sl_fail(SL_ESINK, "the disk is full: there is no space for more of %s; %s",
                       muxer->path, kept);
    return sl_fail(SL_ESINK, "cannot write to %s: %s; %s", muxer->path, strerror(failure), kept);
}

static int open_file(sl_muxer *muxer, bool fresh) {
    struct stat status;
    /* Files never block; a pipe would, for want of a reader. */
    int flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK;
    muxer->fd = fresh ? -1 : open(muxer->path, flags);
    if (muxer->fd < 0 && (fresh || errno == ENOENT)) {
        muxer->fd = open(muxer->path, flags | O_CREAT | O_EXCL, 0666);
        muxer->made = muxer->fd >= 0;
    }
    if (muxer->fd < 0 && errno == EISDIR)
        return sl_fail(SL_ESINK, "%s is a folder: name a file in it", muxer->path);
    if (muxer->fd < 0 && errno == ENOENT)
        return sl_fail(SL_ESINK, "cannot record into %s: its folder is not there", muxer->path);
    if (muxer->fd >= 0 ? fstat(muxer->fd, &status) == 0 && S_ISFIFO(status.st_mode)
                       : errno == ENXIO)
        return sl_fail(SL_ESINK, "cannot record into %s: it is a pipe, which can't be wound back",
                       muxer->path);
    bool again = errno == EMFILE || errno == ENFILE;
    if (muxer->fd < 0)
        return sl_fail(fresh && errno == EEXIST ? SL_EINUSE
                       : fresh && again         ? SL_EAGAIN
                                                : SL_ESINK,
                       "cannot record into %s: %s", muxer->path, strerror(errno));
    return SL_OK;
}

static void free_muxer(sl_muxer *muxer) {
    if (muxer->fd >= 0)
        close(muxer->fd);
    avformat_free_context(muxer->context);
    if (muxer->io)
        av_freep(&muxer->io->buffer);
    avio_context_free(&muxer->io);
    av_packet_free(&muxer->packet);
    free(muxer->path);
    free(muxer);
}

/* Everything that begin needs memory for. */
static int prepare(sl_muxer *muxer) {
    static const char *const matroska[] = {".mkv", NULL}, *const quicktime[] = {".mov", NULL};
    const char *container = sl_sink_ends_with(muxer->path, matroska)    ? "matroska"
                            : sl_sink_ends_with(muxer->path, quicktime) ? "mov"
                                                                        : "mp4";
    if (avformat_alloc_output_context2(&muxer->context, NULL, container, NULL) < 0)
        return sl_fail(SL_ESINK, "this libavformat can't write %s", container);
    muxer->packet = av_packet_alloc();
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer)
        muxer->io = avio_alloc_context(buffer, IO_BYTES, 1, muxer, NULL, write_bytes, seek_bytes);
    if (!muxer->io)
        av_free(buffer);
    if (!muxer->io || !muxer->packet || !avformat_new_stream(muxer->context, NULL))
        return sl_fail_memory();
    muxer->context->pb = muxer->io;
    /* Pieces are flushed whole, by us. */
    muxer->context->flush_packets = 0;
    return SL_OK;
}

int sl_muxer_open(sl_muxer **muxer, const char *path, bool fresh) {
    sl_muxer *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->fd = -1;
    opened->path = strdup(path);
    int code = opened->path ? open_file(opened, fresh) : sl_fail_memory();
    if (code == SL_OK)
        code = prepare(opened);
    if (code < 0) {
        if (opened->made)
            unlink(path);
        free_muxer(opened);
        return code;
    }
    *muxer = opened;
    return SL_OK;
}

/* The piece so far is in the file, and counts. */
static int end_piece(sl_muxer *muxer) {
    if (av_write_frame(muxer->context, NULL) < 0 || muxer->failure)
        return write_failed(muxer);
    avio_flush(muxer->io);
    if (muxer->failure)
        return write_failed(muxer);
    muxer->good_bytes = lseek(muxer->fd, 0, SEEK_CUR);
    muxer->good_frames = muxer->frames;
    muxer->piece_bytes = 0;
    return SL_OK;
}

/* The container's own notes of when the first frame was captured. */
static void note_time(sl_muxer *muxer, int64_t utc_us) {
    time_t seconds = (time_t)(utc_us / SL_SECOND_US);
    struct tm moment;
    char text[64] = "";
    if (utc_us <= 0 || !gmtime_r(&seconds, &moment))
        return;
    size_t used = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &moment);
    snprintf(text + used, sizeof(text) - used, ".%06dZ", (int)(utc_us % SL_SECOND_US));
    av_dict_set(&muxer->context->metadata, "creation_time", text, 0);
}

static int write_head(sl_muxer *muxer) {
    AVDictionary *options = NULL;
    /* Each container knows its own and leaves the other's. */
    av_dict_set(&options, "movflags", "frag_custom+empty_moov+default_base_moof", 0);
    av_dict_set_int(&options, "cluster_time_limit", 30000, 0);
    av_dict_set_int(&options, "cluster_size_limit", 2 * PIECE_BYTES, 0);
    int written = avformat_write_header(muxer->context, &options);
    av_dict_free(&options);
    avio_flush(muxer->io);
    if (muxer->failure)
        return write_failed(muxer);
    if (written < 0)
        return sl_fail(SL_ESINK, "cannot begin the recording %s: %s", muxer->path,
                       av_err2str(written));
    muxer->begun = true;
    muxer->good_bytes = lseek(muxer->fd, 0, SEEK_CUR);
    return SL_OK;
}

int sl_muxer_begin(sl_muxer *muxer, const AVCodecParameters *track, int64_t utc_us) {
    AVStream *stream = muxer->context->streams[0];
    if (avcodec_parameters_copy(stream->codecpar, track) < 0)
        return sl_fail_memory();
    stream->time_base = (AVRational){1, 90000};
    note_time(muxer, utc_us);
    int cut = ftruncate(muxer->fd, 0); /* a device has nothing to cut */
    (void)cut;
    return write_head(muxer);
}

/* Where the frame stands in the stream: strictly after the one before. */
static void set_times(sl_muxer *muxer, int64_t time_us) {
    AVRational base = muxer->context->streams[0]->time_base, microseconds = {1, 1000000};
    int64_t pts = 0, shown_us = FIRST_FRAME_US;
    if (muxer->frames == 0) {
        muxer->first_us = time_us;
    } else {
        pts = av_rescale_q(time_us - muxer->first_us, microseconds, base);
        if (pts <= muxer->last_pts)
            pts = muxer->last_pts + 1;
        shown_us = time_us - muxer->last_us;
    }
    if (shown_us < 0 || shown_us > LONGEST_FRAME_US)
        shown_us = FIRST_FRAME_US;
    muxer->last_us = time_us;
    muxer->last_pts = pts;
    muxer->packet->pts = muxer->packet->dts = pts;
    /* A guess that the next frame corrects; only a piece's last one is shown for that long. */
    muxer->packet->duration = av_rescale_q(shown_us, microseconds, base);
    if (muxer->packet->duration < 1)
        muxer->packet->duration = 1;
}

/* The container copies JPEGs as they are, which may so stay the frame's; of video it makes other
 * bytes, and reads beyond their end. */
static int fill_packet(sl_muxer *muxer, const sl_frame *coded, bool afresh) {
    AVPacket *packet = muxer->packet;
    if (coded->format == SL_FORMAT_JPEG) {
        packet->data = coded->planes[0];
        packet->size = (int)coded->size;
    } else if (sl_track_packet(packet, coded) < 0) {
        return SL_ENOMEM;
    }
    packet->stream_index = 0;
    packet->flags = afresh ? AV_PKT_FLAG_KEY : 0;
    return SL_OK;
}

/* Whether the piece ends before a frame of this size and time. */
static bool piece_ends(const sl_muxer *muxer, size_t size, int64_t time_us) {
    return muxer->piece_bytes > 0 &&
           (time_us - muxer->piece_us >= PIECE_US || time_us < muxer->piece_us ||
            (int64_t)(muxer->piece_bytes + size) > PIECE_BYTES);
}

int sl_muxer_write(sl_muxer *muxer, const sl_frame *coded, bool afresh, int64_t time_us) {
    if (muxer->failure)
        return write_failed(muxer);
    int code = piece_ends(muxer, coded->size, time_us) ? end_piece(muxer) : SL_OK;
    if (code == SL_OK)
        code = fill_packet(muxer, coded, afresh);
    if (code < 0)
        return code;
    if (muxer->piece_bytes == 0)
        muxer->piece_us = time_us;
    set_times(muxer, time_us);
    int written = av_write_frame(muxer->context, muxer->packet);
    av_packet_unref(muxer->packet);
    if (muxer->failure)
        return write_failed(muxer);
    if (written < 0)
        return sl_fail(written == AVERROR_INVALIDDATA ? SL_EUNSUPPORTED : SL_ESINK,
                       "cannot add a frame to %s: %s", muxer->path, av_err2str(written));
    muxer->frames++;
    muxer->piece_bytes += coded->size;
    return SL_OK;
}

int sl_muxer_flush(sl_muxer *muxer) {
    if (muxer->failure)
        return write_failed(muxer);
    return muxer->piece_bytes > 0 ? end_piece(muxer) : SL_OK;
}

int sl_muxer_sync(sl_muxer *muxer) {
    if (fdatasync(muxer->fd) == 0 || errno == EINVAL || errno == EROFS) /* a device */
        return SL_OK;
    muxer->failure = errno;
    return write_failed(muxer);
}

int sl_muxer_rename(sl_muxer *muxer, const char *path) {
    char *copy = strdup(path);
    if (!copy)
        return sl_fail_memory();
    if (rename(muxer->path, path) < 0) {
        free(copy);
        return sl_fail(SL_ESINK, "cannot rename %s: %s", muxer->path, strerror(errno));
    }
    free(muxer->path);
    muxer->path = copy;
    return SL_OK;
}

int64_t sl_muxer_bytes(const sl_muxer *muxer) {
    return muxer->good_bytes;
}

uint64_t sl_muxer_gathered(const sl_muxer *muxer) {
    return muxer->frames - muxer->good_frames;
}

int sl_muxer_failure(const sl_muxer *muxer) {
    return muxer->failure;
}

static int finish(sl_muxer *muxer) {
    int code = sl_muxer_flush(muxer);
    if (code < 0)
        return code;
    int written = av_write_trailer(muxer->context);
    avio_flush(muxer->io);
    /* Without its index it is still a good file; but say what went wrong. */
    if (written < 0 || muxer->failure)
        return write_failed(muxer);
    if (close(muxer->fd) < 0)
        muxer->failure = errno;
    muxer->fd = -1;
    if (muxer->failure)
        return write_failed(muxer);
    sl_log(SL_LOG_INFO, "sink", "%s holds %" PRIu64 " frames", muxer->path, muxer->good_frames);
    return SL_OK;
}

int sl_muxer_close(sl_muxer **muxer) {
    sl_muxer *closed = *muxer;
    if (!closed)
        return SL_OK;
    int code = closed->begun && !closed->failure ? finish(closed) : SL_OK;
    if (closed->good_frames == 0 && closed->made)
        unlink(closed->path);
    free_muxer(closed);
    *muxer = NULL;
    return code;
}
