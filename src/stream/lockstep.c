/* stream: pair and reqrep. One frame, one reply; the reply means "I have room".
 *
 *   sender                          receiver
 *     │ frame ─────────────────────▶ │ into the queue
 *     │                              │ … held back while the queue is full, but never past
 *     │ ◀───────────────────── reply │   half the shortest time-out that a sender may have
 *     │ the next frame, coded meanwhile
 *
 * In multi-server mode senders take turns: a REP socket gives the next one's frame when it has
 * answered the one before. So while others wait, each reply is held back for a share of that time
 * alone; and a sender whose reply took long rests before it sends again, longer than it waited,
 * since its next frame would only wait behind the others', until the time-out. */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include <math.h>
#include <sightline/error.h>

#define HOLD_S            2 /* half the shortest time-out that a sender may have */
#define RETRIES_DEFAULT   3
#define HELD_BACK_SHARE   4  /* of the request time-out: a reply that takes longer is held back */
#define REST_TIMES        2  /* what the reply took */
#define UNASKED_MAX       64 /* messages; more than wait in ZeroMQ by mistake */
#define RECEIVER_PATIENCE 3  /* times the request time-out: how long NetGear's receiver waits */

static int64_t seconds_from_now(double seconds) {
    return sl_now_us() + (int64_t)(seconds * (double)SL_SECOND_US);
}

/* Throws away whatever came unasked, so that it isn't taken for a reply. A receiver that sends more
 * of it all the time harms itself alone, and keeps nobody here. */
static void discard_input(sl_turn *turn) {
    sl_link_message message = {0};
    for (int i = 0; i < UNASKED_MAX && sl_link_receive(turn->link, &message) == SL_OK; i++)
        sl_link_message_clear(&message);
}

/* A reply that did not come in time. The socket is opened anew: a reply that comes after all
 * must not be taken for the next frame's. */
static int give_up_reply(sl_turn *turn, uint64_t bytes) {
    sl_tally_drop(turn->tally, SL_DROP_LOST);
    sl_allowance_unanswered(&turn->allowance, bytes);
    turn->unanswered++;
    int most = turn->settings->max_retries;
    if (most < 0) /* nobody said: a viewer that answered once may stop for as long as it likes */
        most = turn->answered ? 0 : RETRIES_DEFAULT;
    if (most > 0 && turn->unanswered >= most)
        return sl_fail(SL_ETIMEOUT,
                       "the viewer did not answer %d times in a row, %.3g s each; see whether it "
                       "is stopped, overloaded, or busy with another sender",
                       turn->unanswered, turn->settings->request_timeout_s);
    sl_log(SL_LOG_WARNING, "stream", "no reply within %.3g s: one frame was not acknowledged",
           turn->settings->request_timeout_s);
    return sl_link_rebuild(turn->link);
}

/* What the reply brought. One that makes no sense has acknowledged the frame all the same. */
static void keep_returned(sl_turn *turn, const sl_link_message *message) {
    sl_frame *data = NULL;
    if (!turn->returned)
        return;
    if (sl_netgear_read_reply(message->parts, message->count, &data))
        sl_tally_reject(turn->tally);
    sl_returned_put(turn->returned, data);
}

/* The receiver had no room for long, or others' frames were before this one. */
static void plan_rest(sl_turn *turn, int64_t took_us) {
    double timeout_us = turn->settings->request_timeout_s * (double)SL_SECOND_US;
    bool held_back = (double)took_us > timeout_us / HELD_BACK_SHARE;
    if (turn->settings->multiserver_mode && held_back)
        turn->rest_until_us = sl_now_us() + REST_TIMES * took_us;
}

/* SL_EAGAIN when the receiver went meanwhile. */
static int rest(sl_turn *turn) {
    int result = SL_OK;
    while (result == SL_OK && sl_now_us() < turn->rest_until_us) {
        sl_link_state state;
        sl_link_state_get(turn->link, &state);
        if (!state.connected)
            return SL_EAGAIN;
        discard_input(turn);
        result = sl_link_wait(turn->link, -1, turn->stop, turn->rest_until_us);
    }
    return result == SL_EAGAIN ? SL_OK : result;
}

static void note_reply(sl_turn *turn, uint64_t bytes, int64_t took_us) {
    sl_coding coding;
    sl_steering_coding(turn->steering, turn->rein, &coding);
    sl_allowance_answered(&turn->allowance, turn->goals, coding.fps, sl_now_us(), bytes, took_us);
    plan_rest(turn, took_us);
}

/* Waits for the reply to a frame of so many bytes that was sent when the link had made `connects`
 * connections. */
static int await_reply(sl_turn *turn, uint64_t bytes, uint64_t connects) {
    int64_t sent_us = sl_now_us();
    int64_t deadline_us = seconds_from_now(turn->settings->request_timeout_s);
    const sl_cancel *stop = turn->stop;
    for (;;) {
        sl_link_message message = {0};
        if (sl_link_receive(turn->link, &message) == SL_OK) {
            keep_returned(turn, &message);
            sl_link_message_clear(&message);
            turn->unanswered = 0;
            turn->answered = true;
            note_reply(turn, bytes, sl_now_us() - sent_us);
            sl_turn_deliver(turn);
            return SL_OK;
        }
        sl_link_state state;
        sl_link_state_get(turn->link, &state);
        if (!state.connected || state.connects != connects) {
            sl_log(SL_LOG_INFO, "stream", "the connection went: one frame was not acknowledged");
            sl_tally_drop(turn->tally, SL_DROP_LOST);
            return SL_OK;
        }
        int result = sl_link_wait(turn->link, -1, stop, deadline_us);
        if (result == SL_ECANCELED) { /* closing: a last chance for the frame that is out */
            stop = NULL;
            deadline_us = sl_turn_end_deadline(turn);
        } else if (result == SL_EAGAIN) {
            return stop ? give_up_reply(turn, bytes)
                        : (sl_tally_drop(turn->tally, SL_DROP_LOST), SL_ECANCELED);
        } else if (result) {
            return result;
        }
    }
}

static int lockstep_send(sl_turn *turn, const sl_frame *frame) {
    int result = rest(turn);
    if (result)
        return result;
    discard_input(turn);
    sl_link_state state;
    sl_link_state_get(turn->link, &state);
    result = sl_turn_send_frame(turn, frame);
    sl_pipeline_show_room(turn->pipeline); /* only now, so that the frame left first */
    if (result)
        return result;
    return await_reply(turn, frame->size, state.connects);
}

/* NetGear's reqrep receiver answers the end, its pair receiver does not. */
static void reqrep_send_end(sl_turn *turn) {
    sl_turn_send_end(turn);
    sl_link_state state;
    sl_link_state_get(turn->link, &state);
    sl_link_message message = {0};
    while (state.connected && sl_link_receive(turn->link, &message) == SL_EAGAIN) {
        if (sl_link_wait(turn->link, -1, NULL, sl_turn_end_deadline(turn)))
            break;
        sl_link_state_get(turn->link, &state);
    }
    sl_link_message_clear(&message);
}

static void send_reply(sl_turn *turn) {
    sl_buffer *parts[2];
    size_t count = sl_answer_get(turn->answer, parts);
    sl_link_send(turn->link, parts, count);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    turn->owes_reply = false;
}

/* The receiver owes a reply: waits for room in the queue as long as the sender may be kept. */
static int hold_reply_back(sl_turn *turn) {
    int result = SL_OK;
    if (!sl_pipeline_has_room(turn->pipeline, NULL))
        result = sl_turn_wait_for_room(turn, turn->reply_by_us);
    if (result == SL_ECANCELED)
        return result;
    send_reply(turn);
    return SL_OK;
}

/* Nothing was heard for long. Only a receiver that was told to give up counts the times. */
static int note_silence(sl_turn *turn) {
    turn->unanswered++;
    turn->silent_since_us = sl_now_us();
    if (turn->unanswered >= turn->settings->max_retries)
        return sl_fail(SL_ETIMEOUT, "no frame came for %.3g s",
                       turn->unanswered * RECEIVER_PATIENCE * turn->settings->request_timeout_s);
    return sl_link_rebuild(turn->link);
}

static int wait_for_message(sl_turn *turn) {
    if (sl_pipeline_full(turn->pipeline)) /* the link is not read now, so don't wait on it */
        return sl_turn_wait_for_room(turn, -1);
    double patience_s =
        turn->settings->max_retries > 0 ? RECEIVER_PATIENCE * turn->settings->request_timeout_s : 0;
    int result =
        sl_link_wait(turn->link, -1, turn->stop, sl_turn_silence_deadline(turn, patience_s));
    return result == SL_EAGAIN ? note_silence(turn) : result;
}

/* Gives the frame to the decoders. Where there is room for the next one already, the sender hears
 * of it first: so it is not kept waiting while they wake up. */
static void pass_on(sl_turn *turn, sl_frame *frame) {
    if (sl_pipeline_has_room(turn->pipeline, frame))
        send_reply(turn);
    sl_pipeline_push(turn->pipeline, frame);
}

/* When the frame that was just read must be acknowledged at the latest. */
static int64_t reply_deadline(const sl_turn *turn) {
    size_t others = turn->settings->multiserver_mode ? sl_link_waiting(turn->link) : 0;
    double most_s = fmin(HOLD_S, turn->settings->request_timeout_s / 2);
    return seconds_from_now(most_s / (double)(1 + others));
}

/* Takes one message if there is one and a place for it. SL_EEND for the end. */
static int take_message(sl_turn *turn) {
    sl_link_message message = {0};
    if (sl_pipeline_full(turn->pipeline) || sl_link_receive(turn->link, &message))
        return SL_OK;
    sl_frame *frame = NULL;
    int result = sl_turn_read(turn, &message, &frame);
    if (result == SL_EEND)
        return result;
    turn->owes_reply = true; /* for a bad message too: the sender waits for it */
    turn->reply_by_us = reply_deadline(turn);
    if (frame)
        pass_on(turn, frame);
    return SL_OK;
}

static int lockstep_receive(sl_turn *turn) {
    if (turn->owes_reply)
        return hold_reply_back(turn);
    int result = wait_for_message(turn);
    return result ? result : take_message(turn);
}

static int reqrep_receive(sl_turn *turn) {
    int result = lockstep_receive(turn);
    if (result == SL_EEND)
        send_reply(turn);
    return result;
}

const sl_pattern_kind sl_pattern_pair = {
    .pattern = SL_PATTERN_PAIR,
    .send = lockstep_send,
    .send_end = sl_turn_send_end,
    .receive = lockstep_receive,
};

const sl_pattern_kind sl_pattern_reqrep = {
    .pattern = SL_PATTERN_REQREP,
    .send = lockstep_send,
    .send_end = reqrep_send_end,
    .receive = reqrep_receive,
};
