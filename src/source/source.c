/* source: the public face of all kinds of sources. Each source has a thread of its own. It reads a
 * live kind all the time into a mailbox, where the newest frame wins, and the others each time a
 * frame is asked for, so that nothing grows old and nothing is lost. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/settings.h"
#include "base/thread.h"
#include "frame/frame.h"
#include "source/kind.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waiting between attempts to open a lost source again. */
#define RETRY_FIRST_MS 200
#define RETRY_LAST_MS  1000

static const sl_source_kind *const kinds[] = {
    &sl_source_pattern, &sl_source_pipe,    &sl_source_screen,
    &sl_source_camera,  &sl_source_network, &sl_source_file,
};

struct sl_source {
    sl_source_shared shared;
    const sl_source_kind *kind;
    char describe[160];
    double fps;
    bool live;
    sl_cancel *stop; /* ends the thread */
    sl_mailbox *mailbox;
    sl_event asked; /* set when a frame of a source that is not live is wanted */
    sl_thread thread;
    atomic_uint_fast64_t delivered, reopened;
    atomic_bool away;

    bool waiting; /* the reader's: a frame was asked for and not taken yet */

    void *state; /* the thread's, once it runs */
    /* The thread's: */
    uint64_t captured;
    uint64_t corrupt_told; /* of the broken pictures, those that were logged */
    sl_log_limit corrupt_limit;
};

static const sl_option options[] = {
    {.name = "source",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_source_settings, source),
     .values = "SOURCE",
     .help = "Where frames come from: a camera's number or device, a file, a URL, screen:, "
             "pattern:WxH@FPS, or - for standard input"},
    {.name = "size",
     .type = SL_OPTION_SIZE,
     .offset = offsetof(sl_source_settings, size),
     .values = "WIDTHxHEIGHT",
     .help = "Picture size: a camera's mode, or what other sources are scaled to"},
    {.name = "fps",
     .type = SL_OPTION_NUMBER,
     .offset = offsetof(sl_source_settings, fps),
     .minimum = 0,
     .maximum = 1000,
     .fallback = "0",
     .values = "0 to 1000",
     .help = "Frames a second; 0 is the source's own rate"},
    {.name = "unpaced",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_source_settings, unpaced),
     .fallback = "false",
     .help = "Read files and patterns as fast as they can be sent"},
    {.name = "loop",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_source_settings, loop),
     .fallback = "false",
     .help = "Start a file again at its end"},
    {.name = "filter",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_source_settings, filter),
     .values = "GRAPH",
     .help = "A libavfilter graph that every picture passes, such as hflip or deshake"},
    {.name = "draw_timecode",
     .type = SL_OPTION_BOOL,
     .offset = offsetof(sl_source_settings, timecode),
     .fallback = "false",
     .help = "Draw the time of capture into every picture, readable by machines"},
};

static const sl_option_group groups[] = {
    {.title = "Source", .options = options, .count = SL_COUNT(options)},
    {0},
};

void sl_source_settings_init(sl_source_settings *settings) {
    sl_settings_init(settings, sizeof(*settings), groups);
}

static void release_frame(void *item) {
    sl_frame *frame = item;
    sl_frame_unref(&frame);
}

static const sl_source_kind *find_kind(const char *source) {
    for (size_t i = 0; i < SL_COUNT(kinds); i++)
        if (kinds[i]->matches(source))
            return kinds[i];
    return NULL;
}

static int check_settings(const sl_source_settings *settings) {
    if (!settings->source || !*settings->source)
        return sl_fail(SL_EINVAL, "no source was given: name a camera (0), a file, a URL, screen:, "
                                  "pattern: or - for standard input");
    const sl_size *size = &settings->size;
    if (size->width < 0 || size->height < 0 || (size->width == 0) != (size->height == 0) ||
        size->width > SL_SIDE_MAX || size->height > SL_SIDE_MAX)
        return sl_fail(SL_EINVAL, "a picture can't be %dx%d: each side is from 1 to %d",
                       size->width, size->height, SL_SIDE_MAX);
    if (!(settings->fps >= 0 && settings->fps <= 1000))
        return sl_fail(SL_EINVAL, "a source can't give %g frames a second: ask for up to 1000",
                       settings->fps);
    if ((unsigned)settings->deliver > SL_DELIVER_GRAY)
        return sl_fail(SL_EINVAL, "there is no way %d of delivering pixels",
                       (int)settings->deliver);
    if (settings->video != SL_FORMAT_NONE && settings->video != SL_FORMAT_H264 &&
        settings->video != SL_FORMAT_HEVC)
        return sl_fail(SL_EINVAL, "a source can hand over H.264 and HEVC, no %s",
                       sl_format_name(settings->video));
    return SL_OK;
}

static int check_kind(const sl_source_kind *kind, const sl_source_settings *settings) {
    if (settings->loop && kind != &sl_source_file)
        return sl_fail(SL_EINVAL, "only a file can be looped, and \"%s\" is a %s", settings->source,
                       kind->name);
    if (settings->unpaced && kind != &sl_source_file && kind != &sl_source_pattern)
        return sl_fail(SL_EINVAL,
                       "only files and patterns have a pace to leave, and \"%s\" is a %s",
                       settings->source, kind->name);
    return SL_OK;
}

/* "rtsp://me:secret@host/" must not stand in a log. */
static void hide_password(char *name, size_t size, const char *source) {
    const char *scheme_end = strstr(source, "://");
    const char *host = scheme_end ? scheme_end + 3 : source;
    size_t length = strcspn(host, "/?#");
    const char *at = scheme_end ? memrchr(host, '@', length) : NULL;
    snprintf(name, size, "%.*s%s", (int)(host - source), source, at ? at + 1 : host);
}

/* What the thread, if it should run, needs. */
static int prepare(sl_source *source) {
    int code = sl_cancel_open(&source->stop);
    if (code >= 0)
        code = sl_mailbox_open(&source->mailbox, release_frame);
    if (code >= 0)
        code = sl_event_init(&source->asked);
    return code;
}

int sl_source_open(sl_source **source, const sl_source_settings *settings) {
    *source = NULL;
    int code = check_settings(settings);
    if (code < 0)
        return code;
    sl_source *made = calloc(1, sizeof(*made));
    if (!made)
        return sl_fail_memory();
    made->asked.fd = -1;
    code = sl_settings_copy(&made->shared.settings, settings, sizeof(*settings));
    if (code < 0) {
        free(made);
        return code;
    }
    made->shared.cancel = settings->cancel;
    hide_password(made->shared.name, sizeof(made->shared.name), settings->source);
    made->kind = find_kind(settings->source);
    code = check_kind(made->kind, settings);
    if (code >= 0)
        code = prepare(made);
    if (code >= 0)
        code =
            made->kind->open(&made->state, &made->shared, made->describe, sizeof(made->describe));
    if (code < 0) {
        made->state = NULL;
        sl_source_close(&made);
        return code;
    }
    made->live = made->kind->live(made->state);
    made->fps = made->shared.fps;
    sl_log(SL_LOG_INFO, "source", "%s: %s", made->shared.name, made->describe);
    *source = made;
    return SL_OK;
}

/* Opens a lost source again, however long it takes. SL_ECANCELED when the source is closed. */
static int reopen(sl_source *source) {
    char describe[sizeof(source->describe)];
    int pause_ms = RETRY_FIRST_MS;
    source->kind->close(source->state);
    source->state = NULL;
    for (;;) {
        int code = sl_wait(-1, 0, source->stop, sl_deadline_us(pause_ms));
        if (code == SL_ECANCELED)
            return code;
        code = source->kind->open(&source->state, &source->shared, describe, sizeof(describe));
        if (code >= 0)
            return SL_OK;
        source->state = NULL;
        if (code == SL_ECANCELED)
            return code;
        sl_log(SL_LOG_DEBUG, "source", "%s", sl_error());
        pause_ms = pause_ms * 2 < RETRY_LAST_MS ? pause_ms * 2 : RETRY_LAST_MS;
    }
}

/* After a read failed: SL_OK when the source was opened again and should be read on. */
static int recover(sl_source *source, int code) {
    /* What never gave a picture is no source: nothing shows that it will ever be one. */
    if (code != SL_ESOURCE || source->captured == 0 || !source->live || !source->kind->returns)
        return code;
    /* Only the first time: it may come and go at once while a plug is being pushed in. */
    if (!atomic_exchange(&source->away, true))
        sl_log(SL_LOG_WARNING, "source", "%s; waiting for it to come back", sl_error());
    return reopen(source);
}

/* The kind's next frame, whatever it takes. */
static int capture(sl_source *source, sl_frame **frame) {
    int code;
    do {
        code = source->kind->read(source->state, frame);
        if (code < 0)
            code = recover(source, code);
        if (code < 0)
            return code;
    } while (!*frame);
    if (atomic_exchange(&source->away, false)) {
        atomic_fetch_add(&source->reopened, 1);
        sl_log(SL_LOG_INFO, "source", "%s is back", source->shared.name);
    }
    (*frame)->sequence = source->captured++;
    return SL_OK;
}

/* Broken pictures are left out, which somebody should hear of: now and then, and at the end. */
static void tell_corrupt(sl_source *source, bool ended) {
    uint64_t corrupt = atomic_load(&source->shared.corrupt), held_back;
    if (corrupt == source->corrupt_told)
        return;
    if (!ended && !sl_log_limit_pass(&source->corrupt_limit, &held_back))
        return;
    source->corrupt_told = corrupt;
    sl_log(SL_LOG_WARNING, "source", "%s: %" PRIu64 " packets could not be decoded%s",
           source->shared.name, corrupt, ended ? "" : " so far");
}

static int wait_until_asked(sl_source *source) {
    int code = sl_wait(source->asked.fd, POLLIN, source->stop, -1);
    sl_event_clear(&source->asked);
    return code;
}

static void run(void *argument) {
    sl_source *source = argument;
    for (;;) {
        sl_frame *frame = NULL;
        int code = source->live ? SL_OK : wait_until_asked(source);
        if (code >= 0)
            code = capture(source, &frame);
        tell_corrupt(source, code < 0);
        if (code < 0) {
            sl_mailbox_end(source->mailbox, code, sl_error());
            return;
        }
        sl_mailbox_put(source->mailbox, frame);
    }
}

static int start(sl_source *source) {
    source->shared.cancel = source->stop;
    return sl_thread_start(&source->thread, "sl-source", run, source);
}

int sl_source_read(sl_source *source, sl_frame **frame, int timeout_ms) {
    *frame = NULL;
    int64_t deadline_us = sl_deadline_us(timeout_ms);
    int code = source->thread.running ? SL_OK : start(source);
    if (code < 0)
        return code;
    if (!source->live && !source->waiting) {
        source->waiting = true;
        sl_event_set(&source->asked);
    }
    void *item;
    code = sl_mailbox_take(source->mailbox, &item, source->shared.settings.cancel, deadline_us);
    if (code < 0)
        return code;
    source->waiting = false;
    atomic_fetch_add(&source->delivered, 1);
    *frame = item;
    return SL_OK;
}

bool sl_source_live(const sl_source *source) {
    return source->live;
}

const char *sl_source_describe(const sl_source *source) {
    return source->describe;
}

double sl_source_fps(const sl_source *source) {
    return source->fps;
}

void sl_source_stats_get(const sl_source *source, sl_source_stats *stats) {
    *stats = (sl_source_stats){
        .frames = atomic_load(&source->delivered),
        .dropped = sl_mailbox_dropped(source->mailbox) + atomic_load(&source->shared.dropped),
        .corrupt = atomic_load(&source->shared.corrupt),
        .reopened = atomic_load(&source->reopened),
        .away = atomic_load(&source->away),
    };
}

void sl_source_close(sl_source **source) {
    sl_source *closed = *source;
    if (!closed)
        return;
    *source = NULL;
    if (closed->stop)
        sl_cancel_trigger(closed->stop);
    sl_thread_join(&closed->thread);
    if (closed->state)
        closed->kind->close(closed->state);
    sl_mailbox_close(&closed->mailbox);
    sl_event_finish(&closed->asked);
    sl_cancel_close(&closed->stop);
    sl_settings_finish(&closed->shared.settings);
    free(closed);
}
