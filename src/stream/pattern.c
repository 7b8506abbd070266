/* stream: the list of patterns, and what their receivers share. */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/event.h"
#include "base/log.h"
#include "frame/frame.h"
#include <math.h>
#include <poll.h>
#include <stdio.h>

#define END_S   0.8 /* a fifth of the default request time-out */
#define LOOK_MS 250 /* how often the link is looked after while it isn't read */

static const sl_pattern_kind *const kinds[] = {
    &sl_pattern_pair,
    &sl_pattern_reqrep,
    &sl_pattern_pubsub,
    &sl_pattern_live,
};

const sl_pattern_kind *sl_pattern_find(sl_pattern pattern, bool every_frame) {
    const sl_pattern_kind *found = kinds[0];
    for (size_t i = 0; i < SL_COUNT(kinds); i++) {
        if (kinds[i]->pattern == pattern)
            found = kinds[i];
    }
    return found->newest_wins && every_frame ? &sl_pattern_pubsub_every_frame : found;
}

/* Notes who sent a message. SL_EEND when that ends the stream. */
static int note_sender(sl_turn *turn, const sl_netgear_message *read, uint64_t from) {
    uint64_t held_back;
    if (read->end)
        sl_views_end(turn->views, read->port, turn->silent_since_us);
    if (!turn->settings->multiserver_mode)
        return read->end ? SL_EEND : SL_OK;
    if (!read->end)
        turn->sender = sl_senders_hear(&turn->senders, read->port, from);
    else if (sl_senders_end(&turn->senders, read->port))
        return SL_EEND;
    else if (sl_log_limit_pass(&turn->ends, &held_back))
        sl_log(SL_LOG_INFO, "stream", "the sender of port %s has ended; others go on", read->port);
    return SL_OK;
}

void sl_turn_come(sl_turn *turn, const sl_frame *coded) {
    sl_views_come(turn->views, coded, sl_now_us());
    sl_taps_pass(turn->taps, coded);
}

int sl_turn_read(sl_turn *turn, sl_link_message *message, sl_frame **frame) {
    sl_netgear_message read = {0};
    turn->silent_since_us = sl_now_us();
    turn->unanswered = 0;
    int result = message->truncated
                     ? sl_fail(SL_EMESSAGE, "a message of more than %d parts", SL_LINK_PARTS_MAX)
                     : sl_netgear_read(message->parts, message->count, &read);
    uint64_t from = message->connection;
    sl_link_message_clear(message);
    if (result) {
        sl_tally_reject(turn->tally);
        return SL_EMESSAGE;
    }
    if (read.frame) {
        sl_tally_bytes(turn->tally, read.frame->size);
        sl_views_hear(turn->views, read.frame->port, from, read.frame->size, turn->silent_since_us);
        sl_turn_come(turn, read.frame);
    }
    *frame = read.frame;
    return note_sender(turn, &read, from);
}

int64_t sl_turn_silence_deadline(const sl_turn *turn, double patience_s) {
    if (patience_s <= 0)
        return -1;
    return turn->silent_since_us + (int64_t)(patience_s * (double)SL_SECOND_US);
}

int sl_turn_wait_for_room(sl_turn *turn, int64_t deadline_us) {
    int result = SL_EAGAIN;
    while (result == SL_EAGAIN) {
        int64_t look_us = sl_deadline_us(LOOK_MS);
        bool last = deadline_us >= 0 && deadline_us <= look_us;
        result = sl_wait(sl_pipeline_room_fd(turn->pipeline), POLLIN, turn->stop,
                         last ? deadline_us : look_us);
        if (last)
            return result;
        sl_link_wait(turn->link, -1, NULL, sl_deadline_us(0));
        sl_views_look(turn->views, turn->link, sl_now_us());
    }
    return result;
}

int sl_turn_send_frame(sl_turn *turn, const sl_frame *frame) {
    sl_buffer *parts[2] = {NULL, NULL};
    int result =
        sl_netgear_write_head(frame, turn->settings->pattern, sl_turn_port(turn), &parts[0]);
    if (!result)
        result = sl_frame_bytes(frame, &parts[1]);
    if (!result)
        result = sl_link_send(turn->link, parts, 2);
    if (!result)
        sl_tally_bytes(turn->tally, parts[1]->size);
    sl_buffer_unref(&parts[0]);
    sl_buffer_unref(&parts[1]);
    return result;
}

void sl_turn_deliver(sl_turn *turn) {
    sl_tally_frame(turn->tally);
    turn->delivered = true;
}

int64_t sl_turn_end_deadline(sl_turn *turn) {
    double patience_s = turn->settings->request_timeout_s / 5;
    if (turn->end_by_us == 0)
        turn->end_by_us = sl_now_us() + (int64_t)(fmin(patience_s, END_S) * (double)SL_SECOND_US);
    return turn->end_by_us;
}

/* Right after a frame there may be no room yet, and a receiver that never hears of the end would
 * wait for ever. */
static void wait_for_room(sl_turn *turn) {
    sl_link_state state;
    sl_link_state_get(turn->link, &state);
    sl_link_want_send(turn->link, true);
    while (state.connected && !sl_link_writable(turn->link) &&
           sl_link_wait(turn->link, -1, NULL, sl_turn_end_deadline(turn)) == SL_OK)
        sl_link_state_get(turn->link, &state);
    sl_link_want_send(turn->link, false);
}

void sl_turn_send_end(sl_turn *turn) {
    sl_buffer *end = NULL;
    wait_for_room(turn);
    if (sl_netgear_write_end(sl_turn_port(turn), &end) == SL_OK)
        sl_link_send(turn->link, &end, 1);
    sl_buffer_unref(&end);
}

int sl_turn_write_port(char port[SL_NETGEAR_PORT_MAX], const sl_link_settings *settings,
                       int number) {
    const char *text = settings->port_text;
    if (text && !sl_netgear_is_port(text))
        return sl_fail(SL_EINVAL,
                       "port_text must be a whole number or a string as JSON, of less than %d "
                       "bytes, not %.80s",
                       SL_NETGEAR_PORT_MAX, text);
    snprintf(port, SL_NETGEAR_PORT_MAX, "%d", number);
    if (text)
        snprintf(port, SL_NETGEAR_PORT_MAX, "%s", text);
    return SL_OK;
}

const char *sl_turn_port(const sl_turn *turn) {
    return *turn->port ? turn->port : NULL;
}
