/* sink/web: the newest pieces of something that goes to many. Used by hub.c, under its lock. */
#include "sink/web/track.h"
#include "base/clock.h"

#include <stdlib.h>

#define BEHIND_US (2 * SL_SECOND_US)

static sl_web_piece *at(const sl_web_track *track, uint64_t number) {
    return &track->pieces[number % SL_WEB_TRACK_PIECES];
}

static void drop_first(sl_web_track *track) {
    sl_web_piece *piece = at(track, track->first++);
    track->bytes -= piece->bytes->size;
    sl_buffer_unref(&piece->bytes);
    track->whole = false;
}

static bool prepare(sl_web_track *track) {
    if (track->pieces)
        return true;
    track->pieces = calloc(SL_WEB_TRACK_PIECES, sizeof(*track->pieces));
    track->first = track->next = 1;
    return track->pieces != NULL;
}

void sl_web_track_put(sl_web_track *track, sl_web_piece *piece) {
    if (!prepare(track)) {
        sl_buffer_unref(&piece->bytes);
        return;
    }
    while (track->first < track->next &&
           (piece->keyframe || track->next - track->first == SL_WEB_TRACK_PIECES ||
            track->bytes + piece->bytes->size > SL_WEB_TRACK_BYTES))
        drop_first(track);
    if (track->first == track->next)
        track->whole = piece->keyframe;
    *at(track, track->next++) = *piece;
    track->bytes += piece->bytes->size;
}

void sl_web_track_shed(sl_web_track *track) {
    if (track->first < track->next)
        drop_first(track);
}

const sl_web_piece *sl_web_track_newest(const sl_web_track *track) {
    return track->first < track->next ? at(track, track->next - 1) : NULL;
}

void sl_web_cursor_wait(sl_web_cursor *cursor, const sl_web_track *track) {
    cursor->going = false;
    cursor->next = track->next;
}

/* The piece that comes next for it; 0: none is there. */
static uint64_t following(const sl_web_track *track, const sl_web_cursor *cursor) {
    if (cursor->going && cursor->next >= track->first)
        return cursor->next < track->next ? cursor->next : 0;
    return track->whole && track->first < track->next && track->first >= cursor->next ? track->first
                                                                                      : 0;
}

bool sl_web_track_ready(const sl_web_track *track, const sl_web_cursor *cursor) {
    return following(track, cursor) != 0;
}

bool sl_web_track_take(const sl_web_track *track, sl_web_cursor *cursor, int64_t now_us,
                       sl_web_piece *piece) {
    uint64_t number = following(track, cursor);
    if (cursor->level_us == 0)
        cursor->level_us = now_us;
    if (number == 0) {
        if (cursor->going && cursor->next >= track->first)
            cursor->level_us = now_us;
        else
            cursor->going = false;
        return false;
    }
    if (cursor->going && !at(track, number)->keyframe && now_us - cursor->level_us > BEHIND_US) {
        cursor->skipped += track->next - cursor->next;
        sl_web_cursor_wait(cursor, track);
        return false;
    }
    if (cursor->going)
        cursor->skipped += number - cursor->next;
    if (at(track, number)->keyframe)
        cursor->level_us = now_us;
    cursor->going = true;
    cursor->next = number + 1;
    *piece = *at(track, number);
    sl_buffer_ref(piece->bytes);
    return true;
}

void sl_web_track_finish(sl_web_track *track) {
    while (track->first < track->next)
        drop_first(track);
    free(track->pieces);
    *track = (sl_web_track){0};
}
