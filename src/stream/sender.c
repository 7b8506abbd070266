/* stream: the camera end.
 *
 *   caller's thread       encoders          link thread               tunnel's thread
 *   sl_sender_send() ───▶ pipeline ───▶ wire → pattern → link ─────▶ tunnel (if any)
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
#include "frame/frame.h"
#include "stream/pattern.h"
#include "stream/threads.h"
#include "tunnel/tunnel.h"
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS         5   /* between tries to hand a frame to a link without room */
#define END_LINGER_MS    800 /* for the end message to leave: a fifth of the shortest time-out */
#define TUNNEL_LINGER_MS 1000

struct sl_sender {
    sl_sender_settings settings;
    const sl_pattern_kind *pattern;
    sl_tunnel *tunnel; /* NULL without one */
    sl_pipeline *pipeline;
    sl_tally tally;
    sl_cancel *stop;
    sl_thread thread;
    int encoders;
    sl_event reachable; /* a receiver is there, or the sender has failed */
    sl_event settled;   /* every frame taken was delivered or given up, or the sender has failed */

    sl_link *link; /* the link thread's, and the next three too */
    sl_turn turn;
    sl_frame *current; /* coded, waiting to leave */
    int64_t turn_us;   /* average time from handing a frame over to being ready for the next */

    pthread_mutex_t lock; /* everything below */
    uint64_t taken, finished;
    int failure;
    char sentence[512];
};

static const sl_option sender_options[] = {
    {.name = "encoder_threads",
     .type = SL_OPTION_INT,
     .offset = offsetof(sl_sender_settings, threads),
     .maximum = SL_THREADS_MAX,
     .fallback = "0",
     .help = "Threads that encode; 0 is one a core, at most four"},
};

static sl_option_group groups[5];

static void fill_groups(void) {
    groups[0] = (sl_option_group){"Link", sl_link_options, sl_link_option_count,
                                  offsetof(sl_sender_settings, link)};
    groups[1] = (sl_option_group){"Tunnel", sl_tunnel_options, sl_tunnel_option_count,
                                  offsetof(sl_sender_settings, tunnel)};
    groups[2] = (sl_option_group){"JPEG", sl_codec_options, sl_codec_option_count,
                                  offsetof(sl_sender_settings, codec)};
    groups[3] = (sl_option_group){"Sender", sender_options, SL_COUNT(sender_options), 0};
}

void sl_sender_settings_init(sl_sender_settings *settings) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_groups);
    sl_settings_init(settings, sizeof *settings, groups);
}

/* Ends the sender for good. The first failure counts, and the calling thread's sl_error() is what
 * callers will be told. */
static void fail(sl_sender *sender, int code) {
    pthread_mutex_lock(&sender->lock);
    if (!sender->failure) {
        sender->failure = code;
        snprintf(sender->sentence, sizeof sender->sentence, "%s", sl_error());
    }
    pthread_mutex_unlock(&sender->lock);
    sl_pipeline_end(sender->pipeline, code, sl_error());
    sl_event_set(&sender->reachable);
    sl_event_set(&sender->settled);
}

static int failure_of(sl_sender *sender) {
    pthread_mutex_lock(&sender->lock);
    int code = sender->failure;
    if (code)
        sl_fail(code, "%s", sender->sentence);
    pthread_mutex_unlock(&sender->lock);
    return code;
}

/* Locked. After a failure nobody is kept waiting. */
static void clear_unless_failed(sl_sender *sender, sl_event *event) {
    if (!sender->failure)
        sl_event_clear(event);
}

static int open_encoder(void *user, void **state) {
    sl_sender *sender = user;
    return sl_codec_open((sl_codec **)state, &sender->settings.codec);
}

static int encode(void *user, void *state, const sl_frame *frame, sl_frame **coded) {
    sl_sender *sender = user;
    int result = sl_codec_encode(state, frame, coded);
    if (result)
        fail(sender, result);
    return result;
}

static void close_encoder(void *user, void *state) {
    (void)user;
    sl_codec *codec = state;
    sl_codec_close(&codec);
}

/* As many frames ahead as it takes to have the next one coded when the link is ready for it, and
 * not one more: each would only wait, and grow old. */
static void admit(sl_sender *sender, bool open) {
    int64_t ahead = 1;
    if (sender->turn_us > 0)
        ahead = (sl_pipeline_work_us(sender->pipeline) + sender->turn_us - 1) / sender->turn_us;
    if (ahead > sender->encoders)
        ahead = sender->encoders;
    sl_pipeline_set_limit(sender->pipeline, !open ? 0 : ahead > 1 ? (int)ahead : 1);
}

static void settle_current(sl_sender *sender) {
    sl_frame_unref(&sender->current);
    pthread_mutex_lock(&sender->lock);
    sender->finished++;
    if (sender->finished == sender->taken)
        sl_event_set(&sender->settled);
    pthread_mutex_unlock(&sender->lock);
}

/* Takes the next coded frame. Where the newest wins, one that found no room makes way. */
static int take_coded(sl_sender *sender) {
    if (sender->current && !sender->pattern->newest_wins)
        return SL_OK;
    sl_frame *coded = NULL;
    int result = sl_pipeline_take(sender->pipeline, &coded, NULL, 0);
    if (result)
        return sender->current && result == SL_EAGAIN ? SL_OK : result;
    if (sender->current) {
        sl_tally_drop(&sender->tally);
        settle_current(sender);
    }
    sender->current = coded;
    return SL_OK;
}

static int send_current(sl_sender *sender) {
    sl_buffer *parts[2] = {NULL, NULL};
    int result = sl_netgear_write_head(sender->current, sender->settings.link.pattern, &parts[0]);
    if (!result)
        result = sl_frame_bytes(sender->current, &parts[1]);
    int64_t began_us = sl_now_us();
    sl_link_want_send(sender->link, false);
    if (!result)
        result = sender->pattern->send(&sender->turn, parts, 2);
    if (result == SL_OK) {
        int64_t took_us = sl_now_us() - began_us;
        sender->turn_us = sender->turn_us ? (sender->turn_us * 7 + took_us) / 8 : took_us;
        settle_current(sender);
    }
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    return result;
}

/* What only shows while no receiver is there: a tunnel that ended for good, or a receiver that
 * can't be talked to. Once there was one that could, a stranger at its port ends nothing: the link
 * says who it is, and tries again. */
static int check_reachable(sl_sender *sender, const sl_link_state *state) {
    if (sender->tunnel) {
        sl_tunnel_status status;
        sl_tunnel_status_get(sender->tunnel, &status);
        if (status.failure)
            return sl_fail(status.failure, "%s", status.reason);
    }
    if (state->refused > 0 && state->connects == 0)
        return sl_fail(SL_EPEER, "%s", state->refusal);
    return SL_OK;
}

/* With nobody there, what is coded already only grows old. In pair and reqrep it still goes out,
 * because it was taken; where the newest wins it makes way. */
static void drop_outdated(sl_sender *sender) {
    while (sender->pattern->newest_wins && (sender->current || take_coded(sender) == SL_OK)) {
        sl_tally_drop(&sender->tally);
        settle_current(sender);
    }
}

static int wait_for_receiver(sl_sender *sender, const sl_link_state *state) {
    pthread_mutex_lock(&sender->lock);
    clear_unless_failed(sender, &sender->reachable);
    pthread_mutex_unlock(&sender->lock);
    admit(sender, false);
    drop_outdated(sender);
    int result = check_reachable(sender, state);
    if (result)
        return result;
    int failure_fd = sender->tunnel ? sl_tunnel_failure_fd(sender->tunnel) : -1;
    return sl_link_wait(sender->link, failure_fd, sender->stop, -1);
}

/* Waits for whatever lets the next frame leave. */
static int wait_for_turn(sl_sender *sender, bool writable) {
    bool want_frame = !sender->current || sender->pattern->newest_wins;
    sl_link_want_send(sender->link, !writable);
    return sl_link_wait(sender->link, want_frame ? sl_pipeline_ready_fd(sender->pipeline) : -1,
                        sender->stop, -1);
}

/* One turn of the link thread. SL_OK to go on. Where the newest wins, nothing is let in while the
 * link has no room: it would be coded only to make way. */
static int turn(sl_sender *sender) {
    sl_link_state state;
    sl_link_state_get(sender->link, &state);
    if (!state.connected)
        return wait_for_receiver(sender, &state);
    sl_event_set(&sender->reachable);
    bool writable = sl_link_writable(sender->link);
    admit(sender, writable || !sender->pattern->newest_wins);
    int result = take_coded(sender);
    if (result == SL_OK && writable)
        result = send_current(sender);
    else if (result == SL_OK || result == SL_EAGAIN)
        result = wait_for_turn(sender, writable);
    return result == SL_EAGAIN
               ? sl_link_wait(sender->link, -1, sender->stop, sl_deadline_us(RETRY_MS))
               : result;
}

static void run_link(void *argument) {
    sl_sender *sender = argument;
    int result = SL_OK;
    while (result == SL_OK || result == SL_EAGAIN)
        result = sl_cancel_triggered(sender->stop) ? SL_ECANCELED : turn(sender);
    if (result == SL_ECANCELED)
        result = sl_fail(SL_EEND, "the stream was ended at this end");
    fail(sender, result);
    sl_link_state state;
    sl_link_state_get(sender->link, &state);
    if (state.connected)
        sender->pattern->send_end(&sender->turn);
}

static int open_tunnel(sl_sender *sender) {
    const sl_link_settings *link = &sender->settings.link;
    if (!sender->settings.tunnel.destination)
        return sl_tunnel_check(&sender->settings.tunnel);
    if (link->protocol != SL_PROTOCOL_TCP)
        return sl_fail(SL_EINVAL, "an SSH tunnel leads to a TCP port; leave protocol at tcp");
    sl_tunnel_target target = {link->address ? link->address : "localhost", link->port};
    return sl_tunnel_open(&sender->tunnel, &sender->settings.tunnel, &target,
                          sender->settings.cancel);
}

static int start(sl_sender *sender) {
    static const sl_pipeline_worker worker = {open_encoder, encode, close_encoder};
    int result = open_tunnel(sender);
    if (!result)
        result = sl_link_open(&sender->link, &sender->settings.link, SL_ROLE_SENDER,
                              sender->tunnel ? sl_tunnel_endpoint(sender->tunnel) : NULL,
                              sender->settings.cancel);
    if (!result)
        result =
            sl_pipeline_open(&sender->pipeline, "sl-encode", sender->encoders, 0, &worker, sender);
    if (result)
        return result;
    sender->turn = (sl_turn){
        .link = sender->link,
        .pipeline = sender->pipeline,
        .tally = &sender->tally,
        .settings = &sender->settings.link,
        .stop = sender->stop,
    };
    return sl_thread_start(&sender->thread, "sl-send", run_link, sender);
}

int sl_sender_open(sl_sender **sender, const sl_sender_settings *settings) {
    *sender = NULL;
    sl_sender *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    pthread_mutex_init(&opened->lock, NULL);
    sl_tally_init(&opened->tally);
    opened->reachable.fd = opened->settled.fd = -1;
    opened->pattern = sl_pattern_find(settings->link.pattern, false);
    opened->encoders = sl_threads(settings->threads);

    int result = sl_settings_copy(&opened->settings, settings, sizeof *settings);
    if (!result)
        result = sl_event_init(&opened->reachable);
    if (!result)
        result = sl_event_init(&opened->settled);
    if (!result)
        result = sl_cancel_open(&opened->stop);
    if (!result)
        result = start(opened);
    if (result) {
        sl_sender_close(&opened);
        return result;
    }
    sl_event_set(&opened->settled);
    *sender = opened;
    return SL_OK;
}

int sl_sender_wait(sl_sender *sender, int timeout_ms) {
    int result =
        sl_wait(sender->reachable.fd, POLLIN, sender->settings.cancel, sl_deadline_us(timeout_ms));
    return result ? result : failure_of(sender);
}

int sl_sender_send(sl_sender *sender, const sl_frame *frame, int timeout_ms) {
    pthread_mutex_lock(&sender->lock);
    sender->taken++;
    clear_unless_failed(sender, &sender->settled);
    pthread_mutex_unlock(&sender->lock);
    sl_frame *taken = sl_frame_ref(frame);
    int result = sl_pipeline_put(sender->pipeline, taken, sender->settings.cancel,
                                 sl_deadline_us(timeout_ms));
    if (!result)
        return SL_OK;
    sl_frame_unref(&taken);
    pthread_mutex_lock(&sender->lock);
    sender->taken--;
    if (sender->finished == sender->taken)
        sl_event_set(&sender->settled);
    pthread_mutex_unlock(&sender->lock);
    return result;
}

int sl_sender_flush(sl_sender *sender, int timeout_ms) {
    int result =
        sl_wait(sender->settled.fd, POLLIN, sender->settings.cancel, sl_deadline_us(timeout_ms));
    return result ? result : failure_of(sender);
}

void sl_sender_stats(const sl_sender *sender, sl_stats *stats) {
    sl_link_state state;
    sl_tally_get((sl_tally *)&sender->tally, stats);
    sl_link_state_get(sender->link, &state);
    stats->connected = state.connected;
    stats->reconnects = state.connects > 0 ? state.connects - 1 : 0;
    stats->port = sender->settings.link.port;
    sl_tunnel_stats(sender->tunnel, stats);
}

void sl_sender_finish(sl_sender *sender) {
    if (sender->stop)
        sl_cancel_trigger(sender->stop);
    sl_thread_join(&sender->thread);
}

void sl_sender_close(sl_sender **sender) {
    sl_sender *closing = *sender;
    if (!closing)
        return;
    *sender = NULL;
    sl_sender_finish(closing);
    sl_pipeline_close(&closing->pipeline);
    sl_frame_unref(&closing->current);
    sl_link_close(&closing->link, END_LINGER_MS);
    sl_tunnel_close(&closing->tunnel, TUNNEL_LINGER_MS);
    sl_cancel_close(&closing->stop);
    sl_event_finish(&closing->reachable);
    sl_event_finish(&closing->settled);
    sl_tally_finish(&closing->tally);
    sl_settings_finish(&closing->settings);
    pthread_mutex_destroy(&closing->lock);
    free(closing);
}
