/* stream: the cameras that a receiver has seen. See views.h. */
#include "stream/views.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/text.h"
#include "codec/codec.h"
#include "stream/latency.h"
#include "stream/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOST_MOST (INT64_C(3650) * 86400 * SL_SECOND_US) /* an older loss is an absurd one */
#define SILENT_US (2 * SL_SECOND_US)                     /* without a frame */
#define UNHEARD   "camera"                               /* the name of one that says none */

/* 40 KB each, for its ages: made when a camera comes. */
struct view {
    sl_camera_view shown; /* but for what is reckoned when somebody asks */
    uint64_t connection;  /* over which its sender was heard last; 0: not known */
    int64_t heard_us;
    int64_t began_us; /* when it came, or was back */
    int64_t came_us;  /* its last frame; 0: none came */
    int64_t gone_us;  /* since when its sender isn't there; 0: it is */
    bool lost;        /* its sender says that the device is gone, */
    int64_t lost_us;  /* since then */
    int64_t since_us; /* of `shown.state` */
    sl_rate bytes, frames;
    sl_latency_log ages;
};

struct sl_views {
    const sl_audience *audience;
    int64_t patience_us;
    pthread_mutex_t lock; /* everything below */
    int64_t resumed_us;
    struct view *all[SL_VIEWS_MAX]; /* in the order in which they came */
    size_t count;
};

int sl_views_open(sl_views **views, const sl_audience *audience, int64_t patience_us) {
    *views = calloc(1, sizeof **views);
    if (!*views)
        return sl_fail_memory();
    (*views)->audience = audience;
    (*views)->patience_us = patience_us;
    pthread_mutex_init(&(*views)->lock, NULL);
    return SL_OK;
}

void sl_views_close(sl_views **views) {
    sl_views *closing = *views;
    if (!closing)
        return;
    *views = NULL;
    for (size_t i = 0; i < closing->count; i++)
        free(closing->all[i]);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}

/* Locked, like all that follows. */
static struct view *find(const sl_views *views, const char *port) {
    for (size_t i = 0; i < views->count; i++) {
        if (strcmp(views->all[i]->shown.port, port ? port : "") == 0)
            return views->all[i];
    }
    return NULL;
}

/* A port is JSON text: without the quotes it is what the sender calls itself. */
static void write_name(sl_camera_view *camera) {
    sl_text_copy(camera->name, camera->port, sizeof camera->name);
    size_t length = strlen(camera->name);
    if (length >= 2 && camera->name[0] == '"') {
        camera->name[length - 1] = '\0';
        memmove(camera->name, camera->name + 1, length - 1);
    }
    if (!*camera->name)
        sl_text_copy(camera->name, UNHEARD, sizeof camera->name);
}

static bool is_plain(char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= 'a' && letter <= 'z') || letter == '_';
}

/* What can stand in a path of the name: "Küche (2)" becomes "K-che-2". */
static void write_stem(char *stem, size_t size, const char *name) {
    size_t used = 0;
    for (; *name && used + 1 < size; name++) {
        bool within = used > 0 && stem[used - 1] != '-';
        if (is_plain(*name) || (within && *name == '.'))
            stem[used++] = *name;
        else if (within)
            stem[used++] = '-';
    }
    while (used > 0 && !is_plain(stem[used - 1]))
        used--;
    stem[used] = '\0';
    if (used == 0)
        sl_text_copy(stem, UNHEARD, size);
}

/* File systems may not tell large letters from small ones. */
static bool has_id(const sl_views *views, const char *id) {
    for (size_t i = 0; i < views->count; i++) {
        if (strcasecmp(views->all[i]->shown.id, id) == 0)
            return true;
    }
    return false;
}

static void write_id(const sl_views *views, sl_camera_view *camera) {
    char stem[SL_VIEW_ID_MAX - 4]; /* for a hyphen and three figures */
    write_stem(stem, sizeof stem, camera->name);
    snprintf(camera->id, sizeof camera->id, "%s", stem);
    for (unsigned i = 2; has_id(views, camera->id); i++)
        snprintf(camera->id, sizeof camera->id, "%s-%u", stem, i % 1000);
}

/* Whether the one is to make way rather than the other. */
static bool goes_before(const struct view *one, const struct view *other) {
    if (!one->gone_us || !other->gone_us)
        return one->gone_us || (!other->gone_us && one->heard_us < other->heard_us);
    return one->gone_us < other->gone_us;
}

/* Memory for one more, of the one that makes way if there is no place; NULL: there is none. */
static struct view *find_place(sl_views *views) {
    size_t first = 0;
    if (views->count < SL_VIEWS_MAX)
        return malloc(sizeof(struct view));
    for (size_t i = 1; i < views->count; i++) {
        if (goes_before(views->all[i], views->all[first]))
            first = i;
    }
    struct view *place = views->all[first];
    views->count--;
    for (size_t i = first; i < views->count; i++)
        views->all[i] = views->all[i + 1];
    return place;
}

static struct view *add(sl_views *views, const char *port, int64_t now_us) {
    struct view *view = find_place(views);
    if (!view)
        return NULL;
    *view = (struct view){.began_us = now_us, .since_us = now_us};
    sl_text_copy(view->shown.port, port ? port : "", sizeof view->shown.port);
    write_name(&view->shown);
    write_id(views, &view->shown);
    views->all[views->count++] = view;
    return view;
}

/* How it does now. `*since_us`: since when, as far as that is known; else left alone. */
static sl_view_state judge(const sl_views *views, const struct view *view, int64_t now_us,
                           int64_t *since_us) {
    int64_t away_us,
        expected_us = sl_later_us(sl_later_us(view->began_us, view->came_us), views->resumed_us);
    if (view->gone_us) {
        *since_us = view->gone_us;
        return SL_VIEW_GONE;
    }
    if (view->lost) {
        *since_us = view->lost_us;
        return SL_VIEW_LOST;
    }
    if (views->audience && sl_audience_is_away(views->audience, now_us, &away_us)) {
        *since_us = sl_later_us(away_us, view->began_us);
        return SL_VIEW_UNWATCHED;
    }
    if (now_us - expected_us < SILENT_US)
        return SL_VIEW_LIVE;
    *since_us = expected_us + SILENT_US;
    return SL_VIEW_SILENT;
}

static void settle(const sl_views *views, struct view *view, int64_t now_us) {
    int64_t since_us = now_us;
    sl_view_state state = judge(views, view, now_us, &since_us);
    if (state != view->shown.state || state == SL_VIEW_LOST)
        view->since_us = since_us;
    view->shown.state = state;
}

void sl_views_hear(sl_views *views, const char *port, uint64_t connection, size_t bytes,
                   int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, port);
    if (!view)
        view = add(views, port, now_us);
    if (view) {
        view->connection = connection;
        view->heard_us = now_us;
        if (view->gone_us) {
            view->began_us = now_us;
            view->lost = false;
        }
        view->gone_us = 0;
        view->shown.bytes += bytes;
        if (bytes > 0)
            sl_rate_add(&view->bytes, now_us, bytes);
        settle(views, view, now_us);
    }
    pthread_mutex_unlock(&views->lock);
}

void sl_views_come(sl_views *views, const sl_frame *coded, int64_t now_us) {
    int width = coded->full_width, height = coded->full_height; /* of one made smaller on its way */
    bool sized = width > 0 || sl_codec_picture_size(coded, &width, &height);
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, coded->port);
    if (view) {
        settle(views, view, now_us);
        view->came_us = now_us;
        view->lost = false;
        view->shown.frames++;
        view->shown.format = coded->format;
        sl_rate_add(&view->frames, now_us, 1);
        if (sized) {
            view->shown.width = width;
            view->shown.height = height;
        }
        settle(views, view, now_us);
    }
    pthread_mutex_unlock(&views->lock);
}

void sl_views_lose(sl_views *views, const char *port, int64_t lost_us, const char *why,
                   int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, port);
    if (view) {
        view->lost = true;
        view->lost_us = now_us - (lost_us < LOST_MOST ? lost_us : LOST_MOST);
        sl_text_copy(view->shown.reason, why, sizeof view->shown.reason);
        settle(views, view, now_us);
    }
    pthread_mutex_unlock(&views->lock);
}

void sl_views_regain(sl_views *views, const char *port, int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, port);
    if (view && view->lost) {
        view->lost = false;
        view->began_us = now_us; /* a frame may take a moment */
        settle(views, view, now_us);
    }
    pthread_mutex_unlock(&views->lock);
}

static void note_gone(const sl_views *views, struct view *view, int64_t since_us, int64_t now_us) {
    view->gone_us = view->gone_us ? view->gone_us : since_us;
    settle(views, view, now_us);
}

void sl_views_end(sl_views *views, const char *port, int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, port);
    if (view)
        note_gone(views, view, now_us, now_us);
    pthread_mutex_unlock(&views->lock);
}

static bool is_connected(const struct view *view, const sl_link *link) {
    sl_link_state state;
    if (view->connection)
        return sl_link_has(link, view->connection);
    sl_link_state_get(link, &state);
    return state.connected;
}

void sl_views_look(sl_views *views, const sl_link *link, int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    for (size_t i = 0; i < views->count; i++) {
        struct view *view = views->all[i];
        bool silent = views->patience_us && now_us - view->heard_us >= views->patience_us;
        if (!view->gone_us && silent)
            note_gone(views, view, view->heard_us, now_us);
        else if (!view->gone_us && !is_connected(view, link))
            note_gone(views, view, now_us, now_us);
    }
    pthread_mutex_unlock(&views->lock);
}

void sl_views_resume(sl_views *views, int64_t now_us) {
    pthread_mutex_lock(&views->lock);
    views->resumed_us = now_us;
    pthread_mutex_unlock(&views->lock);
}

void sl_views_drop(sl_views *views, const sl_frame *frame) {
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, frame->port);
    if (view)
        view->shown.dropped++;
    pthread_mutex_unlock(&views->lock);
}

void sl_views_age(sl_views *views, const sl_frame *frame, int32_t age_ms) {
    static const int bounds[] = SL_AGE_BOUNDS_MS;
    size_t step = 0;
    _Static_assert(SL_COUNT(bounds) == SL_AGE_BOUNDS, "each step has a count");
    while (bounds[step] >= 0 && age_ms > bounds[step])
        step++;
    pthread_mutex_lock(&views->lock);
    struct view *view = find(views, frame->port);
    if (view) {
        sl_latency_add(&view->ages, age_ms);
        view->shown.ages[step]++;
        view->shown.ages_s += (age_ms > 0 ? age_ms : 0) / 1e3;
    }
    pthread_mutex_unlock(&views->lock);
}

size_t sl_views_get(sl_views *views, sl_camera_view *cameras, size_t room, int64_t now_us) {
    int64_t utc_us = sl_utc_us() - now_us; /* what to add to a monotonic time */
    pthread_mutex_lock(&views->lock);
    size_t count = views->count < room ? views->count : room;
    for (size_t i = 0; i < count; i++) {
        struct view *view = views->all[i];
        settle(views, view, now_us);
        cameras[i] = view->shown;
        cameras[i].since_us = view->since_us + utc_us;
        if (view->shown.state != SL_VIEW_LOST)
            cameras[i].reason[0] = '\0';
        cameras[i].last_us = view->came_us ? view->came_us + utc_us : 0;
        cameras[i].bit_rate = sl_rate_get(&view->bytes, now_us);
        cameras[i].fps = (double)sl_rate_get(&view->frames, now_us) / 8;
        cameras[i].latency = sl_latency_summary(&view->ages);
    }
    pthread_mutex_unlock(&views->lock);
    return count;
}
