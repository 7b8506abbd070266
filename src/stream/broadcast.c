/* stream: pubsub. No way back, so the newest wins at both ends: the sender lets a frame go that
 * finds no room when a newer one is there, the receiver drains what has piled up. */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include <sightline/error.h>

static int broadcast_send(sl_turn *turn, const sl_frame *frame) {
    int result = sl_turn_send_frame(turn, frame);
    if (result == SL_OK)
        sl_turn_deliver(turn);
    return result;
}

static int wait_for_message(sl_turn *turn) {
    double patience_s = turn->settings->subscriber_timeout_s;
    int result =
        sl_link_wait(turn->link, -1, turn->stop, sl_turn_silence_deadline(turn, patience_s));
    if (result == SL_EAGAIN)
        return sl_fail(SL_ETIMEOUT, "no frame came for %.3g s", patience_s);
    return result;
}

/* Reads one message if there is one. The frame stays NULL when it was none of ours. */
static int take_frame(sl_turn *turn, sl_frame **frame) {
    sl_link_message message = {0};
    if (sl_link_receive(turn->link, &message))
        return SL_OK;
    int result = sl_turn_read(turn, &message, frame);
    return result == SL_EMESSAGE ? SL_OK : result;
}

_Static_assert(SL_SENDERS_MAX <= SL_PIPELINE_LANES, "each sender has a lane of its own");

static int newest_receive(sl_turn *turn) {
    sl_frame *frame = NULL;
    int result = wait_for_message(turn);
    if (result == SL_OK)
        result = take_frame(turn, &frame);
    if (frame)
        sl_pipeline_offer(turn->pipeline, frame, turn->sender);
    return result;
}

/* Reads only while there is room: then ZeroMQ's short queues fill up, and the sender, where
 * frames are dropped and counted, notices. What was decoded while it waited may have used it up. */
static int every_frame_receive(sl_turn *turn) {
    if (!sl_pipeline_has_room(turn->pipeline, NULL))
        return sl_turn_wait_for_room(turn, -1);
    sl_frame *frame = NULL;
    int result = wait_for_message(turn);
    if (result == SL_OK && sl_pipeline_has_room(turn->pipeline, NULL))
        result = take_frame(turn, &frame);
    if (frame)
        sl_pipeline_push(turn->pipeline, frame);
    return result;
}

const sl_pattern_kind sl_pattern_pubsub = {
    .pattern = SL_PATTERN_PUBSUB,
    .send = broadcast_send,
    .send_end = sl_turn_send_end,
    .receive = newest_receive,
    .newest_wins = true,
};

const sl_pattern_kind sl_pattern_pubsub_every_frame = {
    .pattern = SL_PATTERN_PUBSUB,
    .send = broadcast_send,
    .send_end = sl_turn_send_end,
    .receive = every_frame_receive,
    .newest_wins = true,
};
