/* source: a stream by its URL: RTSP, HTTP, or whatever else libav knows. What is made just now is
 * live, and opened again for ever when it stops; what is stored on a server is played like a file,
 * once.
 */
#include "base/error.h"
#include "source/kind.h"
#include "source/playback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_US INT64_C(8000000)

struct network {
    sl_source_shared *shared;
    sl_reader *reader;
    bool stored;
    sl_pace pace;
};

static bool matches(const char *source) {
    const char *scheme_end = strstr(source, "://");
    size_t letters =
        strspn(source, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return scheme_end && scheme_end != source && (size_t)(scheme_end - source) == letters;
}

static bool is_rtsp(const char *source) {
    return strncasecmp(source, "rtsp", 4) == 0;
}

static int open_reader(struct network *network) {
    const char *url = network->shared->settings.source;
    AVDictionary *options = NULL;
    if (is_rtsp(url)) {
        /* Over UDP a lost packet is a spoilt picture; it stays the second choice. */
        av_dict_set(&options, "rtsp_flags", "prefer_tcp", 0);
        av_dict_set(&options, "allowed_media_types", "video", 0);
    } else {
        /* Within a stored file; a live stream is opened afresh by us. */
        av_dict_set(&options, "reconnect", "1", 0);
        av_dict_set(&options, "reconnect_delay_max", "2", 0);
    }
    sl_reader_settings settings = {
        .input = {.name = network->shared->name,
                  .url = url,
                  .low_delay = true,
                  .patience_us = PATIENCE_US},
        .live = true,
    };
    return sl_reader_open(&network->reader, network->shared, &settings, &options);
}

static void close_network(void *state) {
    struct network *network = state;
    sl_reader_close(&network->reader);
    free(network);
}

static int open_network(void **state, sl_source_shared *shared, char *describe, size_t size) {
    avformat_network_init();
    struct network *network = calloc(1, sizeof(*network));
    if (!network)
        return sl_fail_memory();
    network->shared = shared;
    int code = open_reader(network);
    if (code < 0) {
        free(network);
        return code;
    }
    network->stored = !is_rtsp(shared->settings.source) && sl_reader_is_stored(network->reader);
    sl_reader_describe(network->reader, describe, size);
    *state = network;
    return SL_OK;
}

static int read_network(void *state, sl_frame **frame) {
    struct network *network = state;
    int64_t pts_us;
    if (network->stored)
        return sl_playback_read(&network->pace, network->reader, network->shared, frame);
    int code = sl_reader_read(network->reader, frame, &pts_us);
    if (code == SL_EEND)
        return sl_fail(SL_ESOURCE, "%s stopped: the server ended the stream",
                       network->shared->name);
    return code;
}

static bool is_live(const void *state) {
    const struct network *network = state;
    return !network->stored;
}

const sl_source_kind sl_source_network = {
    .name = "stream",
    .matches = matches,
    .open = open_network,
    .read = read_network,
    .close = close_network,
    .live = is_live,
    .returns = true,
};
