/* A camera that segments are recorded of, and reading them back. */
#ifndef TESTS_UNIT_SINK_SEGMENTS_H
#define TESTS_UNIT_SINK_SEGMENTS_H

#include "base/clock.h"
#include "base/text.h"
#include "film.h"
#include "pictures.h"

#include <dirent.h>
#include <libavutil/parseutils.h>
#include <pthread.h>
#include <sightline/recorder.h>
#include <sys/stat.h>

#define UTC      INT64_C(1796052600123000) /* 2026-11-30 15:30:00.123 */
#define FRAME_US (SL_SECOND_US / 30)

/* A receiver with one camera, which sends a keyframe when it is asked for one. */
struct camera {
    pthread_mutex_t lock;
    bool asked;
    char port[128];
};

static struct camera camera = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline size_t list_cameras(void *user, sl_camera_view *cameras, size_t room) {
    const struct camera *own = user;
    assert_true(room >= 1);
    memset(cameras, 0, sizeof(*cameras));
    strcpy(cameras->id, "door");
    strcpy(cameras->port, own->port);
    return 1;
}

static inline void refresh(void *user, const char *port) {
    struct camera *own = user;
    pthread_mutex_lock(&own->lock);
    own->asked = own->asked || strcmp(port, own->port) == 0;
    pthread_mutex_unlock(&own->lock);
}

static inline bool take_wish(void) {
    pthread_mutex_lock(&camera.lock);
    bool asked = camera.asked;
    camera.asked = false;
    pthread_mutex_unlock(&camera.lock);
    return asked;
}

static const sl_viewer viewer = {.user = &camera, .cameras = list_cameras, .refresh = refresh};

/* The names of files in a folder, in their order. */
struct names {
    char each[64][160];
    int count;
};

static inline int compare(const void *one, const void *other) {
    return strcmp(one, other);
}

static inline struct names list(const char *name) {
    struct names names = {0};
    DIR *directory = opendir(path_of(name));
    for (const struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_name[0] != '.' && names.count < 64)
            sl_text_copy(names.each[names.count++], entry->d_name, 160);
    if (directory)
        closedir(directory);
    qsort(names.each, (size_t)names.count, sizeof(names.each[0]), compare);
    return names;
}

/* What libavformat says of a segment: when it began, and the times of its frames. */
struct read_back {
    int frames, pictures;
    int64_t utc_us[1000];
    enum AVCodecID codec;
    int width;
};

static inline void decode(AVCodecContext *context, const AVPacket *packet, struct read_back *read) {
    AVFrame *image = av_frame_alloc();
    assert_int_equal(avcodec_send_packet(context, packet), 0);
    while (avcodec_receive_frame(context, image) == 0) {
        assert_int_equal(image->decode_error_flags, 0);
        read->pictures++;
    }
    av_frame_free(&image);
}

static inline AVCodecContext *open_decoder(const AVStream *stream) {
    AVCodecContext *context =
        avcodec_alloc_context3(avcodec_find_decoder(stream->codecpar->codec_id));
    assert_true(avcodec_parameters_to_context(context, stream->codecpar) >= 0);
    context->thread_count = 1;
    context->err_recognition = AV_EF_EXPLODE;
    assert_int_equal(avcodec_open2(context, context->codec, NULL), 0);
    return context;
}

static inline int64_t creation_us(const AVFormatContext *context) {
    const AVDictionaryEntry *entry = av_dict_get(context->metadata, "creation_time", NULL, 0);
    int64_t time_us;
    assert_non_null(entry);
    assert_true(av_parse_time(&time_us, entry->value, 0) >= 0);
    return time_us;
}

static inline struct read_back read_segment(const char *path) {
    AVFormatContext *context = NULL;
    struct read_back read = {0};
    if (avformat_open_input(&context, path, NULL, NULL) < 0)
        fail_msg("%s can't be read", path);
    const AVStream *stream = context->streams[0];
    AVCodecContext *decoder = open_decoder(stream);
    AVPacket *packet = av_packet_alloc();
    read.codec = stream->codecpar->codec_id;
    read.width = stream->codecpar->width;
    while (av_read_frame(context, packet) >= 0) {
        if (read.frames == 0)
            assert_true(packet->flags & AV_PKT_FLAG_KEY);
        int64_t time_us = av_rescale_q(packet->pts, stream->time_base, (AVRational){1, 1000000});
        read.utc_us[read.frames++] = creation_us(context) + time_us;
        decode(decoder, packet, &read);
        av_packet_unref(packet);
    }
    decode(decoder, NULL, &read);
    av_packet_free(&packet);
    avcodec_free_context(&decoder);
    avformat_close_input(&context);
    return read;
}

static inline struct read_back read_named(const char *directory, const char *name) {
    char relative[256];
    snprintf(relative, sizeof(relative), "%s/%s", directory, name);
    return read_segment(path_of(relative));
}

#endif
