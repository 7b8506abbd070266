/* stream: the live pattern's receiver: welcomes senders, puts their frames together, and
 * acknowledges each chunk as it comes, so that the sender knows what the way passes. See
 * live_send.c for the turns that the two take. */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "codec/codec.h"
#include "frame/frame.h"
#include "wire/live.h"

#include <stdio.h>

#define MESSAGES 64   /* read before the link's peers are looked after again */
#define LOOK_US  1000 /* between looks at a decoder that is behind, at least */

_Static_assert(SL_CAMERAS_MAX <= SL_PLAYOUT_LANES, "each camera has a lane to wait in");
_Static_assert(SL_CAMERAS_MAX <= SL_PIPELINE_LANES, "each camera has a lane to be decoded in");
_Static_assert(SL_CAMERAS_MAX <= SL_VIEWS_MAX, "each camera can be told of");

static void post(sl_turn *turn, const sl_buffer *to, const sl_live_message *message) {
    sl_buffer *bytes = NULL;
    /* One that can't be sent is one whose receiver is gone, or takes nothing. */
    if (sl_live_write(message, &bytes) == SL_OK)
        sl_link_send_to(turn->link, to, &bytes, 1);
    sl_buffer_unref(&bytes);
}

/* SL_EMESSAGE, so that it is counted, and logged as seldom as all that strangers send. */
static int refuse(sl_turn *turn, const sl_buffer *from, const char *why) {
    sl_live_message refusal = {
        .kind = SL_LIVE_REFUSAL, .lowest = SL_LIVE_VERSION, .highest = SL_LIVE_VERSION};
    snprintf(refusal.text, sizeof refusal.text, "%s", why);
    post(turn, from, &refusal);
    return sl_fail(SL_EMESSAGE, "a camera is refused: %s", why);
}

static void tell_view(sl_turn *turn, const sl_camera *camera, uint8_t wish) {
    sl_live_message view = {
        .kind = SL_LIVE_VIEW,
        .flags = (uint8_t)(sl_cameras_view(turn->cameras, camera) | wish),
        .session = camera->session,
    };
    post(turn, camera->from, &view);
}

/* Tells all senders when nobody watches any more, or somebody does again. `*due_us` is when to look
 * again; -1: only when the audience's event is set. Who misses it hears with the next ack or pong.
 */
static void mind_audience(sl_turn *turn, int64_t *due_us) {
    bool watched = sl_audience_watches(turn->audience, sl_now_us(), due_us);
    if (watched != turn->cameras->unwatched)
        return;
    turn->cameras->unwatched = !watched;
    sl_log(SL_LOG_DEBUG, "stream", "%s: cameras are told",
           watched ? "somebody watches again" : "nobody watches");
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        if (turn->cameras->all[i].from)
            tell_view(turn, &turn->cameras->all[i], 0);
    }
}

static size_t lane_of(const sl_turn *turn, const sl_camera *camera) {
    return (size_t)(camera - turn->cameras->all);
}

static void note_gone(sl_turn *turn) {
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        sl_camera *camera = &turn->cameras->all[i];
        camera->gone = camera->connection && !sl_link_has(turn->link, camera->connection);
    }
}

static int take_hello(sl_turn *turn, const sl_link_message *received,
                      const sl_live_message *hello) {
    const sl_buffer *from = received->from;
    if (hello->lowest > SL_LIVE_VERSION || hello->highest < SL_LIVE_VERSION) {
        char why[SL_LIVE_WHY_MAX];
        snprintf(why, sizeof why,
                 "it speaks the live pattern in version %d to %d, and this viewer in version %d; "
                 "update the older one",
                 hello->lowest, hello->highest, SL_LIVE_VERSION);
        return refuse(turn, from, why);
    }
    const sl_camera *known = sl_cameras_find(turn->cameras, from);
    bool again = known && known->session == hello->session;
    note_gone(turn);
    sl_camera *camera = sl_cameras_welcome(turn->cameras, from, hello, sl_now_us());
    if (camera && !again && turn->playout)
        sl_playout_begin(turn->playout, lane_of(turn, camera));
    if (!camera)
        return refuse(turn, from, "the viewer has as many cameras as it can take");
    camera->connection = received->connection;
    sl_views_hear(turn->views, camera->port, camera->connection, 0, camera->heard_us);
    sl_live_message welcome = *hello;
    welcome.kind = SL_LIVE_WELCOME;
    welcome.lowest = welcome.highest = SL_LIVE_VERSION;
    welcome.codecs = turn->cameras->codecs;
    welcome.now_us = sl_utc_us();
    post(turn, from, &welcome);
    if (turn->cameras->unwatched)
        tell_view(turn, camera, 0);
    return SL_OK;
}

/* Tells a camera when the decoder falls behind with its frames, and has caught up: else it would
 * send what can only grow old here. */
static void mind_decoder(sl_turn *turn, sl_camera *camera) {
    int undecoded = sl_pipeline_following(turn->pipeline, lane_of(turn, camera));
    if (sl_cameras_note_undecoded(camera, undecoded))
        tell_view(turn, camera, 0);
}

/* The same of all with which it is behind. `*due_us` is when to look again, by when it can have
 * done half a frame; -1: there is none. */
static void mind_decoders(sl_turn *turn, int64_t *due_us) {
    int64_t work_us = sl_pipeline_work_us(turn->pipeline) / 2;
    *due_us = -1;
    for (size_t i = 0; i < SL_CAMERAS_MAX; i++) {
        sl_camera *camera = &turn->cameras->all[i];
        if (camera->from && camera->behind)
            mind_decoder(turn, camera);
        if (camera->from && camera->behind)
            *due_us = sl_now_us() + (work_us > LOOK_US ? work_us : LOOK_US);
    }
}

/* Asks those cameras for a keyframe of which somebody wants one. Where nobody watches none would
 * come: it waits until somebody does. `*due_us` is when to look again; -1: when one is wanted. */
static void mind_wishes(sl_turn *turn, int64_t *due_us) {
    *due_us = -1;
    for (size_t i = 0; i < SL_CAMERAS_MAX && !turn->cameras->unwatched; i++) {
        sl_camera *camera = &turn->cameras->all[i];
        if (camera->from && sl_cameras_wishes(turn->cameras, camera, sl_now_us(), due_us))
            tell_view(turn, camera, SL_LIVE_REFRESH);
    }
}

/* To the decoder, which takes the frame over. */
static void decode(sl_turn *turn, sl_frame *frame, size_t lane) {
    if (sl_pipeline_follow(turn->pipeline, frame, lane) == SL_OK)
        return;
    sl_cameras_distrust(turn->cameras, frame);
    sl_tally_drop(turn->tally, SL_DROP_NEWER);
    sl_views_drop(turn->views, frame);
    sl_frame_unref(&frame);
}

/* What is due by then goes to the decoder. */
static void play(sl_turn *turn, size_t lane, int64_t now_us) {
    sl_frame *frame;
    while ((frame = sl_playout_take(turn->playout, lane, now_us)))
        decode(turn, frame, lane);
}

/* The same of all cameras. `*due_us` is when the next one will be; -1: none waits. */
static void play_all(sl_turn *turn, int64_t now_us, int64_t *due_us) {
    *due_us = -1;
    for (size_t lane = 0; turn->playout && lane < SL_CAMERAS_MAX; lane++)
        play(turn, lane, now_us);
    if (turn->playout)
        *due_us = sl_playout_due(turn->playout);
}

/* A frame is whole: taps see it, and it is decoded, or waits to be. When too many do, the oldest of
 * its camera don't wait any longer. */
static void take_frame(sl_turn *turn, const sl_camera *camera, sl_frame *frame) {
    size_t lane = lane_of(turn, camera);
    sl_frame *oldest;
    sl_turn_come(turn, frame);
    while (turn->playout && !sl_playout_has_room(turn->playout, lane, frame->size) &&
           (oldest = sl_playout_take(turn->playout, lane, INT64_MAX)))
        decode(turn, oldest, lane);
    if (turn->playout && sl_playout_has_room(turn->playout, lane, frame->size))
        sl_playout_put(turn->playout, lane, frame, camera->head.captured_us, sl_now_us());
    else
        decode(turn, frame, lane);
}

static int take_chunk(sl_turn *turn, sl_camera *camera, const sl_live_message *chunk) {
    int64_t came_us = sl_utc_us();
    sl_frame *frame = NULL;
    sl_live_message ack;
    int result = sl_cameras_take(turn->cameras, camera, chunk, &frame);
    sl_cameras_ack(turn->cameras, camera, chunk, came_us, &ack);
    post(turn, camera->from, &ack);
    sl_tally_bytes(turn->tally, chunk->size);
    if (frame) {
        take_frame(turn, camera, frame);
        mind_decoder(turn, camera);
    }
    return result;
}

static void answer_ping(sl_turn *turn, const sl_camera *camera, const sl_live_message *ping) {
    sl_live_message pong = *ping;
    pong.kind = SL_LIVE_PONG;
    pong.flags = sl_cameras_view(turn->cameras, camera);
    pong.now_us = sl_utc_us();
    pong.bytes = camera->received;
    post(turn, camera->from, &pong);
}

/* Who says so again and again is told of as seldom as all that repeats itself. */
static void take_loss(sl_turn *turn, const sl_camera *camera, const sl_live_message *loss) {
    bool lost = loss->flags & SL_LIVE_LOST;
    uint64_t held_back;
    if (lost)
        sl_views_lose(turn->views, camera->port, loss->lost_us, loss->text, camera->heard_us);
    else
        sl_views_regain(turn->views, camera->port, camera->heard_us);
    if (sl_log_limit_pass(&turn->losses, &held_back))
        sl_log(SL_LOG_INFO, "stream", "camera %s %s%s", camera->port,
               lost ? "is lost: " : "is back", loss->text);
}

/* What waits is shown as evenly as all before. SL_EEND then. */
static int play_to_the_end(sl_turn *turn) {
    int64_t due_us;
    for (play_all(turn, sl_now_us(), &due_us); due_us >= 0; play_all(turn, sl_now_us(), &due_us)) {
        int result = sl_wait(-1, 0, turn->stop, due_us);
        if (result && result != SL_EAGAIN)
            return result;
    }
    return SL_EEND;
}

/* The stream ends with the last sender. One that is gone without a word is waited for. */
static int take_end(sl_turn *turn, sl_camera *camera) {
    uint64_t held_back;
    if (sl_log_limit_pass(&turn->ends, &held_back))
        sl_log(SL_LOG_INFO, "stream", "camera %s has ended", camera->port);
    sl_views_end(turn->views, camera->port, camera->heard_us);
    sl_cameras_leave(turn->cameras, camera);
    return sl_cameras_count(turn->cameras) == 0 ? play_to_the_end(turn) : SL_OK;
}

static int take_message(sl_turn *turn, const sl_link_message *received,
                        const sl_live_message *message) {
    if (message->kind == SL_LIVE_HELLO)
        return take_hello(turn, received, message);
    sl_camera *camera = sl_cameras_find(turn->cameras, received->from);
    if (!camera || camera->session != message->session)
        return SL_OK; /* of the time before this end was opened, or the connection made anew */
    camera->heard_us = sl_now_us();
    sl_views_hear(turn->views, camera->port, camera->connection, message->size, camera->heard_us);
    switch (message->kind) {
    case SL_LIVE_CHUNK:
        return take_chunk(turn, camera, message);
    case SL_LIVE_PING:
        answer_ping(turn, camera, message);
        return SL_OK;
    case SL_LIVE_LOSS:
        take_loss(turn, camera, message);
        return SL_OK;
    case SL_LIVE_END:
        return take_end(turn, camera);
    default:
        return sl_fail(SL_EMESSAGE, "a camera sends no live message '%c'", message->kind);
    }
}

static int live_receive(sl_turn *turn) {
    double patience_s = turn->settings->subscriber_timeout_s;
    int64_t silence_us = sl_turn_silence_deadline(turn, patience_s), due_us, play_us, work_us,
            wish_us;
    mind_audience(turn, &due_us);
    play_all(turn, sl_now_us(), &play_us);
    mind_decoders(turn, &work_us);
    mind_wishes(turn, &wish_us);
    due_us = sl_earlier_us(sl_earlier_us(due_us, play_us), sl_earlier_us(work_us, wish_us));
    bool silence_first = silence_us >= 0 && (due_us < 0 || silence_us < due_us);
    int result = sl_link_wait(turn->link, turn->audience->returned.fd, turn->stop,
                              silence_first ? silence_us : due_us);
    if (result == SL_EAGAIN && silence_first)
        return sl_fail(SL_ETIMEOUT, "no frame came for %.3g s", patience_s);
    if (result == SL_EAGAIN)
        return SL_OK;
    sl_link_message received = {0};
    for (int i = 0; i < MESSAGES && !result; i++) {
        sl_live_message message;
        if (sl_link_receive(turn->link, &received))
            return SL_OK;
        turn->silent_since_us = sl_now_us();
        result = sl_live_read(received.parts, received.count, &message);
        if (!result)
            result = take_message(turn, &received, &message);
        sl_link_message_clear(&received);
        if (result == SL_EMESSAGE) {
            sl_tally_reject(turn->tally);
            result = SL_OK;
        }
    }
    return result;
}

const sl_pattern_kind sl_pattern_live = {
    .pattern = SL_PATTERN_LIVE,
    .attend = sl_live_attend,
    .send = sl_live_send,
    .part = sl_live_part,
    .send_end = sl_live_send_end,
    .receive = live_receive,
};
