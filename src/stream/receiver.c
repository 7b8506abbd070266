/* stream: the viewer end, the sender's mirror image.
 *
 * With a tunnel the link binds to a Unix socket in a private directory only, and the SSH server
 * listens in its place. In multi-server mode there is a tunnel for each port, each with a session
 * of its own, and all lead to the one link.
 *
 *   link thread                     decoders         caller's thread
 *   link → pattern → wire ────────▶ pipeline ──────▶ sl_receiver_recv()
 */
#include <sightline/receiver.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"
#include "codec/codec.h"
#include "frame/frame.h"
#include "stream/decoders.h"
#include "stream/pattern.h"
#include "stream/place.h"
#include "stream/taps.h"
#include "stream/views.h"
#include "stream/threads.h"
#include "stream/whereabouts.h"
#include "tunnel/gate.h"
#include "tunnel/tunnel.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCKSTEP_QUEUE    3 /* frames, to overlap receiving with decoding; more only grow old */
#define EVERY_FRAME_QUEUE (SL_PIPELINE_CAPACITY - 2)
#define REPLY_LINGER_MS   200 /* for the last reply to leave */
#define TUNNEL_LINGER_MS  1000
#define SENDER_SILENT_US  (5 * SL_SECOND_US) /* a live one asks twice a second whether we live */
#define HOUR_US           (3600 * SL_SECOND_US)
#define GATE_LINK_PORT    5555 /* what senders ask the gate for, when any port will do */

struct sl_receiver {
    sl_receiver_settings settings;
    const sl_pattern_kind *pattern;
    sl_link_ports ports;
    sl_tunnel *tunnels[SL_LINK_PORTS_MAX]; /* one a port; the first is NULL: none */
    char folder[96]; /* private; where the link listens for the tunnels; "" without one */
    sl_pipeline *pipeline;
    sl_taps taps;
    sl_views *views;
    atomic_int output; /* sl_output; at first the settings' */
    sl_tally tally;
    sl_cancel *stop;         /* the tunnel triggers it too, when it fails for good */
    const sl_cancel *cancel; /* the user's, until it is finished */
    sl_thread thread;
    sl_gate *gate;              /* NULL: there is none */
    sl_whereabouts whereabouts; /* of the gate */
    sl_answer answer;
    sl_cameras *cameras;  /* in the live pattern; else NULL, */
    sl_audience audience; /* and it makes no difference to senders who asks */
    sl_playout *playout;  /* NULL: frames don't wait to be shown evenly */
    sl_link *link;        /* the link thread's, and `turn` too */
    sl_turn turn;
};

static int open_decoder(void *user, void **state) {
    sl_receiver *receiver = user;
    return sl_decoders_open((sl_decoders **)state, &receiver->settings.codec,
                            receiver->settings.full_size);
}

static void close_decoder(void *user, void *state) {
    (void)user;
    sl_decoders *decoders = state;
    sl_decoders_close(&decoders);
}

static void note_dropped(void *user, const sl_frame *frame) {
    sl_receiver *receiver = user;
    sl_views_drop(receiver->views, frame);
}

static void note_age(sl_receiver *receiver, const sl_frame *frame, int32_t age_ms) {
    sl_tally_age(&receiver->tally, age_ms);
    sl_views_age(receiver->views, frame, age_ms);
}

static void measure_age(sl_receiver *receiver, const sl_frame *frame) {
    uint32_t timecode = 0;
    int32_t age_ms = 0;
    if (receiver->settings.timecode && sl_timecode_read(frame, &timecode) &&
        sl_latency_age(timecode, sl_utc_us(), &age_ms))
        note_age(receiver, frame, age_ms);
}

/* As its sender tells: who tells of absurd times is an hour early or late. */
static int64_t told_age_us(const sl_frame *frame) {
    int64_t age_us = sl_utc_us() - frame->captured_utc_us;
    return age_us < -HOUR_US ? -HOUR_US : age_us > HOUR_US ? HOUR_US : age_us;
}

/* A live frame is handed out: its age is measured by the picture's timecode, if asked to, else as
 * the sender tells. Clocks that differ a little make it new, not unknown. */
static void note_shown(sl_receiver *receiver, const sl_frame *frame) {
    bool told = frame->captured_utc_us != 0;
    int64_t age_us = told ? told_age_us(frame) : -1;
    if (told && age_us < 0)
        age_us = 0;
    if (told && !receiver->settings.timecode)
        note_age(receiver, frame, (int32_t)(age_us / 1000));
    else
        measure_age(receiver, frame);
    sl_cameras_show(receiver->cameras, frame, age_us);
}

/* Who stores pictures wants JPEGs as they came, in one size; all else is unpacked for it, as for
 * everybody. */
static sl_output output_of(const sl_receiver *receiver, const sl_frame *coded) {
    sl_output output = (sl_output)atomic_load(&receiver->output);
    bool small = coded->full_width > 0 && receiver->settings.full_size;
    if (output != SL_OUTPUT_JPEG)
        return output;
    return coded->format == SL_FORMAT_JPEG && !small ? SL_OUTPUT_CODED : SL_OUTPUT_PLANES;
}

/* What fails for a camera's frame, whatever it is, is that camera's matter: the others go on. */
static int let_go(sl_receiver *receiver, const sl_frame *coded, int result) {
    sl_tally_reject(&receiver->tally);
    sl_views_drop(receiver->views, coded);
    if (!receiver->cameras)
        return result;
    sl_cameras_distrust(receiver->cameras, coded);
    return SL_EMESSAGE;
}

/* The timecode is in the pixels: where coded bytes are wanted, both are made. */
static int decode(void *user, void *state, const sl_frame *coded, sl_frame **frame) {
    sl_receiver *receiver = user;
    sl_output output = output_of(receiver, coded);
    bool look = output == SL_OUTPUT_CODED && receiver->settings.timecode;
    int result = sl_decoders_decode(state, coded, look ? SL_OUTPUT_PLANES : output, frame);
    if (result == SL_EAGAIN) { /* pictures are wanted again: they begin with a keyframe */
        sl_receiver_refresh(receiver, coded->port);
        return SL_OK;
    }
    if (result)
        return let_go(receiver, coded, result);
    if (look || !receiver->cameras)
        measure_age(receiver, *frame);
    if (look) {
        sl_frame_unref(frame);
        *frame = sl_frame_ref(coded);
    }
    return SL_OK;
}

/* What stopped it, if it was a tunnel. */
static int tunnel_failure(const sl_receiver *receiver) {
    for (size_t i = 0; i < receiver->ports.count && receiver->tunnels[i]; i++) {
        sl_tunnel_status status;
        sl_tunnel_status_get(receiver->tunnels[i], &status);
        if (status.failure && receiver->ports.count > 1)
            return sl_fail(status.failure, "the tunnel for port %d: %s", receiver->ports.all[i],
                           status.reason);
        if (status.failure)
            return sl_fail(status.failure, "%s", status.reason);
    }
    return SL_OK;
}

static void run_link(void *argument) {
    sl_receiver *receiver = argument;
    int result = SL_OK;
    while (result == SL_OK) {
        result = sl_cancel_triggered(receiver->stop) ? SL_ECANCELED
                                                     : receiver->pattern->receive(&receiver->turn);
        sl_views_look(receiver->views, receiver->link, sl_now_us());
        if (result == SL_EEND && receiver->settings.stay)
            result = SL_OK;
    }
    if (result == SL_EEND)
        sl_fail(SL_EEND, "the sender ended the stream");
    if (result == SL_ECANCELED && (result = tunnel_failure(receiver)) == SL_OK)
        result = sl_fail(SL_EEND, "the stream was ended at this end");
    sl_pipeline_end(receiver->pipeline, result, sl_error());
}

static bool is_live(const sl_receiver *receiver) {
    return receiver->settings.link.pattern == SL_PATTERN_LIVE;
}

static int queue_length(const sl_receiver *receiver, int threads) {
    if (is_live(receiver))
        return SL_PIPELINE_CAPACITY;
    if (receiver->pattern->newest_wins)
        return receiver->settings.every_frame ? EVERY_FRAME_QUEUE : threads;
    return LOCKSTEP_QUEUE;
}

/* All set out at once; then each is waited for, unless they are to persist. */
static int open_tunnels(sl_receiver *receiver, const char *endpoint) {
    sl_tunnel_target target = sl_receiver_target(&receiver->settings.link);
    int result = SL_OK;
    target.link = endpoint;
    target.failed = receiver->stop;
    target.at_once = true;
    for (size_t i = 0; i < receiver->ports.count && !result; i++) {
        target.port = receiver->ports.all[i];
        result = sl_tunnel_open(&receiver->tunnels[i], &receiver->settings.tunnel, &target,
                                receiver->settings.cancel);
    }
    for (size_t i = 0; i < receiver->ports.count && !result; i++) {
        if (!receiver->settings.tunnel.persist)
            result = sl_tunnel_await(receiver->tunnels[i], receiver->settings.cancel);
    }
    return result;
}

/* First the link, so that whoever comes through the tunnels finds it there. */
static int open_tunneled(sl_receiver *receiver) {
    const sl_link_settings *link = &receiver->settings.link;
    char endpoint[128];
    int result = sl_private_directory(receiver->folder, sizeof receiver->folder);
    if (result) {
        receiver->folder[0] = '\0';
        return result;
    }
    snprintf(endpoint, sizeof endpoint, "ipc://%s/link", receiver->folder);
    result = sl_link_open(&receiver->link, link, SL_ROLE_RECEIVER, endpoint, receiver->cancel);
    return result ? result : open_tunnels(receiver, endpoint);
}

/* With a gate the link listens where nobody but the gate can reach it. */
static int open_gated(sl_receiver *receiver) {
    const sl_link_settings *link = &receiver->settings.link;
    int first = receiver->ports.all[0], others[SL_LINK_PORTS_MAX] = {0};
    memcpy(others, receiver->ports.all + 1, (receiver->ports.count - 1) * sizeof others[0]);
    sl_gate_target target = {
        .address = link->address,
        .port = first ? first : GATE_LINK_PORT,
        .others = others,
    };
    int result = sl_gate_open(&receiver->gate, &receiver->settings.gate, &target, receiver->cancel);
    if (!result)
        result = sl_link_open(&receiver->link, link, SL_ROLE_RECEIVER,
                              sl_gate_endpoint(receiver->gate), receiver->cancel);
    if (!result) {
        sl_gate_place place;
        sl_gate_place_get(receiver->gate, &place);
        sl_whereabouts_tell(&receiver->whereabouts, &place, &receiver->settings.gate,
                            link->pattern);
    }
    return result;
}

static int open_link(sl_receiver *receiver) {
    if (receiver->settings.gate.listen)
        return open_gated(receiver);
    if (receiver->settings.tunnel.destination)
        return open_tunneled(receiver);
    return sl_link_open(&receiver->link, &receiver->settings.link, SL_ROLE_RECEIVER, NULL,
                        receiver->cancel);
}

/* Where senders find it, the first of several. */
static int port_of(const sl_receiver *receiver) {
    sl_link_state state;
    sl_gate_place gate;
    if (receiver->tunnels[0])
        return sl_tunnel_port(receiver->tunnels[0]);
    if (sl_receiver_gate(receiver, &gate))
        return gate.link_port;
    sl_link_state_get(receiver->link, &state);
    return state.port;
}

static int open_answer(sl_receiver *receiver) {
    const sl_link_settings *link = &receiver->settings.link;
    char device[9], port[SL_NETGEAR_PORT_MAX];
    int result = sl_turn_write_port(port, link, port_of(receiver));
    if (result)
        return result;
    if (link->bidirectional_mode || link->multiclient_mode)
        return sl_answer_carry(&receiver->answer, link->multiclient_mode ? port : NULL);
    sl_netgear_device_name(device);
    return sl_answer_be_plain(&receiver->answer, device);
}

static bool is_connected(const void *link, uint64_t peer) {
    return sl_link_has(link, peer);
}

/* Where nobody takes frames, a live sender sends none, and others wait; but what broadcasts goes on
 * and is read, unless every frame is to be handed out. */
static int open_views(sl_receiver *receiver) {
    bool waits = receiver->pattern != &sl_pattern_pubsub;
    return sl_views_open(&receiver->views, waits ? &receiver->audience : NULL,
                         is_live(receiver) ? SENDER_SILENT_US : 0);
}

static int start(sl_receiver *receiver) {
    static const sl_pipeline_worker worker = {open_decoder, decode, close_decoder, note_dropped};
    int threads = is_live(receiver) ? 1 : sl_threads(receiver->settings.threads);
    const sl_link_settings *link = &receiver->settings.link;
    int result = sl_receiver_check(&receiver->settings);
    if (!result)
        result = sl_link_ports_read(&receiver->ports, link);
    if (!result)
        result = sl_link_prepare(link, SL_ROLE_RECEIVER);
    if (!result)
        result = open_link(receiver);
    if (!result)
        result = open_views(receiver);
    if (!result && is_live(receiver))
        result = sl_cameras_open(&receiver->cameras, (uint64_t)link->max_message_bytes);
    if (!result && is_live(receiver) && receiver->settings.smooth_ms > 0)
        result = sl_playout_open(&receiver->playout, receiver->settings.smooth_ms * INT64_C(1000));
    if (!result)
        result = sl_pipeline_open(&receiver->pipeline, "sl-decode", threads,
                                  queue_length(receiver, threads), &worker, receiver);
    if (result)
        return result;
    receiver->turn = (sl_turn){
        .link = receiver->link,
        .pipeline = receiver->pipeline,
        .tally = &receiver->tally,
        .answer = &receiver->answer,
        .taps = &receiver->taps,
        .views = receiver->views,
        .cameras = receiver->cameras,
        .audience = &receiver->audience,
        .playout = receiver->playout,
        .settings = &receiver->settings.link,
        .stop = receiver->stop,
        .senders = {.expected = receiver->ports.count,
                    .is_there = is_connected,
                    .user = receiver->link},
        .silent_since_us = sl_now_us(),
    };
    result = open_answer(receiver);
    return result ? result : sl_thread_start(&receiver->thread, "sl-receive", run_link, receiver);
}

int sl_receiver_open(sl_receiver **receiver, const sl_receiver_settings *settings) {
    *receiver = NULL;
    sl_receiver *opened = calloc(1, sizeof *opened);
    if (!opened)
        return sl_fail_memory();
    sl_tally_init(&opened->tally);
    sl_answer_init(&opened->answer);
    sl_taps_init(&opened->taps);
    atomic_init(&opened->output, settings->output);
    int result = sl_audience_init(&opened->audience, sl_now_us());
    if (!result && settings->unwatched)
        sl_audience_expect_nobody(&opened->audience, sl_now_us());
    opened->whereabouts.fd = -1;
    opened->pattern = sl_pattern_find(settings->link.pattern, settings->every_frame);
    opened->cancel = settings->cancel;
    if (!result)
        result = sl_settings_copy(&opened->settings, settings, sizeof *settings);
    if (!result)
        result = sl_cancel_open(&opened->stop);
    if (!result)
        result = start(opened);
    if (result) {
        sl_receiver_close(&opened);
        return result;
    }
    *receiver = opened;
    return SL_OK;
}

static int take_frame(sl_receiver *receiver, sl_frame **frame, int timeout_ms) {
    int64_t deadline_us = sl_deadline_us(timeout_ms);
    int result = SL_EMESSAGE;
    while (result == SL_EMESSAGE) { /* what can't be decoded was counted where it happened */
        result = sl_pipeline_take(receiver->pipeline, frame, receiver->cancel, deadline_us);
        sl_pipeline_show_room(receiver->pipeline);
    }
    if (result == SL_OK)
        sl_tally_frame(&receiver->tally);
    return result;
}

int sl_receiver_recv(sl_receiver *receiver, sl_frame **frame, int timeout_ms) {
    int64_t since_us;
    if (sl_audience_is_away(&receiver->audience, sl_now_us(), &since_us))
        sl_views_resume(receiver->views, sl_now_us());
    if (sl_audience_enter(&receiver->audience))
        sl_pipeline_expire(receiver->pipeline);
    int result = take_frame(receiver, frame, timeout_ms);
    sl_audience_leave(&receiver->audience, sl_now_us(), result == SL_OK);
    if (result == SL_OK && receiver->cameras)
        note_shown(receiver, *frame);
    return result;
}

void sl_receiver_set_output(sl_receiver *receiver, sl_output output) {
    atomic_store(&receiver->output, output);
}

int sl_receiver_tap(sl_receiver *receiver, const sl_tap *tap) {
    return sl_taps_add(&receiver->taps, tap);
}

void sl_receiver_untap(sl_receiver *receiver, const void *user) {
    sl_taps_remove(&receiver->taps, user);
}

void sl_receiver_refresh(sl_receiver *receiver, const char *port) {
    if (!receiver->cameras)
        return;
    sl_cameras_want_keyframe(receiver->cameras, port);
    sl_audience_call(&receiver->audience);
}

size_t sl_receiver_cameras(const sl_receiver *receiver, sl_camera_view *cameras, size_t room) {
    return sl_views_get(receiver->views, cameras, room, sl_now_us());
}

static void viewer_stats(void *user, sl_stats *stats) {
    sl_receiver_stats(user, stats);
}

static size_t viewer_cameras(void *user, sl_camera_view *cameras, size_t room) {
    return sl_receiver_cameras(user, cameras, room);
}

static void viewer_refresh(void *user, const char *port) {
    sl_receiver_refresh(user, port);
}

void sl_receiver_viewer(sl_receiver *receiver, sl_viewer *viewer) {
    *viewer = (sl_viewer){
        .user = receiver,
        .stats = viewer_stats,
        .cameras = viewer_cameras,
        .refresh = viewer_refresh,
    };
}

int sl_receiver_ended(const sl_receiver *receiver) {
    return sl_pipeline_ended(receiver->pipeline);
}

static int return_array(sl_receiver *receiver, const sl_frame *array) {
    sl_codec *codec = NULL;
    sl_frame *coded = NULL;
    if (array->size == 0)
        return sl_fail(SL_EINVAL, "an array without elements can't be returned");
    int result = sl_codec_open(&codec, &receiver->settings.codec);
    if (!result)
        result = sl_codec_encode(codec, array, &coded);
    sl_codec_close(&codec);
    if (!result)
        result = sl_answer_set(&receiver->answer, NULL, coded);
    sl_frame_unref(&coded);
    return result;
}

int sl_receiver_return(sl_receiver *receiver, const char *json, const sl_frame *array) {
    const sl_link_settings *link = &receiver->settings.link;
    if (!link->bidirectional_mode && !link->multiclient_mode)
        return sl_fail(SL_EINVAL, "data can be returned in bidirectional_mode and "
                                  "multiclient_mode alone; set one at both ends");
    if (json && array)
        return sl_fail(SL_EINVAL, "a reply carries a JSON value or an array, not both");
    if (array)
        return return_array(receiver, array);
    int result = json ? sl_netgear_check_json(json) : SL_OK;
    return result ? result : sl_answer_set(&receiver->answer, json, NULL);
}

bool sl_receiver_gate(const sl_receiver *receiver, sl_gate_place *place) {
    if (receiver->gate)
        sl_gate_place_get(receiver->gate, place);
    return receiver->gate != NULL;
}

/* The state of the first tunnel that isn't up, and the reconnections of all. */
static void add_tunnels(const sl_receiver *receiver, sl_stats *stats) {
    sl_tunnel_stats(receiver->tunnels[0], stats);
    for (size_t i = 1; i < receiver->ports.count && receiver->tunnels[i]; i++) {
        sl_stats next = {0};
        sl_tunnel_stats(receiver->tunnels[i], &next);
        stats->tunnel_reconnects += next.tunnel_reconnects;
        if (stats->tunnel != SL_TUNNEL_UP || next.tunnel == SL_TUNNEL_UP)
            continue;
        stats->tunnel = next.tunnel;
        memcpy(stats->tunnel_reason, next.tunnel_reason, sizeof stats->tunnel_reason);
    }
}

/* Of several senders each one's first connection is none. */
static uint64_t reconnects_of(const sl_receiver *receiver, const sl_link_state *state) {
    uint64_t senders = state->connects > 0 ? 1 : 0;
    if (receiver->pattern->pattern == SL_PATTERN_LIVE)
        senders = state->most;
    else if (receiver->settings.link.multiserver_mode)
        senders = state->most < receiver->ports.count ? state->most : receiver->ports.count;
    return state->connects - senders;
}

void sl_receiver_stats(const sl_receiver *receiver, sl_stats *stats) {
    sl_link_state state;
    sl_tally_get((sl_tally *)&receiver->tally, stats);
    sl_link_state_get(receiver->link, &state);
    uint64_t outdated = sl_pipeline_dropped(receiver->pipeline);
    stats->dropped += outdated;
    stats->drops[SL_DROP_NEWER] += outdated;
    stats->connected = state.connected;
    stats->reconnects = reconnects_of(receiver, &state);
    stats->port = port_of(receiver);
    add_tunnels(receiver, stats);
}

void sl_receiver_finish(sl_receiver *receiver) {
    if (receiver->stop)
        sl_cancel_trigger(receiver->stop);
    sl_thread_join(&receiver->thread);
    receiver->cancel = NULL; /* what is left can be taken, though the user has cancelled */
}

void sl_receiver_close(sl_receiver **receiver) {
    sl_receiver *closing = *receiver;
    if (!closing)
        return;
    *receiver = NULL;
    sl_receiver_finish(closing);
    sl_pipeline_close(&closing->pipeline);
    sl_link_close(&closing->link, REPLY_LINGER_MS);
    for (size_t i = 0; i < closing->ports.count; i++)
        sl_tunnel_close(&closing->tunnels[i], TUNNEL_LINGER_MS);
    if (closing->folder[0])
        rmdir(closing->folder);
    sl_whereabouts_finish(&closing->whereabouts);
    sl_gate_close(&closing->gate, REPLY_LINGER_MS);
    sl_cancel_close(&closing->stop);
    sl_tally_finish(&closing->tally);
    sl_answer_finish(&closing->answer);
    sl_taps_finish(&closing->taps);
    sl_views_close(&closing->views);
    sl_audience_finish(&closing->audience);
    sl_playout_close(&closing->playout);
    sl_cameras_close(&closing->cameras);
    sl_settings_finish(&closing->settings);
    free(closing);
}
