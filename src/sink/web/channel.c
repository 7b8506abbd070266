/* sink/web: one camera's frames for browsers. Used by hub.c, under its lock. */
#include "sink/web/channel.h"
#include "base/clock.h"
#include "frame/frame.h"
#include "frame/jpeg_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_channel(sl_web_channel *channel) {
    sl_web_track_finish(&channel->video);
    sl_web_track_finish(&channel->pictures);
    sl_frame_unref(&channel->order);
    free(channel);
}

/* Makes room where there are as many as a receiver knows cameras. False when all are in use. */
static bool make_room(sl_web_channel **channels) {
    int count = 0;
    sl_web_channel **oldest = NULL;
    for (sl_web_channel **at = channels; *at; at = &(*at)->next) {
        count++;
        if ((*at)->users == 0 && (!oldest || (*at)->came_us < (*oldest)->came_us))
            oldest = at;
    }
    if (count < SL_VIEWS_MAX)
        return true;
    if (!oldest)
        return false;
    sl_web_channel *gone = *oldest;
    *oldest = gone->next;
    free_channel(gone);
    return true;
}

sl_web_channel *sl_web_channel_find(sl_web_channel **channels, const char *port) {
    sl_web_channel *channel = *channels;
    while (channel && strncmp(channel->port, port ? port : "", sizeof(channel->port) - 1) != 0)
        channel = channel->next;
    if (!channel && make_room(channels) && (channel = calloc(1, sizeof(*channel)))) {
        snprintf(channel->port, sizeof(channel->port), "%s", port ? port : "");
        channel->next = *channels;
        *channels = channel;
    }
    if (channel)
        channel->came_us = sl_now_us();
    return channel;
}

/* The track that has most; `*together`: bytes of all. */
static sl_web_track *find_largest(sl_web_channel *channels, size_t *together) {
    sl_web_track *largest = NULL;
    *together = 0;
    for (sl_web_channel *channel = channels; channel; channel = channel->next) {
        sl_web_track *tracks[] = {&channel->video, &channel->pictures};
        for (int i = 0; i < 2; i++) {
            *together += tracks[i]->bytes;
            if (!largest || tracks[i]->bytes > largest->bytes)
                largest = tracks[i];
        }
    }
    return largest;
}

void sl_web_channels_trim(sl_web_channel *channels) {
    size_t together;
    sl_web_track *largest = find_largest(channels, &together);
    for (; together > SL_WEB_CHANNELS_BYTES; largest = find_largest(channels, &together))
        sl_web_track_shed(largest);
}

void sl_web_channels_free(sl_web_channel **channels) {
    while (*channels) {
        sl_web_channel *channel = *channels;
        *channels = channel->next;
        free_channel(channel);
    }
}

static sl_web_kind kind_of(sl_format format) {
    switch (format) {
    case SL_FORMAT_JPEG:
        return SL_WEB_JPEG;
    case SL_FORMAT_H264:
        return SL_WEB_H264;
    case SL_FORMAT_HEVC:
        return SL_WEB_HEVC;
    case SL_FORMAT_AV1:
        return SL_WEB_AV1;
    default:
        return SL_WEB_NO_FRAME;
    }
}

bool sl_web_piece_of(const sl_frame *frame, sl_web_piece *piece) {
    *piece = (sl_web_piece){
        .kind = kind_of(frame->format),
        .keyframe = frame->keyframe || frame->format == SL_FORMAT_JPEG,
        .width = frame->width,
        .height = frame->height,
        .captured_us = frame->captured_utc_us,
        .came_us = sl_now_us(),
        .sequence = frame->sequence,
    };
    if (piece->kind == SL_WEB_NO_FRAME || sl_frame_bytes(frame, &piece->bytes) < 0)
        return false;
    if (piece->kind == SL_WEB_JPEG && piece->width == 0)
        sl_jpeg_size(frame->planes[0], frame->size, &piece->width, &piece->height);
    return true;
}

sl_web_track *sl_web_channel_track(sl_web_channel *channel, sl_web_reader *reader) {
    bool video = reader->reading == SL_WEB_READS_FRAMES && sl_format_is_video(channel->format);
    if (video != reader->video)
        reader->cursor = (sl_web_cursor){.skipped = reader->cursor.skipped};
    reader->video = video;
    return video ? &channel->video : &channel->pictures;
}

bool sl_web_channel_orders(const sl_web_channel *channel, const sl_web_reader *reader) {
    if (reader->channel != channel)
        return false;
    return sl_format_is_video(channel->format) ? reader->reading != SL_WEB_READS_FRAMES
                                               : channel->format != SL_FORMAT_JPEG;
}
