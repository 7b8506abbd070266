/* sink/recording: the recorder's public calls, its options, and its thread, which has a tape for
 * each camera.
 *
 * Callers say what is wanted of a camera in its slot, and read there how it goes. The thread does
 * what was said once the frames that came before that are through. */
#include <sightline/recorder.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "base/thread.h"
#include "sink/recording/backlog.h"
#include "sink/recording/extent.h"
#include "sink/recording/retention.h"
#include "sink/recording/tape.h"

#include <errno.h>
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USUAL_DIRECTORY "sightline-recordings"
#define BACKLOG_BYTES   (INT64_C(64) << 20)
#define PREROLL_BYTES   (INT64_C(256) << 20) /* of all cameras */
#define TEND_US         (SL_SECOND_US / 10)
#define CLEAN_US        (30 * SL_SECOND_US)
#define SILENT_US       (60 * SL_SECOND_US) /* whose place another camera may have */
#define SEAT_US         SL_SECOND_US
#define EVENT_MOST_S    86400.0

/* One camera, as callers see it. Under the lock. */
struct slot {
    char port[SL_TAPE_PORT_MAX];
    bool wanted;
    int64_t changed_us; /* when that was changed last; 0: the thread knows it */
    int64_t until_us;   /* when an event ends; 0: it is none */
    int64_t came_us;    /* when its last frame came */
    uint64_t lost;      /* before this recording, for want of room in the backlog */
    sl_recording told;  /* by the thread; its times by the callers */
};

struct sl_recorder {
    sl_recorder_settings settings;
    sl_tape_rules rules;
    sl_backlog *backlog;
    sl_thread thread;
    sl_log_limit limit; /* of cameras that find no place; the taker's */

    /* The thread's. */
    sl_tape tapes[SL_VIEWS_MAX];
    sl_retention retention;
    sl_refused refused;
    int64_t tended_us, cleaned_us, seated_us;
    unsigned segments; /* begun when it was cleaned */
    int finished;      /* how it went */

    pthread_mutex_t lock;
    struct slot slots[SL_VIEWS_MAX];
    size_t count;
    bool closing;
};

static int parse_segment(void *field, const char *value) {
    sl_extent *segment = field;
    int code = sl_extent_parse(field, value);
    if (code == SL_OK && ((segment->us > 0 && segment->us < SL_SECOND_US) ||
                          (segment->bytes > 0 && segment->bytes < 1000000)))
        return sl_fail(SL_EINVAL, "\"%s\" is too short: say 1s or 1MB at least", value);
    return code;
}

static const sl_option options[] = {
    {.name = "record",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_recorder_settings, directory),
     .values = "DIRECTORY",
     .help = "Records all cameras as they came, into segments in this directory"},
    {.name = "record_before",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_recorder_settings, before_s),
     .minimum = 0,
     .maximum = 600,
     .fallback = "0",
     .values = "0 to 600",
     .help = "Seconds kept in memory, so that a recording begins with what led to it"},
    {.name = "record_segment",
     .type = SL_OPTION_PARSED,
     .offset = offsetof(sl_recorder_settings, segment),
     .parse = parse_segment,
     .fallback = "10m",
     .values = "TIME or SIZE",
     .help = "A new file after so much: 10m, 1h, 500MB; 0: none"},
    {.name = "record_keep",
     .type = SL_OPTION_PARSED,
     .offset = offsetof(sl_recorder_settings, keep),
     .parse = sl_extent_parse,
     .fallback = "0",
     .values = "TIME or SIZE",
     .help = "Deletes the oldest segments beyond that: 7d, 20GB; 0: none"},
};

static const sl_option_group groups[] = {
    {"Recorder", options, SL_COUNT(options), 0},
    {0},
};

void sl_recorder_settings_init(sl_recorder_settings *settings) {
    sl_settings_init(settings, sizeof(*settings), groups);
}

const char *sl_recording_state_name(sl_recording_state state) {
    static const char *const names[] = {"off", "on", "waiting", "full", "failed"};
    return (size_t)state < SL_COUNT(names) ? names[state] : names[SL_RECORDING_OFF];
}

/* Under the lock. NULL for a camera that is not known. */
static struct slot *find_slot(sl_recorder *recorder, const char *port) {
    for (size_t i = 0; i < recorder->count; i++)
        if (strcmp(recorder->slots[i].port, port) == 0)
            return &recorder->slots[i];
    return NULL;
}

/* Under the lock. A place for another camera, in turn that of one that was silent for long. */
static struct slot *free_slot(sl_recorder *recorder, int64_t now_us) {
    if (recorder->count < SL_VIEWS_MAX)
        return &recorder->slots[recorder->count++];
    struct slot *oldest = recorder->slots;
    for (size_t i = 1; i < recorder->count; i++)
        if (recorder->slots[i].came_us < oldest->came_us)
            oldest = &recorder->slots[i];
    return now_us - oldest->came_us > SILENT_US ? oldest : NULL;
}

/* Under the lock. */
static void want(sl_recorder *recorder, struct slot *slot, bool wanted, int64_t now_us) {
    slot->wanted = wanted;
    slot->changed_us = now_us;
    slot->until_us = 0;
    slot->told.since_us = wanted ? sl_utc_us() : 0;
    slot->told.until_us = 0;
    slot->told.state = wanted ? SL_RECORDING_WAITING : SL_RECORDING_OFF;
    if (!wanted)
        return;
    slot->told.frames = slot->told.bytes = slot->told.lost = 0;
    slot->told.reason[0] = '\0';
    slot->lost = sl_backlog_lost(recorder->backlog, (size_t)(slot - recorder->slots));
}

/* Under the lock. */
static void assign(sl_recorder *recorder, struct slot *slot, const char *port, int64_t now_us) {
    *slot = (struct slot){.came_us = now_us};
    snprintf(slot->port, sizeof(slot->port), "%s", port);
    if (!recorder->settings.idle)
        want(recorder, slot, true, now_us);
}

/* Under the lock. The camera's slot, a new one if need be; NULL when there is none. */
static struct slot *have_slot(sl_recorder *recorder, const char *port, int64_t now_us) {
    struct slot *slot = find_slot(recorder, port);
    if (slot)
        return slot;
    slot = strlen(port) < SL_TAPE_PORT_MAX ? free_slot(recorder, now_us) : NULL;
    if (slot)
        assign(recorder, slot, port, now_us);
    return slot;
}

void sl_recorder_take(sl_recorder *recorder, const sl_frame *coded) {
    uint64_t held_back;
    int64_t now_us = sl_now_us();
    if (coded->format == SL_FORMAT_NONE)
        return;
    pthread_mutex_lock(&recorder->lock);
    struct slot *slot = have_slot(recorder, coded->port ? coded->port : "", now_us);
    if (slot)
        slot->came_us = now_us;
    pthread_mutex_unlock(&recorder->lock);
    if (slot)
        sl_backlog_put(recorder->backlog, coded, (size_t)(slot - recorder->slots));
    else if (sl_log_limit_pass(&recorder->limit, &held_back))
        sl_log(SL_LOG_WARNING, "sink", "a camera is not recorded: there are %d already",
               SL_VIEWS_MAX);
}

int sl_recorder_start(sl_recorder *recorder, const char *port, double seconds) {
    int64_t now_us = sl_now_us();
    if (!(seconds >= 0 && seconds <= EVENT_MOST_S))
        return sl_fail(SL_EINVAL, "an event is recorded for 0 to %.0f seconds", EVENT_MOST_S);
    int64_t length_us = (int64_t)(seconds * (double)SL_SECOND_US);
    pthread_mutex_lock(&recorder->lock);
    struct slot *slot = have_slot(recorder, port ? port : "", now_us);
    if (slot) {
        bool event = length_us > 0 && (!slot->wanted || slot->until_us > 0);
        int64_t until_us = event ? now_us + length_us : 0;
        if (!slot->wanted)
            want(recorder, slot, true, now_us);
        if (event && until_us > slot->until_us) {
            slot->until_us = until_us;
            slot->told.until_us = sl_utc_us() + length_us;
        } else if (length_us == 0) {
            slot->until_us = slot->told.until_us = 0;
        }
    }
    pthread_mutex_unlock(&recorder->lock);
    sl_backlog_wake(recorder->backlog);
    return slot ? SL_OK
                : sl_fail(SL_EINVAL, "%d cameras are recorded already, which is all it can",
                          SL_VIEWS_MAX);
}

int sl_recorder_stop(sl_recorder *recorder, const char *port) {
    pthread_mutex_lock(&recorder->lock);
    struct slot *slot = find_slot(recorder, port ? port : "");
    if (slot && slot->wanted)
        want(recorder, slot, false, sl_now_us());
    pthread_mutex_unlock(&recorder->lock);
    sl_backlog_wake(recorder->backlog);
    return slot ? SL_OK : sl_fail(SL_EINVAL, "there is no such camera to stop the recording of");
}

bool sl_recorder_wants(sl_recorder *recorder) {
    bool wants = recorder->settings.before_s > 0 || !recorder->settings.idle;
    pthread_mutex_lock(&recorder->lock);
    for (size_t i = 0; i < recorder->count && !wants; i++)
        wants = recorder->slots[i].wanted;
    pthread_mutex_unlock(&recorder->lock);
    return wants;
}

void sl_recorder_status(sl_recorder *recorder, const char *port, sl_recording *recording) {
    *recording = (sl_recording){.state = SL_RECORDING_OFF};
    pthread_mutex_lock(&recorder->lock);
    const struct slot *slot = find_slot(recorder, port ? port : "");
    if (slot) {
        *recording = slot->told;
        if (slot->wanted)
            recording->lost +=
                sl_backlog_lost(recorder->backlog, (size_t)(slot - recorder->slots)) - slot->lost;
    }
    pthread_mutex_unlock(&recorder->lock);
    if (recording->state == SL_RECORDING_WAITING)
        snprintf(recording->reason, sizeof(recording->reason),
                 "waits for a frame that it can begin with");
}

/* The tape of a slot, which may be another camera's than it was. */
static sl_tape *tape_of(sl_recorder *recorder, size_t index, const char *port) {
    sl_tape *tape = &recorder->tapes[index];
    if (tape->rules && strcmp(tape->port, port) == 0)
        return tape;
    if (tape->rules && sl_tape_finish(tape) < 0)
        sl_log(SL_LOG_WARNING, "sink", "a segment is not finished: %s", sl_error());
    sl_tape_init(tape, &recorder->rules, port);
    return tape;
}

/* What was said of a camera up to then is done. */
static void obey(sl_recorder *recorder, size_t index, int64_t now_us) {
    char port[SL_TAPE_PORT_MAX];
    pthread_mutex_lock(&recorder->lock);
    struct slot *slot = &recorder->slots[index];
    bool wanted = slot->wanted;
    int64_t changed_us = slot->changed_us;
    bool changed = changed_us > 0 && changed_us <= now_us;
    if (changed)
        slot->changed_us = 0;
    snprintf(port, sizeof(port), "%s", slot->port);
    pthread_mutex_unlock(&recorder->lock);
    if (!changed)
        return;
    sl_tape *tape = tape_of(recorder, index, port);
    if (tape->on && !wanted)
        sl_tape_stop(tape);
    else if (!tape->on && wanted)
        sl_tape_start(tape, changed_us - recorder->rules.before_us, now_us);
}

static void store_frame(sl_recorder *recorder, sl_backlog_entry *entry) {
    const char *port = entry->frame->port ? entry->frame->port : "";
    obey(recorder, entry->lane, entry->arrived_us);
    sl_tape *tape = tape_of(recorder, entry->lane, port);
    sl_tape_take(tape, entry->frame, entry->gap, entry->arrived_us);
    sl_frame_unref(&entry->frame);
}

/* Under the lock. How it goes with a camera, unless that is yet to be done. */
static void tell(struct slot *slot, const sl_tape *tape) {
    if (slot->changed_us > 0 || !tape->rules || strcmp(slot->port, tape->port) != 0)
        return;
    sl_recording *told = &slot->told;
    told->state = tape->state;
    told->frames = tape->frames;
    told->bytes = tape->bytes;
    told->lost = tape->lost;
    snprintf(told->path, sizeof(told->path), "%s", tape->segment.path);
    snprintf(told->reason, sizeof(told->reason), "%s", tape->reason);
}

static bool is_there(const sl_camera_view *cameras, size_t count, const char *port) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(cameras[i].port, port) == 0)
            return cameras[i].state != SL_VIEW_GONE;
    return false;
}

/* Under the lock. The slot of a camera that isn't there any more, silent for longest; or NULL. */
static struct slot *left_slot(sl_recorder *recorder, const sl_camera_view *cameras, size_t count) {
    struct slot *left = NULL;
    for (struct slot *slot = recorder->slots; slot < recorder->slots + recorder->count; slot++)
        if (!is_there(cameras, count, slot->port) && (!left || slot->came_us < left->came_us))
            left = slot;
    return left;
}

static void seat_each(sl_recorder *recorder, const sl_camera_view *cameras, size_t count,
                      int64_t now_us) {
    for (size_t i = 0; i < count; i++) {
        const sl_camera_view *camera = &cameras[i];
        if (camera->state == SL_VIEW_GONE || camera->frames == 0 ||
            strlen(camera->port) >= SL_TAPE_PORT_MAX)
            continue;
        pthread_mutex_lock(&recorder->lock);
        struct slot *slot =
            find_slot(recorder, camera->port) ? NULL : left_slot(recorder, cameras, count);
        if (slot)
            assign(recorder, slot, camera->port, now_us);
        pthread_mutex_unlock(&recorder->lock);
    }
}

/* Gives those that are there the slots of those that aren't: who comes under one name after the
 * other has no more slots than others leave, and keeps nobody from being recorded. */
static void seat(sl_recorder *recorder, size_t count, int64_t now_us) {
    const sl_viewer *viewer = &recorder->rules.viewer;
    if (count < SL_VIEWS_MAX || !viewer->cameras || now_us - recorder->seated_us < SEAT_US)
        return;
    recorder->seated_us = now_us;
    sl_camera_view *cameras = calloc(SL_VIEWS_MAX, sizeof(*cameras));
    if (cameras)
        seat_each(recorder, cameras, viewer->cameras(viewer->user, cameras, SL_VIEWS_MAX), now_us);
    free(cameras);
}

/* Ends the events whose time has come, and tells the callers of all cameras. */
static size_t update_slots(sl_recorder *recorder, int64_t now_us) {
    pthread_mutex_lock(&recorder->lock);
    size_t count = recorder->count;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &recorder->slots[i];
        if (slot->wanted && slot->until_us > 0 && now_us >= slot->until_us)
            want(recorder, slot, false, slot->until_us);
        tell(slot, &recorder->tapes[i]);
    }
    pthread_mutex_unlock(&recorder->lock);
    return count;
}

static bool is_in_work(void *user, const char *id, const char *name) {
    const sl_recorder *recorder = user;
    for (size_t i = 0; i < SL_VIEWS_MAX; i++) {
        const sl_segment *segment = &recorder->tapes[i].segment;
        if (segment->muxer && strcmp(segment->id, id) == 0 && strcmp(segment->name, name) == 0)
            return true;
    }
    return false;
}

/* Deletes what is beyond the limits: each half minute, and, each second, when a segment has begun
 * or the disk is full. */
static void clean(sl_recorder *recorder, size_t count, int64_t now_us) {
    const sl_extent *keep = &recorder->retention.keep;
    bool full = false;
    unsigned segments = 0;
    for (size_t i = 0; i < count; i++) {
        full = full || recorder->tapes[i].state == SL_RECORDING_FULL;
        segments += recorder->tapes[i].segments;
    }
    int64_t interval_us = full || segments != recorder->segments ? SL_SECOND_US : CLEAN_US;
    if ((keep->us == 0 && keep->bytes == 0) || now_us - recorder->cleaned_us < interval_us)
        return;
    recorder->cleaned_us = now_us;
    recorder->segments = segments;
    sl_retention_run(&recorder->retention, sl_utc_us());
}

static void tend(sl_recorder *recorder, int64_t now_us) {
    recorder->tended_us = now_us;
    size_t count = update_slots(recorder, now_us);
    seat(recorder, count, now_us);
    clean(recorder, count, now_us);
    recorder->rules.preroll_most = PREROLL_BYTES / (count ? count : 1);
    for (size_t i = 0; i < count; i++)
        if (recorder->tapes[i].rules)
            sl_tape_tend(&recorder->tapes[i], now_us);
}

static bool is_closing(sl_recorder *recorder) {
    pthread_mutex_lock(&recorder->lock);
    bool closing = recorder->closing;
    pthread_mutex_unlock(&recorder->lock);
    return closing;
}

static void obey_all(sl_recorder *recorder) {
    pthread_mutex_lock(&recorder->lock);
    size_t count = recorder->count;
    pthread_mutex_unlock(&recorder->lock);
    for (size_t i = 0; i < count; i++)
        obey(recorder, i, sl_now_us());
}

static void run(void *argument) {
    sl_recorder *recorder = argument;
    sl_backlog_entry entry;
    for (bool closing = false; !closing;) {
        closing = is_closing(recorder);
        while (sl_backlog_take(recorder->backlog, &entry, recorder->tended_us + TEND_US)) {
            store_frame(recorder, &entry);
            if (sl_now_us() - recorder->tended_us >= TEND_US)
                tend(recorder, sl_now_us());
        }
        obey_all(recorder);
        tend(recorder, sl_now_us());
    }
    for (size_t i = 0; i < SL_VIEWS_MAX; i++)
        if (recorder->tapes[i].rules && sl_tape_finish(&recorder->tapes[i]) < 0)
            recorder->finished = SL_ESINK;
}

/* Makes it, and looks whether it can be written to. */
static int check_directory(const char *directory) {
    char path[SL_SEGMENT_PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s", directory) >= sizeof(path) - 300)
        return sl_fail(SL_ESINK, "the path %.200s… is too long", directory);
    if (sl_folders_make(path) < 0)
        return sl_fail(SL_ESINK, "cannot record: %s", sl_error());
    if (access(path, W_OK | X_OK) < 0)
        return sl_fail(SL_ESINK, "cannot record into %s: %s", path, strerror(errno));
    return SL_OK;
}

static void set_rules(sl_recorder *recorder) {
    sl_recorder_settings *settings = &recorder->settings;
    if (!settings->directory || !*settings->directory)
        settings->directory = USUAL_DIRECTORY;
    recorder->rules = (sl_tape_rules){
        .directory = settings->directory,
        .before_us = settings->before_s * SL_SECOND_US,
        .preroll_most = PREROLL_BYTES,
        .segment = settings->segment,
        .refused = &recorder->refused,
    };
    if (settings->viewer)
        recorder->rules.viewer = *settings->viewer;
    recorder->retention = (sl_retention){
        .directory = settings->directory,
        .keep = settings->keep,
        .in_work = is_in_work,
        .user = recorder,
    };
}

static void free_recorder(sl_recorder *recorder) {
    sl_backlog_close(&recorder->backlog);
    pthread_mutex_destroy(&recorder->lock);
    sl_settings_finish(&recorder->settings);
    free(recorder);
}

int sl_recorder_open(sl_recorder **recorder, const sl_recorder_settings *settings) {
    *recorder = NULL;
    if (settings->before_s < 0 || settings->before_s > 600)
        return sl_fail(SL_EINVAL, "record_before must be from 0 to 600, not %d",
                       settings->before_s);
    av_log_set_level(AV_LOG_QUIET); /* libav would print; what matters our sentences say */
    sl_recorder *opened = calloc(1, sizeof(*opened));
    if (!opened)
        return sl_fail_memory();
    pthread_mutex_init(&opened->lock, NULL);
    int code = sl_settings_copy(&opened->settings, settings, sizeof(*settings));
    if (code == SL_OK) {
        set_rules(opened);
        code = settings->idle ? SL_OK : check_directory(opened->rules.directory);
    }
    if (code == SL_OK)
        code = sl_backlog_open(&opened->backlog, BACKLOG_BYTES);
    if (code == SL_OK)
        code = sl_thread_start(&opened->thread, "sl-recorder", run, opened);
    if (code < 0) {
        free_recorder(opened);
        return code;
    }
    *recorder = opened;
    return SL_OK;
}

int sl_recorder_close(sl_recorder **recorder) {
    sl_recorder *closed = *recorder;
    if (!closed)
        return SL_OK;
    pthread_mutex_lock(&closed->lock);
    closed->closing = true;
    pthread_mutex_unlock(&closed->lock);
    sl_backlog_wake(closed->backlog);
    sl_thread_join(&closed->thread);
    int code = closed->finished;
    free_recorder(closed);
    *recorder = NULL;
    return code < 0 ? sl_fail(code, "a recording in it could not be finished") : SL_OK;
}
