/* stream: the camera end.
 *
 *   caller's thread       encoders     outlets, each with a thread and a tunnel's (if any)
 *                                   ┌▶ wire → pattern → link ─────▶ tunnel
 *   sl_sender_send() ─┬─▶ pipeline ─┼▶ wire → pattern → link ─────▶ tunnel
 *                     │             └▶ …
 *                     └─▶ pipeline ─▶ …   live: one for each lane, see lanes.h
 *
 * Admission is what keeps frames fresh: the pipeline lets a frame in only when it can leave soon,
 * so a caller with a newer one skips the older before it costs anything. */
#include <sightline/sender.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/log.h"
#include "base/settings.h"
#include "codec/codec.h"
#include "link/link.h"
#include "stream/coder.h"
#include "stream/outlet.h"
#include "stream/stillness.h"
#include "stream/threads.h"
#include "tunnel/tunnel.h"
#include <poll.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Where frames are coded. */
struct lane {
    sl_sender *sender;
    sl_pipeline *pipeline;
    sl_coder coder; /* in the live pattern; elsewhere each worker has a codec */
};

struct sl_sender {
    sl_sender_settings settings;
    sl_destinations destinations;
    sl_outlet *outlets[SL_DESTINATIONS_MAX]; /* one a destination */
    sl_outlet_owner owner;
    struct lane lanes[SL_LANES];
    size_t lane_count; /* one but in the live pattern */
    sl_fanout *fanout;
    sl_returned returned;
    sl_loss loss;                   /* of the source */
    bool live;                      /* the pattern, of all destinations */
    sl_steering steering;           /* of the encoders then */
    sl_stillness stillness;         /* of the picture then; the caller's thread's */
    atomic_uint_fast64_t unchanged; /* frames that were not coded because of it */
    sl_tally tally;                 /* of frames, whichever destination they reached */
    sl_cancel *stop;
    atomic_uint_fast64_t encoded;
    atomic_int quality; /* of the JPEG that was coded last; 0: it was none */
    sl_event opened;    /* the way to a destination is open, or the sender has failed */
    sl_event reachable; /* a receiver is there, or the sender has failed */

    pthread_mutex_t lock; /* everything below */
    bool open;            /* the way to a destination ever was */
    size_t met, failed;   /* destinations where a receiver is, and that are left for good */
    int first_failure;    /* of those */
    char first_sentence[512];
    int failure; /* of all */
    char sentence[512];
    sl_log_limit damaged; /* log lines about what could not be decoded to be coded anew */
};

static const sl_option sender_options[] = {
    {.name = "encoder_threads",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_sender_settings, threads),
     .maximum = SL_THREADS_MAX,
     .fallback = "0",
     .help = "Threads that encode; 0 is one a core, at most four"},
    {.name = "destinations",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_sender_settings, destinations),
     .values = "ADDRESS[:PORT][,NAME=VALUE]…[;…]",
     .help = "Send there, and to the next one behind a semicolon; after the place come ssh, key, "
             "host-key, password-file or any option of the link and the tunnel, for it alone"},
};

static const char *const preferences[] = {"sharp", "smooth", NULL};

static const sl_option live_options[] = {
    {.name = "max_age",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_live_settings, max_age_ms),
     .minimum = 50,
     .maximum = 10000,
     .fallback = "150",
     .values = "50 to 10000 ms",
     .help =
         "live, and JPEG with pair and reqrep: how old a frame may be when it comes, beyond the "
         "way's own delay, in ms"},
    {.name = "min_fps",
     .type = SL_OPTION_NUMBER,
     .offset = offsetof(sl_live_settings, min_fps),
     .minimum = 1,
     .maximum = 240,
     .fallback = "10",
     .help = "The same: frames a second that are not gone below for a finer picture"},
    {.name = "max_rate",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_live_settings, max_rate_kbit),
     .maximum = INT_MAX,
     .fallback = "0",
     .values = "0 kbit/s or more",
     .help = "live: kbit/s that it sends at most; 0 is as many as pass"},
    {.name = "data_cap",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_live_settings, data_cap_mb),
     .maximum = INT_MAX,
     .fallback = "0",
     .values = "0 MB or more",
     .help = "live: MB that it sends in 24 hours; 0 is no cap"},
    {.name = "camera_name",
     .type = SL_OPTION_STRING,
     .offset = offsetof(sl_live_settings, name),
     .values = "TEXT",
     .help = "live: what viewers call this camera; without it this machine's name"},
    {.name = "prefer",
     .type = SL_OPTION_CHOICE,
     .offset = offsetof(sl_live_settings, prefer),
     .choices = preferences,
     .fallback = "sharp",
     .help =
         "live, and JPEG with pair and reqrep: what to keep when bits are few: a sharp picture, "
         "or smooth movement"},
};

static sl_option_group groups[6];

static void fill_groups(void) {
    groups[0] = (sl_option_group){"Link", sl_link_options, sl_link_option_count,
                                  offsetof(sl_sender_settings, link)};
    groups[1] = (sl_option_group){"Tunnel", sl_tunnel_options, sl_tunnel_option_count,
                                  offsetof(sl_sender_settings, tunnel)};
    groups[2] = (sl_option_group){"Codec", sl_codec_options, sl_codec_option_count,
                                  offsetof(sl_sender_settings, codec)};
    groups[4] = (sl_option_group){"Live", live_options, SL_COUNT(live_options),
                                  offsetof(sl_sender_settings, live)};
    groups[3] = (sl_option_group){"Sender", sender_options, SL_COUNT(sender_options), 0};
}

void sl_sender_settings_init(sl_sender_settings *settings) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_groups);
    sl_settings_init(settings, sizeof *settings, groups);
}

/* Ends the sender for good. The first end counts; callers will be told `sentence`. */
static void end(sl_sender *sender, int code, const char *sentence) {
    pthread_mutex_lock(&sender->lock);
    if (!sender->failure) {
        sender->failure = code;
        snprintf(sender->sentence, sizeof sender->sentence, "%s", sentence);
    }
    pthread_mutex_unlock(&sender->lock);
    sl_fanout_end(sender->fanout, code, sentence);
    sl_event_set(&sender->opened);
    sl_event_set(&sender->reachable);
}

static int failure_of(sl_sender *sender) {
    pthread_mutex_lock(&sender->lock);
    int code = sender->failure;
    if (code)
        sl_fail(code, "%s", sender->sentence);
    pthread_mutex_unlock(&sender->lock);
    return code;
}

static void note_opened(void *user) {
    sl_sender *sender = user;
    pthread_mutex_lock(&sender->lock);
    sender->open = true;
    pthread_mutex_unlock(&sender->lock);
    sl_event_set(&sender->opened);
}

/* After a failure nobody is kept waiting. */
static void note_met(void *user, bool receiver) {
    sl_sender *sender = user;
    pthread_mutex_lock(&sender->lock);
    sender->met += receiver ? 1 : (size_t)-1;
    if (sender->met > 0)
        sl_event_set(&sender->reachable);
    else if (!sender->failure)
        sl_event_clear(&sender->reachable);
    pthread_mutex_unlock(&sender->lock);
}

static void note_left(void *user, size_t lane) {
    sl_sender *sender = user;
    sl_coder_rest(&sender->lanes[lane].coder);
}

/* The stream goes on while there is a destination left. Of several, the log tells of each. */
static void note_failed(void *user, int code) {
    sl_sender *sender = user;
    bool several = sender->owner.several;
    if (several)
        sl_log(SL_LOG_ERROR, "stream", "nothing is sent there any more: %s", sl_error());
    pthread_mutex_lock(&sender->lock);
    if (!sender->first_failure) {
        sender->first_failure = code;
        snprintf(sender->first_sentence, sizeof sender->first_sentence, "%s%s%s",
                 several ? sl_log_about() : "", several ? ": " : "", sl_error());
    }
    bool last = ++sender->failed == sender->destinations.count;
    code = sender->first_failure;
    pthread_mutex_unlock(&sender->lock);
    if (last)
        end(sender, code, sender->first_sentence);
}

static int check_name(const sl_sender_settings *settings) {
    return settings->live.name ? sl_live_check_name(settings->live.name) : SL_OK;
}

int sl_sender_check(const sl_sender_settings *settings) {
    sl_destinations destinations;
    int result = check_name(settings);
    if (result)
        return result;
    result = sl_destinations_read(&destinations, settings);
    sl_destinations_finish(&destinations);
    return result;
}

/* `state` is the worker's own codec; NULL in the live pattern. */
static int open_encoder(void *user, void **state) {
    struct lane *lane = user;
    *state = NULL;
    return lane->sender->live ? sl_coder_open(&lane->coder)
                              : sl_codec_open((sl_codec **)state, &lane->sender->settings.codec);
}

/* In NetGear's patterns: as large as the viewer that can take most has it in time. */
static int limit_encoder(sl_sender *sender, sl_codec *codec) {
    sl_codec_aim wanted = {
        .format = SL_FORMAT_JPEG,
        .bit_rate = (int64_t)sl_fanout_allowed(sender->fanout) * 8,
        .fps = 1,
        .scale = 1,
        .quality = sender->settings.codec.quality,
    };
    return sender->settings.codec.jpeg ? sl_codec_aim_at(codec, &wanted) : SL_OK;
}

/* By a codec of the worker's own. */
static int encode_limited(sl_sender *sender, sl_codec *codec, const sl_frame *frame,
                          sl_frame **coded) {
    int result = limit_encoder(sender, codec);
    if (!result)
        result = sl_codec_encode(codec, frame, coded);
    return result;
}

/* A damaged frame of the source, which those who miss it count. There will be others. */
static void tell_damaged(sl_sender *sender) {
    uint64_t held_back;
    pthread_mutex_lock(&sender->lock);
    bool say = sl_log_limit_pass(&sender->damaged, &held_back);
    pthread_mutex_unlock(&sender->lock);
    if (say)
        sl_log(SL_LOG_WARNING, "stream", "a frame of the source is left out: %s", sl_error());
}

/* Nothing comes of a frame that can't be decoded, and the stream goes on. */
static int encode(void *user, void *state, const sl_frame *frame, sl_frame **coded) {
    struct lane *lane = user;
    sl_sender *sender = lane->sender;
    int result = sender->live ? sl_coder_code(&lane->coder, frame, coded)
                              : encode_limited(sender, state, frame, coded);
    if (result == SL_EMESSAGE) {
        tell_damaged(sender);
        return SL_OK;
    }
    if (result) {
        end(sender, result, sl_error());
        return result;
    }
    atomic_fetch_add(&sender->encoded, 1);
    if (!sender->live)
        atomic_store(&sender->quality, sl_codec_last(state).quality);
    return SL_OK;
}

static void close_encoder(void *user, void *state) {
    (void)user;
    sl_codec *codec = state;
    sl_codec_close(&codec);
}

/* Live frames build on each other: they are coded one after another. */
static int encoders(const sl_sender *sender) {
    return sender->live ? 1 : sl_threads(sender->settings.threads);
}

static sl_governor_goals goals_of(const sl_live_settings *live) {
    return (sl_governor_goals){
        .max_age_us = live->max_age_ms * INT64_C(1000),
        .min_fps = live->min_fps,
        .max_rate = live->max_rate_kbit * INT64_C(1000),
        .daily_bytes = live->data_cap_mb * INT64_C(1000000),
        .smooth = live->prefer == SL_PREFER_SMOOTH,
    };
}

static int open_outlets(sl_sender *sender) {
    size_t count = sender->destinations.count;
    int result = SL_OK;
    sender->owner = (sl_outlet_owner){
        .pipeline = sender->lanes[0].pipeline,
        .fanout = sender->fanout,
        .returned = &sender->returned,
        .steering = &sender->steering,
        .goals = goals_of(&sender->settings.live),
        .name = sender->settings.live.name,
        .loss = &sender->loss,
        .stop = sender->stop,
        .encoders = encoders(sender),
        .several = count > 1,
        .user = sender,
        .opened = note_opened,
        .met = note_met,
        .left = note_left,
        .failed = note_failed,
    };
    for (size_t i = 0; i < count && !result; i++)
        result = sl_outlet_open(&sender->outlets[i], &sender->destinations.all[i], &sender->owner);
    return result;
}

/* Until the first way is open, or none can be. */
static int wait_until_open(sl_sender *sender) {
    int result = sl_wait(sender->opened.fd, POLLIN, sender->settings.cancel, -1);
    if (result)
        return result;
    pthread_mutex_lock(&sender->lock);
    bool open = sender->open;
    pthread_mutex_unlock(&sender->lock);
    return open ? SL_OK : failure_of(sender);
}

/* No more lanes than there are destinations to be in them. */
static int open_lanes(sl_sender *sender) {
    static const sl_pipeline_worker worker = {open_encoder, encode, close_encoder, NULL};
    sl_pipeline *pipelines[SL_LANES];
    size_t count = sender->destinations.count;
    int result = SL_OK;
    sender->lane_count = !sender->live ? 1 : count < SL_LANES ? count : SL_LANES;
    sl_steering_init(&sender->steering, sender->lane_count);
    sender->steering.chooses = sl_codec_chooses(&sender->settings.codec);
    for (size_t i = 0; i < sender->lane_count; i++) {
        struct lane *lane = &sender->lanes[i];
        lane->sender = sender;
        sl_coder_init(&lane->coder, &sender->settings.codec, &sender->steering, i,
                      sender->settings.threads);
    }
    for (size_t i = 0; i < sender->lane_count && !result; i++) {
        result = sl_pipeline_open(&sender->lanes[i].pipeline, "sl-encode", encoders(sender), 0,
                                  &worker, &sender->lanes[i]);
        pipelines[i] = sender->lanes[i].pipeline;
    }
    return result ? result
                  : sl_fanout_open(&sender->fanout, pipelines, sender->lane_count, &sender->tally,
                                   sender->destinations.in_turns);
}

static int start(sl_sender *sender) {
    int result = check_name(&sender->settings);
    if (!result)
        result = sl_event_init(&sender->opened);
    if (!result)
        result = sl_event_init(&sender->reachable);
    if (!result)
        result = sl_cancel_open(&sender->stop);
    if (!result)
        result = sl_destinations_read(&sender->destinations, &sender->settings);
    if (!result)
        result = sl_destinations_prepare(&sender->destinations, true);
    if (!result)
        result = open_lanes(sender);
    if (!result)
        result = open_outlets(sender);
    return result ? result : wait_until_open(sender);
}

int sl_sender_open(sl_sender **sender, const sl_sender_settings *settings) {
    *sender = NULL;
    sl_sender *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    pthread_mutex_init(&opened->lock, NULL);
    sl_tally_init(&opened->tally);
    sl_returned_init(&opened->returned);
    sl_loss_init(&opened->loss);
    opened->opened.fd = opened->reachable.fd = -1;

    int result = sl_settings_copy(&opened->settings, settings, sizeof *settings);
    opened->live = settings->link.pattern == SL_PATTERN_LIVE;
    if (!result)
        result = start(opened);
    if (result) {
        sl_sender_close(&opened);
        return result;
    }
    *sender = opened;
    return SL_OK;
}

int sl_sender_wait(sl_sender *sender, int timeout_ms) {
    int result =
        sl_wait(sender->reachable.fd, POLLIN, sender->settings.cancel, sl_deadline_us(timeout_ms));
    return result ? result : failure_of(sender);
}

/* A live picture at rest is as good as sent. */
static bool rests(sl_sender *sender, const sl_frame *frame) {
    bool best = sl_steering_best(&sender->steering);
    bool awaited = sl_steering_awaits(&sender->steering);
    if (!sl_stillness_skips(&sender->stillness, frame, best, awaited, sl_now_us()))
        return false;
    atomic_fetch_add(&sender->unchanged, 1);
    return true;
}

int sl_sender_send(sl_sender *sender, const sl_frame *frame, int timeout_ms) {
    if (frame->size == 0)
        return sl_fail(SL_EINVAL, "an array without elements can't be sent");
    sl_loss_note(&sender->loss, NULL, sl_now_us());
    sl_steering_offer(&sender->steering, frame->captured_monotonic_us);
    if (sender->live && rests(sender, frame))
        return failure_of(sender);
    int result =
        sl_fanout_put(sender->fanout, frame, sender->settings.cancel, sl_deadline_us(timeout_ms));
    if (result == SL_OK)
        sl_stillness_passed(&sender->stillness, sl_now_us());
    return result;
}

void sl_sender_lost(sl_sender *sender, const char *why) {
    sl_loss_note(&sender->loss, why, sl_now_us());
}

int sl_sender_flush(sl_sender *sender, int timeout_ms) {
    int result =
        sl_fanout_wait(sender->fanout, sender->settings.cancel, sl_deadline_us(timeout_ms));
    return result ? result : failure_of(sender);
}

int sl_sender_returned(sl_sender *sender, sl_frame **returned) {
    bool expected = false;
    *returned = NULL;
    for (size_t i = 0; i < sender->destinations.count; i++)
        expected = expected || sender->destinations.all[i].link.bidirectional_mode;
    if (!expected && !sender->settings.link.multiclient_mode)
        return sl_fail(SL_EINVAL, "data is returned in bidirectional_mode and multiclient_mode "
                                  "alone; set one at both ends");
    int result = sl_returned_take(&sender->returned, &sender->settings.codec, returned);
    if (result != SL_EMESSAGE)
        return result;
    sl_tally_reject(&sender->tally);
    return SL_EAGAIN;
}

size_t sl_sender_destinations(const sl_sender *sender) {
    return sender->destinations.count;
}

void sl_sender_destination(const sl_sender *sender, size_t index, sl_destination *destination) {
    *destination = (sl_destination){0};
    if (index < sender->destinations.count)
        sl_outlet_look(sender->outlets[index], destination);
}

/* Frames are counted once, whomever they reached; what concerns a connection is added up. */
void sl_sender_stats(const sl_sender *sender, sl_stats *stats) {
    sl_destination one;
    sl_tally_get((sl_tally *)&sender->tally, stats);
    sl_stats sum = {0};
    for (size_t i = 0; i < sender->destinations.count; i++) {
        sl_outlet_look(sender->outlets[i], &one);
        sum.bytes += one.stats.bytes;
        sum.reconnects += one.stats.reconnects;
        sum.rejected += one.stats.rejected;
        sum.bit_rate += one.stats.bit_rate;
        for (size_t reason = 0; reason < SL_DROPS; reason++)
            sum.drops[reason] += one.stats.drops[reason];
        sum.connected = sum.connected || one.stats.connected;
        if (one.stats.live_stats.target_rate >= sum.live_stats.target_rate) {
            sum.live_stats = one.stats.live_stats;
            sum.latency = one.stats.latency;
        }
        sum.live = sum.live || one.stats.live;
    }
    if (sender->destinations.count == 1)
        sum = one.stats;
    sum.rejected += stats->rejected;
    sum.frames = stats->frames;
    sum.dropped = stats->dropped;
    sum.seconds = stats->seconds;
    sum.port = sender->destinations.all[0].link.port;
    sum.encoded = atomic_load(&sender->encoded);
    sum.quality = sender->live ? sl_steering_quality((sl_steering *)&sender->steering)
                               : atomic_load(&sender->quality);
    sum.unchanged = atomic_load(&sender->unchanged);
    *stats = sum;
}

void sl_sender_finish(sl_sender *sender) {
    end(sender, SL_EEND, "the stream was ended at this end");
    sl_cancel_trigger(sender->stop);
    for (size_t i = 0; i < sender->destinations.count; i++)
        sl_outlet_wait(sender->outlets[i]);
}

/* Whose fan-out and outlets are closed. */
static void close_lanes(sl_sender *sender) {
    for (size_t i = 0; i < sender->lane_count; i++)
        sl_pipeline_close(&sender->lanes[i].pipeline);
    for (size_t i = 0; i < sender->lane_count; i++)
        sl_coder_finish(&sender->lanes[i].coder);
    if (sender->lane_count > 0)
        sl_steering_finish(&sender->steering);
}

/* First all outlets hear of the end, then each is waited for: they close at the same time. */
void sl_sender_close(sl_sender **sender) {
    sl_sender *closing = *sender;
    if (!closing)
        return;
    *sender = NULL;
    if (closing->stop)
        sl_cancel_trigger(closing->stop);
    for (size_t i = 0; i < closing->destinations.count; i++)
        sl_outlet_close(&closing->outlets[i]);
    close_lanes(closing);
    sl_fanout_close(&closing->fanout);
    sl_cancel_close(&closing->stop);
    sl_event_finish(&closing->opened);
    sl_event_finish(&closing->reachable);
    sl_tally_finish(&closing->tally);
    sl_returned_finish(&closing->returned);
    sl_loss_finish(&closing->loss);
    sl_destinations_finish(&closing->destinations);
    sl_settings_finish(&closing->settings);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}
