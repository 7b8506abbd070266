/* stream: the live pattern's sender. The governor says when a frame may be coded and how large it
 * should be; it leaves in chunks, as far as the window reaches, and acks say what has come.
 *
 *   sender                                receiver
 *     │ hello ─────────────────────────────▶ │
 *     │ ◀─────────────────────────── welcome │
 *     │ chunk chunk chunk ─────────────────▶ │ a whole frame: to the decoder
 *     │ ◀─────────────────── ack … ack … ack │ each as its chunk comes
 *     │ ◀────────────────────────────── view │ when nobody watches any more, or somebody does, or
 *     │                                      │ somebody came who needs a keyframe
 *     │ loss ──────────────────────────────▶ │ when the camera is gone, or back
 *     │ ping ──────────────────────────────▶ │ when nothing was heard for a while
 *     │ ◀────────────────────────────── pong │
 *     │ end ───────────────────────────────▶ │
 */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/codec.h"
#include "frame/frame.h"
#include "wire/live.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO_US   SL_SECOND_US       /* between hellos that nobody answers */
#define PING_US    (SL_SECOND_US / 2) /* of silence */
#define SILENCE_US (5 * SL_SECOND_US) /* then the connection is made anew */
#define LATE_PART  3 /* of max_age, by which a frame that comes coded may be late */

static int find_codec(sl_format format, sl_live_codec *codec) {
    for (*codec = 0; *codec < SL_LIVE_CODECS; (*codec)++) {
        if (sl_cameras_format(*codec) == format)
            return SL_OK;
    }
    return sl_fail(SL_EINVAL, "the live pattern carries pictures alone, no %s",
                   sl_format_name(format));
}

static uint16_t codable(void) {
    unsigned codecs = 0;
    for (sl_live_codec codec = 0; codec < SL_LIVE_CODECS; codec++)
        codecs |= sl_codec_can_encode(sl_cameras_format(codec)) ? 1U << codec : 0;
    return (uint16_t)codecs;
}

static int post(sl_turn *turn, const sl_live_message *message) {
    sl_buffer *bytes = NULL;
    int result = sl_live_write(message, &bytes);
    if (!result)
        result = sl_link_send(turn->link, &bytes, 1);
    sl_buffer_unref(&bytes);
    return result;
}

/* A new connection: another receiver, as far as anybody knows. */
static void begin(sl_turn *turn, uint64_t connects, int64_t now_us) {
    sl_live *live = &turn->live;
    uint16_t epoch = (uint16_t)(live->epoch + 1);
    sl_governor governor = live->governor;
    if (live->connects == 0)
        sl_governor_init(&governor, turn->goals, now_us);
    else
        sl_governor_restart(&governor, now_us);
    *live = (sl_live){
        .governor = governor,
        .connects = connects,
        .camera = live->camera,
        .epoch = epoch,
        .lost = true,
        .hello_us = now_us,
        .heard_us = now_us,
        .number = live->number,
        .clock_us = SL_LIVE_NO_CLOCK,
        .coded = live->coded,
        .views = live->views,
    };
    sl_random(&live->session, sizeof live->session);
    while (live->camera == 0)
        sl_random(&live->camera, sizeof live->camera);
}

static int greet(sl_turn *turn, int64_t now_us, int64_t *due_us) {
    sl_live *live = &turn->live;
    *due_us = live->hello_us;
    if (now_us < live->hello_us)
        return SL_EAGAIN;
    sl_live_message hello = {
        .kind = SL_LIVE_HELLO,
        .lowest = SL_LIVE_VERSION,
        .highest = SL_LIVE_VERSION,
        .codecs = codable(),
        .session = live->session,
        .sent_us = now_us,
        .camera = live->camera,
    };
    if (turn->name)
        sl_text_copy(hello.text, turn->name, SL_LIVE_NAME_MAX + 1);
    else
        gethostname(hello.text, SL_LIVE_NAME_MAX);
    int result = post(turn, &hello);
    *due_us = live->hello_us = now_us + HELLO_US;
    return result ? result : SL_EAGAIN;
}

/* Asks whether the receiver is there, after some silence, and now and then when the way is free, to
 * know its delay; and gives the connection up after long. */
static int stay_in_touch(sl_turn *turn, int64_t now_us, int64_t *due_us) {
    sl_live *live = &turn->live;
    bool idles = sl_governor_idles(&live->governor, now_us);
    int64_t last_us = live->heard_us > live->asked_us && !idles ? live->heard_us : live->asked_us;
    *due_us = last_us + PING_US;
    if (now_us - live->heard_us > SILENCE_US) {
        sl_log(SL_LOG_WARNING, "stream", "the viewer was silent for %d s: connecting anew",
               (int)(SILENCE_US / SL_SECOND_US));
        return sl_link_rebuild(turn->link);
    }
    if (now_us < *due_us)
        return SL_OK;
    sl_live_message ping = {.kind = SL_LIVE_PING, .session = live->session, .sent_us = now_us};
    live->asked_us = now_us;
    *due_us = now_us + PING_US;
    int result = post(turn, &ping);
    return result == SL_EAGAIN ? SL_OK : result;
}

/* Tells when the source is gone, and that it is back. What finds no room is told later. */
static int tell_loss(sl_turn *turn, int64_t now_us) {
    sl_live *live = &turn->live;
    sl_live_message loss;
    uint64_t changes;
    int result = SL_OK;
    if (sl_loss_news(turn->loss, live->loss_told, now_us, &loss, &changes)) {
        loss.session = live->session;
        result = post(turn, &loss);
    }
    if (result == SL_OK)
        live->loss_told = changes;
    return result == SL_EAGAIN ? SL_OK : result;
}

static void tell(const sl_live *live, const sl_coding *coding, const sl_governor_aim *aim,
                 sl_live_stats *told) {
    const sl_governor *governor = &live->governor;
    uint64_t in_flight = governor->sent - governor->acked;
    *told = (sl_live_stats){
        .encoder = coding->encoder,
        .width = coding->width,
        .height = coding->height,
        .quantiser = coding->quantiser,
        .target_rate = aim->bit_rate,
        .delivery_rate = (int64_t)(governor->rate * 8),
        .fps = aim->fps,
        .window = in_flight + sl_governor_window(governor),
        .in_flight = in_flight,
        .queue_ms = (double)governor->queue_us / 1e3,
        .round_trip_ms =
            governor->round_trip.known ? (double)sl_governor_round_trip(governor) / 1e3 : -1,
    };
}

/* There it needs a keyframe, and need not wait to wish for one. */
static void change_lane(sl_turn *turn, size_t lane) {
    if (lane == turn->lane)
        return;
    sl_log(SL_LOG_INFO, "stream", "%s",
           lane > turn->lane ? "less passes here than elsewhere: coded for it apart"
                             : "as much passes here as elsewhere: coded together again");
    turn->lane = lane;
    turn->live.wished_us = 0;
}

/* Tells the governor how frames are coded, and the encoder what the governor says. */
static void steer(sl_turn *turn, int64_t now_us) {
    sl_live *live = &turn->live;
    sl_coding coding;
    sl_governor_aim aim;
    sl_live_stats told;
    sl_steering_coding(turn->steering, turn->rein, &coding);
    live->copied = coding.copied;
    if (coding.frames != live->coded)
        sl_governor_coded(&live->governor, now_us, coding.quantiser, coding.bytes, coding.best);
    live->coded = coding.frames;
    live->governor.goals.fps = coding.fps;
    sl_governor_aim_get(&live->governor, now_us, &aim);
    tell(live, &coding, &aim, &told);
    sl_link_pace(turn->link, (int64_t)live->governor.rate);
    bool known = live->governor.came_us != 0;
    change_lane(turn, sl_steering_aim(turn->steering, turn->rein, &aim, known, &told, now_us));
    if (live->lost && live->wished_us == 0) /* before anything is coded that is of no use there */
        sl_live_wish_for_keyframe(turn, now_us);
}

/* Whether the next frame may be let in, or when to ask again, if only time passes (-1). What a
 * camera has coded can't be left out, and has larger frames now and then: it may find the way busy
 * for longer. */
static bool lets_in(const sl_live *live, int64_t now_us, int64_t *due_us) {
    int64_t late_us = live->governor.goals.max_age_us / LATE_PART;
    if (sl_governor_admits(&live->governor, now_us, due_us))
        return true;
    if (!live->copied)
        return false;
    bool open = sl_governor_admits(&live->governor, now_us + late_us, due_us);
    if (*due_us >= 0)
        *due_us -= late_us;
    return open;
}

int sl_live_attend(sl_turn *turn, bool *open, int64_t *due_us) {
    sl_live *live = &turn->live;
    int64_t now_us = sl_now_us(), frame_us = -1;
    sl_link_state state;
    *open = false;
    sl_link_state_get(turn->link, &state);
    if (state.connects != live->connects)
        begin(turn, state.connects, now_us);
    int result = sl_live_take_in(turn);
    if (result)
        return result;
    if (!live->welcome)
        return greet(turn, now_us, due_us);
    result = stay_in_touch(turn, now_us, due_us);
    if (!result)
        result = tell_loss(turn, now_us);
    if (live->unwatched) {
        sl_live_part(turn);
        return result;
    }
    steer(turn, now_us);
    *open = lets_in(live, now_us, &frame_us) && !live->behind;
    if (frame_us >= 0 && frame_us < *due_us)
        *due_us = frame_us;
    return result;
}

static bool is_keyframe(const sl_frame *frame) {
    return frame->keyframe || frame->format == SL_FORMAT_JPEG;
}

/* Whether it was coded before the encoder knew what this receiver can decode. */
static bool came_too_early(const sl_turn *turn, const sl_frame *frame) {
    sl_live_codec codec;
    return turn->steering->chooses && sl_format_is_video(frame->format) &&
           find_codec(frame->format, &codec) == SL_OK && !(turn->live.codecs >> codec & 1);
}

/* Whether the frame can be decoded by a receiver that has all that left before. */
static bool follows(sl_turn *turn, const sl_frame *frame) {
    sl_live *live = &turn->live;
    if (came_too_early(turn, frame))
        return false;
    if (is_keyframe(frame))
        return true;
    if (!live->lost && turn->previous == live->number)
        return true;
    sl_live_lose(turn, sl_now_us());
    return false;
}

/* A peer that talks without end always has something to take in, and ends no wait. */
static bool closing_is_over(sl_turn *turn) {
    return sl_now_us() >= sl_turn_end_deadline(turn);
}

static int wait_for_ack(sl_turn *turn, const sl_cancel *stop) {
    int64_t deadline_us = stop ? sl_now_us() + PING_US : sl_turn_end_deadline(turn);
    if (!stop && closing_is_over(turn))
        return SL_EAGAIN;
    int result = sl_link_wait(turn->link, -1, stop, deadline_us);
    return result == SL_EAGAIN && stop ? SL_OK : result;
}

/* One chunk, once the window and the link have room. SL_EAGAIN: not yet. */
static int send_chunk(sl_turn *turn, sl_live_message *chunk, const sl_buffer *bytes) {
    sl_governor *governor = &turn->live.governor;
    uint64_t left = bytes->size - chunk->offset, room = sl_governor_window(governor);
    uint32_t size = sl_governor_chunk(governor);
    chunk->size = left < size ? left : size;
    if (room < chunk->size)
        return SL_EAGAIN;
    chunk->data = bytes->data + chunk->offset;
    chunk->sent_us = sl_now_us();
    int result = post(turn, chunk);
    if (result)
        return result;
    sl_governor_sent(governor, chunk->sent_us, chunk->size);
    sl_tally_bytes(turn->tally, chunk->size);
    chunk->offset += (uint32_t)chunk->size;
    return SL_OK;
}

/* Whether the connection that the frame set out on still stands. */
static bool connection_stands(sl_turn *turn) {
    sl_link_state state;
    sl_link_state_get(turn->link, &state);
    return state.connected && state.connects == turn->live.connects;
}

static int send_chunks(sl_turn *turn, sl_live_message *chunk, const sl_buffer *bytes) {
    const sl_cancel *stop = turn->stop;
    int64_t touch_us;
    int result = SL_OK;
    while (!result && chunk->offset < bytes->size) {
        result = send_chunk(turn, chunk, bytes);
        bool wait = result == SL_EAGAIN;
        if (wait)
            result = wait_for_ack(turn, stop);
        if (result == SL_ECANCELED && stop) {
            stop = NULL; /* closing: a last chance for the frame that is out */
            result = SL_OK;
        }
        if (!result && !connection_stands(turn))
            return SL_EAGAIN;
        if (!result)
            result = sl_live_take_in(turn);
        if (!result && wait)
            result = stay_in_touch(turn, sl_now_us(), &touch_us);
    }
    return result;
}

int sl_live_send(sl_turn *turn, const sl_frame *frame) {
    sl_live *live = &turn->live;
    sl_buffer *bytes = NULL;
    sl_live_message chunk = {
        .kind = SL_LIVE_CHUNK,
        .flags = is_keyframe(frame) ? SL_LIVE_KEYFRAME : 0,
        .epoch = live->epoch,
        .session = live->session,
        .sequence = live->sequence + 1,
        .total = (uint32_t)frame->size,
        .captured_us = frame->captured_utc_us,
        .clock_us = live->clock_us,
        .width = (uint16_t)frame->full_width,
        .height = (uint16_t)frame->full_height,
    };
    if (!follows(turn, frame)) {
        sl_tally_drop(turn->tally, SL_DROP_UNUSABLE);
        return SL_OK;
    }
    int result = find_codec(frame->format, &chunk.codec);
    if (!result && !(live->codecs >> chunk.codec & 1))
        result = sl_fail(SL_EPEER, "the viewer can't decode %s; choose another video_codec",
                         sl_format_name(frame->format));
    if (!result)
        result = sl_frame_bytes(frame, &bytes);
    if (result)
        return result;
    live->sequence = chunk.sequence;
    live->number = turn->number;
    live->totals[chunk.sequence % SL_LIVE_RECENT] = chunk.total;
    live->lost = false;
    live->loss_told = 0; /* whoever gets a frame takes it that the source is back */
    if (is_keyframe(frame))
        live->keyframe = chunk.sequence;
    sl_governor_admitted(&live->governor, turn->let_in_us, sl_now_us());
    result = send_chunks(turn, &chunk, bytes);
    sl_buffer_unref(&bytes);
    live->loss_told = 0;       /* a frame ends it there: a loss that still holds is told of again */
    if (result == SL_EAGAIN) { /* the connection went */
        sl_tally_drop(turn->tally, SL_DROP_LOST);
        return SL_OK;
    }
    turn->delivered = result == SL_OK; /* counted as its acks come */
    return result;
}

void sl_live_part(sl_turn *turn) {
    sl_steering_let_go(turn->steering, turn->rein);
}

/* What is under way gets a last chance to be acknowledged. */
void sl_live_send_end(sl_turn *turn) {
    sl_live *live = &turn->live;
    sl_live_message end = {.kind = SL_LIVE_END, .session = live->session};
    post(turn, &end);
    while (live->acked < live->sequence && connection_stands(turn) && !closing_is_over(turn)) {
        if (sl_link_wait(turn->link, -1, NULL, sl_turn_end_deadline(turn)) || sl_live_take_in(turn))
            break;
    }
}
