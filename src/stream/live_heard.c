/* stream: what a live sender hears of its receiver: that it is welcome, what has come, who watches.
 * See live_send.c for the turns that the two take. */
#include "stream/pattern.h"

#include "base/clock.h"
#include "base/error.h"
#include "wire/live.h"

#define WISH_US  (SL_SECOND_US / 4)  /* between wishes for a keyframe */
#define CLOCK_US (30 * SL_SECOND_US) /* then a clock told in a longer round trip will do */
#define MESSAGES 256 /* taken in at a time, so that who sends without end keeps nobody here */

/* As 1 << sl_format. */
static unsigned formats_of(uint16_t codecs) {
    unsigned formats = 0;
    for (sl_live_codec codec = 0; codec < SL_LIVE_CODECS; codec++)
        formats |= codecs >> codec & 1 ? 1U << sl_cameras_format(codec) : 0;
    return formats;
}

/* By how much the receiver's clock is ahead: the answer was given half a round trip ago. */
static void note_answer(sl_live *live, const sl_live_message *answer, int64_t now_us) {
    int64_t trip_us = now_us - answer->sent_us;
    sl_governor_heard(&live->governor, now_us, answer->sent_us, answer->now_us);
    if (trip_us < 0 || (live->clock_us != SL_LIVE_NO_CLOCK && trip_us > live->clock_trip_us &&
                        now_us - live->clock_at_us < CLOCK_US))
        return;
    live->clock_us = answer->now_us - (sl_utc_us() - trip_us / 2);
    live->clock_trip_us = trip_us;
    live->clock_at_us = now_us;
}

void sl_live_wish_for_keyframe(sl_turn *turn, int64_t now_us) {
    sl_live *live = &turn->live;
    if (now_us - live->wished_us < WISH_US)
        return;
    live->wished_us = now_us;
    sl_steering_want_keyframe(turn->steering, turn->rein, now_us);
}

void sl_live_lose(sl_turn *turn, int64_t now_us) {
    turn->live.lost = true;
    sl_live_wish_for_keyframe(turn, now_us);
}

/* Counts the frames that have come whole: all before the ack's, and that one with its last byte. */
static void count_frames(sl_turn *turn, const sl_live_message *ack) {
    sl_live *live = &turn->live;
    bool whole = ack->offset == live->totals[ack->sequence % SL_LIVE_RECENT];
    uint32_t come = ack->sequence - !whole;
    while (live->acked < come && live->acked < live->sequence) {
        live->acked++;
        sl_tally_frame(turn->tally);
    }
}

/* Whoever watches has got another frame, as far as the receiver is to be believed. */
static void note_shown(sl_turn *turn, const sl_live_message *ack) {
    sl_live *live = &turn->live;
    if (ack->shown == live->shown || ack->shown > live->sequence)
        return;
    live->shown = ack->shown;
    if (ack->shown_age_us != SL_LIVE_NO_AGE)
        sl_tally_age(turn->tally, (int32_t)(ack->shown_age_us / 1000));
}

static void note_view(sl_live *live, uint8_t flags) {
    bool unwatched = flags & SL_LIVE_UNWATCHED;
    uint64_t held_back;
    live->behind = flags & SL_LIVE_BEHIND;
    if (unwatched == live->unwatched)
        return;
    live->unwatched = unwatched;
    if (sl_log_limit_pass(&live->views, &held_back))
        sl_log(SL_LOG_INFO, "stream", "%s",
               unwatched ? "nobody watches at the viewer: nothing is sent there"
                         : "somebody watches at the viewer again");
}

static int take_ack(sl_turn *turn, const sl_live_message *ack, int64_t now_us) {
    sl_live *live = &turn->live;
    if (ack->epoch != live->epoch || ack->sequence == 0 || ack->sequence > live->sequence ||
        !sl_governor_acked(&live->governor, now_us, ack->bytes, ack->sent_us, ack->now_us))
        return sl_fail(SL_EMESSAGE, "an ack is of what was not sent");
    count_frames(turn, ack);
    note_shown(turn, ack);
    note_view(live, ack->flags);
    if (ack->flags & SL_LIVE_KEYFRAME && ack->sequence > live->keyframe)
        sl_live_lose(turn, now_us);
    return SL_OK;
}

static int take_pong(sl_live *live, const sl_live_message *pong, int64_t now_us) {
    if (!sl_governor_arrived(&live->governor, pong->bytes))
        return sl_fail(SL_EMESSAGE, "a pong tells of bytes that were not sent");
    note_answer(live, pong, now_us);
    note_view(live, pong->flags);
    return SL_OK;
}

static bool speaks_our_version(const sl_live_message *message) {
    return message->lowest <= SL_LIVE_VERSION && message->highest >= SL_LIVE_VERSION;
}

static int take_welcome(sl_turn *turn, const sl_live_message *welcome, int64_t now_us) {
    sl_live *live = &turn->live;
    if (!speaks_our_version(welcome))
        return sl_fail(SL_EPEER,
                       "the viewer speaks the live pattern in version %d to %d, and this camera "
                       "in version %d; update the older one",
                       welcome->lowest, welcome->highest, SL_LIVE_VERSION);
    if (!live->welcome) {
        unsigned formats = formats_of(welcome->codecs);
        if (!formats)
            return sl_fail(SL_EPEER, "the viewer can't decode pictures of any kind");
        live->codecs = welcome->codecs;
        sl_steering_set_formats(turn->steering, turn->rein, formats);
    }
    live->welcome = true;
    note_answer(live, welcome, now_us);
    return SL_OK;
}

/* Where no version is common it is final. Else there may be a place later, for which hellos go on.
 */
static int take_refusal(sl_live *live, const sl_live_message *refusal) {
    if (!speaks_our_version(refusal))
        return sl_fail(SL_EPEER, "the viewer refuses this camera: %s", refusal->text);
    if (!live->refused)
        sl_log(SL_LOG_WARNING, "stream", "the viewer refuses this camera for now: %s",
               refusal->text);
    live->refused = true;
    return SL_OK;
}

int sl_live_hear(sl_turn *turn, const sl_live_message *message, int64_t now_us) {
    sl_live *live = &turn->live;
    if (message->kind == SL_LIVE_REFUSAL)
        return take_refusal(live, message);
    if (message->session != live->session)
        return SL_OK; /* of the connection before */
    switch (message->kind) {
    case SL_LIVE_WELCOME:
        return take_welcome(turn, message, now_us);
    case SL_LIVE_ACK:
        return take_ack(turn, message, now_us);
    case SL_LIVE_PONG:
        return take_pong(live, message, now_us);
    case SL_LIVE_VIEW:
        note_view(live, message->flags);
        if (message->flags & SL_LIVE_REFRESH)
            sl_live_wish_for_keyframe(turn, now_us);
        return SL_OK;
    default:
        return sl_fail(SL_EMESSAGE, "a viewer sends no live message '%c'", message->kind);
    }
}

int sl_live_take_in(sl_turn *turn) {
    sl_link_message received = {0};
    int result = SL_OK;
    for (int i = 0; i < MESSAGES && !result; i++) {
        sl_live_message message;
        if (sl_link_receive(turn->link, &received))
            return SL_OK;
        int64_t now_us = sl_now_us();
        turn->live.heard_us = now_us;
        result = sl_live_read(received.parts, received.count, &message);
        if (!result)
            result = sl_live_hear(turn, &message, now_us);
        sl_link_message_clear(&received);
        if (result == SL_EMESSAGE) {
            sl_tally_reject(turn->tally);
            result = SL_OK;
        }
    }
    return result;
}
