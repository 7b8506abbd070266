/* source: packets from whatever libav can open. Belongs to the thread that reads the source. */
#include "source/input.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "source/jpeg.h"
#include "source/libav.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPEN_PATIENCE_US   (10 * SL_SECOND_US)
#define DEVICE_FIRST_US    (5 * SL_SECOND_US) /* cameras take their time to start */
#define USUAL_INTERVAL_US  (SL_SECOND_US / 25)
#define FAILURES_IN_A_ROW  50
#define AHEAD_MOST         32 /* as many buffers as a camera may have */
#define PROBE_DURATION_US  "500000"
#define CHUNK_BYTES        "65536"
#define CLOCK_DISAGREES_US (2 * SL_SECOND_US)

/* libav asks this while it waits. */
static int is_interrupted(void *opaque) {
    const sl_input *input = opaque;
    return sl_cancel_triggered(input->shared->cancel) ||
           (input->deadline_us && sl_now_us() > input->deadline_us);
}

static void set_patience(sl_input *input, int64_t patience_us) {
    input->deadline_us = patience_us ? sl_now_us() + patience_us : 0;
}

/* Why libav failed, for a person. `verb` is what could not be done: "can't be opened". */
static int fail(const sl_input *input, const char *verb, int error) {
    char reason[256];
    if (sl_cancel_triggered(input->shared->cancel))
        return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
    if (error == AVERROR(ENOMEM))
        return sl_fail_memory();
    if (error == AVERROR_EXIT)
        return sl_fail(SL_ESOURCE, "%s %s: it did not answer in time", input->name, verb);
    if (error == AVERROR(EBUSY))
        return sl_fail(SL_ESOURCE, "%s %s: it is in use by another program", input->name, verb);
    if (error == AVERROR_EOF)
        return sl_fail(SL_ESOURCE, "%s %s: it is empty", input->name, verb);
    if (error == AVERROR_INVALIDDATA && sl_libav_said())
        return sl_fail(SL_ESOURCE, "%s %s: it is no video, or damaged: %s", input->name, verb,
                       sl_libav_reason(error, reason, sizeof(reason)));
    /* libav's own words for this code would say nothing. */
    if (error == AVERROR_INVALIDDATA)
        return sl_fail(SL_ESOURCE, "%s %s: it is no video, or damaged", input->name, verb);
    return sl_fail(SL_ESOURCE, "%s %s: %s", input->name, verb,
                   sl_libav_reason(error, reason, sizeof(reason)));
}

static int open_format(sl_input *input, AVDictionary **options) {
    const sl_input_settings *settings = &input->settings;
    const AVInputFormat *format = NULL;
    if (settings->format && !(format = av_find_input_format(settings->format)))
        return sl_fail(SL_EUNSUPPORTED, "%s can't be opened: this libav was built without %s",
                       input->name, settings->format);
    input->format = avformat_alloc_context();
    if (!input->format)
        return sl_fail_memory();
    input->format->interrupt_callback = (AVIOInterruptCB){is_interrupted, input};
    input->format->pb = settings->io;
    if (settings->device)
        input->format->flags |= AVFMT_FLAG_NONBLOCK;
    if (settings->jpegs) {
        /* Bytes as they come: not cut into pictures by libav. */
        input->format->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
        av_dict_set(options, "raw_packet_size", CHUNK_BYTES, 0);
    }
    if (settings->low_delay) {
        /* Not "nobuffer": that throws away the packets used for probing, and with them the first
         * keyframe, where our thread catches up with them at once. */
        av_dict_set(options, "analyzeduration", PROBE_DURATION_US, AV_DICT_DONT_OVERWRITE);
        av_dict_set(options, "fpsprobesize", "0", AV_DICT_DONT_OVERWRITE);
    }
    sl_libav_forget();
    /* Frees the context itself when it fails. */
    int error = avformat_open_input(&input->format, settings->url, format, options);
    return error < 0 ? fail(input, "can't be opened", error) : SL_OK;
}

static int find_stream(sl_input *input) {
    AVFormatContext *format = input->format;
    if (!input->settings.device && !input->settings.jpegs) {
        int error = avformat_find_stream_info(format, NULL);
        if (error < 0)
            return fail(input, "can't be read", error);
    }
    int found = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    /* libav draws text files, and finds cover pictures in music. */
    if (found < 0 || strcmp(format->iformat->name, "tty") == 0 ||
        format->streams[found]->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return sl_fail(SL_ESOURCE, "there is no video in %s", input->name);
    input->stream = format->streams[found];
    enum AVCodecID id = input->stream->codecpar->codec_id;
    input->codec = avcodec_find_decoder(id);
    if (!input->codec)
        return sl_fail(SL_ESOURCE, "%s holds video of a kind that can't be decoded: %s",
                       input->name, avcodec_get_name(id));
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i] != input->stream)
            format->streams[i]->discard = AVDISCARD_ALL;
    return SL_OK;
}

/* Most demuxers take it for the end when nothing more can be read. */
static int end_or_failure(const sl_input *input) {
    const AVIOContext *io = input->format->pb;
    if (!io || io->error >= 0 || io->error == AVERROR_EOF)
        return SL_EEND;
    return fail(input, "broke off", io->error);
}

/* After a packet that can't be read: SL_EAGAIN, or failure when there are too many in a row. */
static int pass_over(sl_input *input) {
    uint64_t corrupt = atomic_fetch_add(&input->shared->corrupt, 1) + 1;
    if (++input->failures < FAILURES_IN_A_ROW)
        return SL_EAGAIN;
    return sl_fail(SL_ESOURCE,
                   "%s is damaged: %" PRIu64 " of its packets could not be decoded, the last %d "
                   "of them in a row",
                   input->name, corrupt, input->failures);
}

/* One packet of any stream: SL_OK, SL_EAGAIN of a device, SL_EEND, or failure. */
static int read_once(sl_input *input, AVPacket *packet) {
    sl_libav_forget();
    int error = av_read_frame(input->format, packet);
    if (error >= 0) {
        input->failures = 0;
        return SL_OK;
    }
    if (error == AVERROR(EAGAIN))
        return SL_EAGAIN;
    if (sl_cancel_triggered(input->shared->cancel))
        return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
    if (error == AVERROR_EOF)
        return end_or_failure(input);
    /* A bad piece of a file is behind us once it was read; what follows may be good. */
    if (error == AVERROR_INVALIDDATA && !input->settings.device)
        return pass_over(input);
    return fail(input, "stopped", error);
}

/* Waits until a whole JPEG is there: SL_OK, SL_EEND, or failure. */
static int gather_jpeg(sl_input *input, AVPacket *packet, size_t *size) {
    int code = SL_OK;
    while (code >= 0 && (*size = sl_mjpeg_find(&input->jpegs)) == 0) {
        code = read_once(input, packet);
        if (code == SL_OK)
            code = sl_mjpeg_add(&input->jpegs, packet->data, (size_t)packet->size);
        av_packet_unref(packet);
    }
    return code;
}

/* The stream says nothing about itself; its first picture does. */
static int probe_jpegs(sl_input *input) {
    size_t size = 0;
    sl_jpeg_facts facts;
    AVPacket *packet = av_packet_alloc();
    int code = packet ? gather_jpeg(input, packet, &size) : sl_fail_memory();
    av_packet_free(&packet);
    if (code == SL_EEND)
        return sl_fail(SL_ESOURCE, "%s ended before its first picture did", input->name);
    if (code < 0)
        return code;
    sl_jpeg_inspect(input->jpegs.bytes, size, &facts);
    input->stream->codecpar->width = facts.width;
    input->stream->codecpar->height = facts.height;
    return SL_OK;
}

int sl_input_open(sl_input *input, sl_source_shared *shared, const sl_input_settings *settings,
                  AVDictionary **options) {
    sl_libav_prepare();
    *input = (sl_input){.shared = shared, .settings = *settings};
    snprintf(input->name, sizeof(input->name), "%s", settings->name);
    set_patience(input, settings->patience_us ? OPEN_PATIENCE_US : 0);
    int code = open_format(input, options);
    av_dict_free(options);
    if (code >= 0)
        code = find_stream(input);
    if (code >= 0 && settings->jpegs)
        code = probe_jpegs(input);
    if (code >= 0 && settings->device && !(input->ahead = av_packet_alloc()))
        code = sl_fail_memory();
    if (code < 0)
        sl_input_finish(input);
    else if (input->format->pb)
        input->format->pb->error = 0; /* probing looks where there may be nothing */
    return code;
}

int64_t sl_input_interval_us(const sl_input *input) {
    AVRational rate = input->stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        rate = input->stream->r_frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        return USUAL_INTERVAL_US;
    int64_t interval_us = av_rescale(SL_SECOND_US, rate.den, rate.num);
    return interval_us > 0 ? interval_us : 1;
}

bool sl_input_is_stored(const sl_input *input) {
    AVIOContext *io = input->format->pb;
    return input->format->duration > 0 || (io && avio_size(io) > 0);
}

static bool is_ours(const sl_input *input, AVPacket *packet) {
    if (packet->stream_index == input->stream->index && packet->size > 0)
        return true;
    if (packet->stream_index == input->stream->index)
        atomic_fetch_add(&input->shared->corrupt, 1);
    av_packet_unref(packet);
    return false;
}

/* A device can't be polled through libav, and blocked in it could not be cancelled. So sleep until
 * shortly before the next picture should be there, and then look each millisecond. */
static int wait_for_device(const sl_input *input, int64_t silent_since_us) {
    int64_t now_us = sl_now_us(), interval_us = sl_input_interval_us(input);
    int64_t patience_us = input->settings.patience_us;
    if (patience_us < 3 * interval_us)
        patience_us = 3 * interval_us;
    if (!input->last_us && patience_us < DEVICE_FIRST_US)
        patience_us = DEVICE_FIRST_US;
    if (now_us - silent_since_us > patience_us)
        return sl_fail(SL_ESOURCE, "%s has sent no picture for %.1f s", input->name,
                       (double)(now_us - silent_since_us) / 1e6);
    int64_t wake_us = input->last_us + interval_us - 2000;
    if (wake_us < now_us + 1000)
        wake_us = now_us + 1000;
    int code = sl_wait(-1, 0, input->shared->cancel, wake_us);
    return code == SL_EAGAIN ? SL_OK : code;
}

/* Goes on to the newest picture that the device has ready: older ones piled up while nobody read,
 * and would stay behind for ever. */
static void skip_to_newest(sl_input *input, AVPacket *packet) {
    const AVCodecDescriptor *codec = avcodec_descriptor_get(input->stream->codecpar->codec_id);
    if (!codec || !(codec->props & AV_CODEC_PROP_INTRA_ONLY))
        return;
    for (int i = 0; i < AHEAD_MOST && read_once(input, input->ahead) == SL_OK; i++) {
        if (!is_ours(input, input->ahead))
            continue;
        av_packet_unref(packet);
        av_packet_move_ref(packet, input->ahead);
        atomic_fetch_add(&input->shared->dropped, 1);
    }
}

/* Cameras stamp their pictures in one clock or the other, or not at all. */
static int64_t capture_time(const sl_input *input, const AVPacket *packet) {
    int64_t now_us = sl_now_us();
    if (!input->settings.device || packet->pts == AV_NOPTS_VALUE)
        return now_us;
    int64_t stamp_us = av_rescale_q(packet->pts, input->stream->time_base, AV_TIME_BASE_Q);
    int64_t monotonic_age_us = now_us - stamp_us, utc_age_us = sl_utc_us() - stamp_us;
    if (monotonic_age_us >= 0 && monotonic_age_us < CLOCK_DISAGREES_US)
        return stamp_us;
    if (utc_age_us >= 0 && utc_age_us < CLOCK_DISAGREES_US)
        return now_us - utc_age_us;
    return now_us;
}

/* The next of the JPEGs, as a packet. */
static int read_jpeg(sl_input *input, AVPacket *packet) {
    size_t size = 0;
    int code = gather_jpeg(input, packet, &size);
    if (code < 0)
        return code;
    if (av_new_packet(packet, (int)size) < 0)
        return sl_fail_memory();
    memcpy(packet->data, input->jpegs.bytes, size);
    packet->stream_index = input->stream->index;
    sl_mjpeg_drop(&input->jpegs, size);
    return SL_OK;
}

int sl_input_read(sl_input *input, AVPacket *packet, int64_t *captured_us) {
    int64_t silent_since_us = input->last_us ? input->last_us : sl_now_us();
    for (;;) {
        if (sl_cancel_triggered(input->shared->cancel))
            return sl_fail(SL_ECANCELED, "%s", sl_strerror(SL_ECANCELED));
        set_patience(input, input->settings.patience_us);
        int code = input->settings.jpegs ? read_jpeg(input, packet) : read_once(input, packet);
        if (code == SL_OK && is_ours(input, packet)) {
            if (input->settings.device)
                skip_to_newest(input, packet);
            input->last_us = sl_now_us();
            *captured_us = capture_time(input, packet);
            return SL_OK;
        }
        if (code == SL_EAGAIN && input->settings.device)
            code = wait_for_device(input, silent_since_us);
        if (code < 0 && code != SL_EAGAIN)
            return code;
    }
}

static void release_packet(void *opaque, void *data) {
    AVPacket *packet = opaque;
    (void)data;
    av_packet_free(&packet);
}

int sl_input_keep(const sl_input *input, AVPacket *packet, sl_buffer **bytes) {
    if (input->settings.device) {
        int code = sl_buffer_new(bytes, (size_t)packet->size);
        if (code >= 0)
            memcpy((*bytes)->data, packet->data, (size_t)packet->size);
        return code;
    }
    AVPacket *kept = av_packet_alloc();
    if (!kept)
        return sl_fail_memory();
    av_packet_move_ref(kept, packet);
    int code = sl_buffer_wrap(bytes, kept->data, (size_t)kept->size, release_packet, kept);
    if (code < 0)
        av_packet_free(&kept);
    return code;
}

void sl_input_finish(sl_input *input) {
    av_packet_free(&input->ahead);
    sl_mjpeg_finish(&input->jpegs);
    avformat_close_input(&input->format);
    input->stream = NULL;
}
