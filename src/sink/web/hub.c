/* sink/web: who reads what. Used by whoever hands frames over, by the server's thread, and by the
 * one that codes pictures. */
#include "sink/web/hub.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "frame/frame.h"
#include "sink/web/channel.h"

#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_US (2 * SL_SECOND_US) /* of frames that somebody who comes can go on from */

struct sl_web_hub {
    const sl_viewer *viewer;
    sl_event changed; /* what is wanted, since somebody last waited for that */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t ordered;
    sl_web_channel *channels;
    sl_web_reader *readers;
    sl_web_track news;
    sl_web_wish wish;
    bool stopped;
    sl_web_hub_figures figures; /* but readers */
};

int sl_web_hub_open(sl_web_hub **hub, const sl_viewer *viewer) {
    sl_web_hub *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    opened->viewer = viewer;
    if (sl_event_init(&opened->changed) < 0) {
        free(opened);
        return SL_ESYSTEM;
    }
    pthread_mutex_init(&opened->lock, NULL);
    pthread_cond_init(&opened->ordered, NULL);
    *hub = opened;
    return SL_OK;
}

void sl_web_hub_close(sl_web_hub **hub) {
    sl_web_hub *closing = *hub;
    if (!closing)
        return;
    sl_web_channels_free(&closing->channels);
    sl_web_track_finish(&closing->news);
    pthread_cond_destroy(&closing->ordered);
    pthread_mutex_destroy(&closing->lock);
    sl_event_finish(&closing->changed);
    free(closing);
    *hub = NULL;
}

static sl_web_reader *first_of(sl_web_reader *reader) {
    return reader->first ? reader->first : reader;
}

/* Locked. */
static void wake(sl_web_reader *reader) {
    sl_web_reader *first = first_of(reader);
    if (first->resting)
        MHD_resume_connection(first->connection);
    first->resting = false;
}

void sl_web_hub_stop(sl_web_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    hub->stopped = true;
    for (sl_web_reader *reader = hub->readers; reader; reader = reader->next)
        wake(reader);
    pthread_cond_broadcast(&hub->ordered);
    pthread_mutex_unlock(&hub->lock);
    sl_event_set(&hub->changed);
}

static sl_web_track *track_of(sl_web_reader *reader) {
    return reader->channel ? sl_web_channel_track(reader->channel, reader) : &reader->hub->news;
}

/* Locked. */
static void wake_ready(sl_web_hub *hub, const sl_web_channel *channel) {
    for (sl_web_reader *reader = hub->readers; reader; reader = reader->next)
        if (reader->channel == channel && first_of(reader)->resting &&
            sl_web_track_ready(track_of(reader), &reader->cursor))
            wake(reader);
}

/* Looks again at what is wanted. Locked. */
static void weigh(sl_web_hub *hub) {
    sl_web_wish wish = SL_WEB_NOTHING;
    for (const sl_web_reader *reader = hub->readers; reader; reader = reader->next) {
        if (!reader->channel)
            continue;
        bool decoded = sl_format_is_video(reader->channel->format) &&
                       sl_web_channel_orders(reader->channel, reader);
        if (decoded)
            wish = SL_WEB_PICTURES;
        else if (wish == SL_WEB_NOTHING)
            wish = SL_WEB_CODED;
    }
    if (wish != hub->wish)
        sl_event_set(&hub->changed);
    hub->wish = wish;
}

sl_web_wish sl_web_hub_wants(sl_web_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    sl_web_wish wish = hub->wish;
    pthread_mutex_unlock(&hub->lock);
    return wish;
}

int sl_web_hub_wait(sl_web_hub *hub, sl_web_wish was, sl_cancel *cancel, int timeout_ms) {
    int64_t deadline_us = sl_deadline_us(timeout_ms);
    for (;;) {
        sl_event_clear(&hub->changed);
        if (sl_web_hub_wants(hub) != was)
            return SL_OK;
        int code = sl_wait(hub->changed.fd, POLLIN, cancel, deadline_us);
        if (code < 0)
            return code;
    }
}

/* Leaves a picture to who codes, when it is for somebody. Locked. */
static void order(sl_web_hub *hub, sl_web_channel *channel, const sl_frame *picture) {
    const sl_web_reader *reader = hub->readers;
    while (reader && !sl_web_channel_orders(channel, reader))
        reader = reader->next;
    if (!reader)
        return;
    sl_frame_unref(&channel->order);
    channel->order = sl_frame_ref(picture);
    pthread_cond_signal(&hub->ordered);
}

/* Lets all have a coded frame. Locked. */
static void pass(sl_web_hub *hub, sl_web_channel *channel, sl_web_piece *piece) {
    bool video = sl_format_is_video(channel->format);
    channel->refresh = channel->refresh && !piece->keyframe;
    sl_web_track_put(video ? &channel->video : &channel->pictures, piece);
    sl_web_channels_trim(hub->channels);
    wake_ready(hub, channel);
}

void sl_web_hub_take(sl_web_hub *hub, const sl_frame *coded) {
    sl_web_piece piece = {0};
    if (sl_format_is_coded(coded->format) && !sl_web_piece_of(coded, &piece))
        return;
    pthread_mutex_lock(&hub->lock);
    sl_web_channel *channel = sl_web_channel_find(&hub->channels, coded->port);
    bool changed = channel && channel->format != coded->format;
    if (channel)
        channel->format = coded->format;
    if (channel && piece.bytes)
        pass(hub, channel, &piece);
    else if (channel)
        order(hub, channel, coded);
    else
        sl_buffer_unref(&piece.bytes);
    if (changed)
        weigh(hub);
    pthread_mutex_unlock(&hub->lock);
}

void sl_web_hub_show(sl_web_hub *hub, const sl_frame *picture) {
    pthread_mutex_lock(&hub->lock);
    sl_web_channel *channel = sl_web_channel_find(&hub->channels, picture->port);
    if (channel && sl_format_is_video(channel->format) && !sl_format_is_coded(picture->format))
        order(hub, channel, picture);
    pthread_mutex_unlock(&hub->lock);
}

/* The channel whose order is to be seen to next; it goes to the end, so that all get their turns.
 * Locked. */
static sl_web_channel *next_order(sl_web_hub *hub) {
    sl_web_channel **at = &hub->channels;
    while (*at && !(*at)->order)
        at = &(*at)->next;
    sl_web_channel *found = *at;
    if (!found)
        return NULL;
    *at = found->next;
    found->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = found;
    return found;
}

bool sl_web_hub_order(sl_web_hub *hub, sl_frame **picture, sl_web_channel **channel) {
    pthread_mutex_lock(&hub->lock);
    while (!hub->stopped && !(*channel = next_order(hub)))
        pthread_cond_wait(&hub->ordered, &hub->lock);
    bool found = !hub->stopped;
    if (found) {
        *picture = (*channel)->order;
        (*channel)->order = NULL;
        (*channel)->users++;
    }
    pthread_mutex_unlock(&hub->lock);
    return found;
}

void sl_web_hub_deliver(sl_web_hub *hub, sl_web_channel *channel, sl_web_piece *piece) {
    pthread_mutex_lock(&hub->lock);
    channel->users--;
    if (piece) {
        hub->figures.coded++;
        sl_web_track_put(&channel->pictures, piece);
        sl_web_channels_trim(hub->channels);
        wake_ready(hub, channel);
    }
    pthread_mutex_unlock(&hub->lock);
}

void sl_web_hub_publish(sl_web_hub *hub, sl_buffer *news) {
    sl_web_piece piece = {.bytes = news, .keyframe = true, .came_us = sl_now_us()};
    pthread_mutex_lock(&hub->lock);
    sl_web_track_put(&hub->news, &piece);
    wake_ready(hub, NULL);
    pthread_mutex_unlock(&hub->lock);
}

bool sl_web_hub_has_news(sl_web_hub *hub, int64_t *age_us) {
    pthread_mutex_lock(&hub->lock);
    const sl_web_piece *newest = sl_web_track_newest(&hub->news);
    if (newest)
        *age_us = sl_now_us() - newest->came_us;
    pthread_mutex_unlock(&hub->lock);
    return newest != NULL;
}

bool sl_web_hub_has_news_readers(sl_web_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    const sl_web_reader *reader = hub->readers;
    while (reader && reader->channel)
        reader = reader->next;
    pthread_mutex_unlock(&hub->lock);
    return reader != NULL;
}

void sl_web_hub_count(sl_web_hub *hub, sl_web_hub_figures *figures) {
    pthread_mutex_lock(&hub->lock);
    *figures = hub->figures;
    for (sl_web_reader *reader = hub->readers; reader; reader = reader->next)
        figures->readers += reader->channel && first_of(reader) == reader;
    pthread_mutex_unlock(&hub->lock);
}

static void ask(sl_web_hub *hub, const char *port) {
    if (hub->viewer->refresh)
        hub->viewer->refresh(hub->viewer->user, port);
}

/* The ports of cameras of which keyframes are wanted. Wakes all, too. */
static size_t look_through(sl_web_hub *hub, char ports[SL_VIEWS_MAX][128]) {
    size_t count = 0;
    pthread_mutex_lock(&hub->lock);
    for (sl_web_reader *reader = hub->readers; reader; reader = reader->next)
        wake(reader);
    for (sl_web_channel *channel = hub->channels; channel && count < SL_VIEWS_MAX;
         channel = channel->next) {
        if (!channel->refresh)
            continue;
        memcpy(ports[count++], channel->port, sizeof(channel->port));
        channel->refresh = false;
    }
    pthread_mutex_unlock(&hub->lock);
    return count;
}

void sl_web_hub_tick(sl_web_hub *hub) {
    char ports[SL_VIEWS_MAX][128];
    size_t count = look_through(hub, ports);
    for (size_t i = 0; i < count; i++)
        ask(hub, ports[i]);
}

/* Who comes to a camera that sends, and of which the frames since its last keyframe are there, can
 * begin with those. After a sleep they lead to a picture of long ago, unless it will stay the last.
 * Locked. */
static bool begin(sl_web_reader *reader, const sl_camera_view *camera) {
    const sl_web_track *track = track_of(reader);
    const sl_web_piece *newest = sl_web_track_newest(track);
    bool asleep = camera->state == SL_VIEW_UNWATCHED || camera->state == SL_VIEW_LIVE;
    if (newest && asleep && sl_now_us() - newest->came_us > FRESH_US &&
        reader->reading != SL_WEB_READS_PICTURES)
        sl_web_cursor_wait(&reader->cursor, track);
    return sl_web_track_ready(track, &reader->cursor);
}

int sl_web_hub_join(sl_web_hub *hub, sl_web_reader *reader, const sl_camera_view *camera) {
    bool ready = true;
    reader->hub = hub;
    reader->cursor = (sl_web_cursor){0};
    pthread_mutex_lock(&hub->lock);
    if (camera) {
        reader->channel = sl_web_channel_find(&hub->channels, camera->port);
        if (!reader->channel) {
            pthread_mutex_unlock(&hub->lock);
            return sl_fail_memory();
        }
        reader->channel->users++;
        if (reader->channel->format == SL_FORMAT_NONE)
            reader->channel->format = camera->format;
        ready = begin(reader, camera);
    }
    reader->next = hub->readers;
    hub->readers = reader;
    weigh(hub);
    pthread_mutex_unlock(&hub->lock);
    if (!ready)
        ask(hub, camera->port);
    return SL_OK;
}

void sl_web_hub_leave(sl_web_reader *reader) {
    sl_web_hub *hub = reader->hub;
    pthread_mutex_lock(&hub->lock);
    sl_web_reader **at = &hub->readers;
    while (*at && *at != reader)
        at = &(*at)->next;
    if (*at)
        *at = reader->next;
    if (reader->channel) {
        reader->channel->users--;
        hub->figures.skipped += reader->cursor.skipped;
    }
    weigh(hub);
    pthread_mutex_unlock(&hub->lock);
}

bool sl_web_hub_next(sl_web_reader *reader, sl_web_piece *piece) {
    sl_web_hub *hub = reader->hub;
    pthread_mutex_lock(&hub->lock);
    bool found = sl_web_track_take(track_of(reader), &reader->cursor, sl_now_us(), piece);
    if (!found && reader->channel && reader->video && !reader->cursor.going)
        reader->channel->refresh = true;
    pthread_mutex_unlock(&hub->lock);
    return found;
}

bool sl_web_hub_newest(sl_web_reader *reader, sl_web_piece *piece) {
    sl_web_hub *hub = reader->hub;
    pthread_mutex_lock(&hub->lock);
    const sl_web_piece *newest = sl_web_track_newest(&reader->channel->pictures);
    if (newest) {
        *piece = *newest;
        sl_buffer_ref(piece->bytes);
    }
    pthread_mutex_unlock(&hub->lock);
    return newest != NULL;
}

int sl_web_hub_rest(sl_web_reader *readers, size_t count) {
    sl_web_hub *hub = readers->hub;
    int code = SL_OK;
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < count; i++)
        if (sl_web_track_ready(track_of(&readers[i]), &readers[i].cursor))
            code = SL_EAGAIN;
    if (hub->stopped) {
        code = SL_EEND;
    } else if (code == SL_OK) {
        readers->resting = true;
        MHD_suspend_connection(readers->connection);
    }
    pthread_mutex_unlock(&hub->lock);
    return code;
}
