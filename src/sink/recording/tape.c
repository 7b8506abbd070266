/* sink/recording: the recording of one camera. Called by the recorder's thread. */
#include "sink/recording/tape.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "frame/frame.h"
#include "sink/recording/room.h"
#include "sink/recording/track.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_LEAST_US SL_SECOND_US /* a peer chooses sizes: it must not fill a folder */
#define RETRY_US         (2 * SL_SECOND_US)
#define LOOK_US          SL_SECOND_US
#define ASK_US           SL_SECOND_US
#define SILENT_US        (60 * SL_SECOND_US) /* who is silent so long gets another segment */
#define LEAP_US          (5 * SL_SECOND_US) /* so much more than what has passed is another clock */
#define KEYLESS_MOST_US                                                                            \
    (60 * SL_SECOND_US) /* that a segment waits for a keyframe to end, at least */
#define KEYFRAMES_MOST_US  (5 * SL_SECOND_US) /* between keyframes while frames are kept, */
#define KEYFRAMES_LEAST_US (2 * SL_SECOND_US) /* however little */

void sl_tape_init(sl_tape *tape, const sl_tape_rules *rules, const char *port) {
    *tape = (sl_tape){.rules = rules};
    snprintf(tape->port, sizeof(tape->port), "%s", port);
}

int sl_tape_finish(sl_tape *tape) {
    int code = sl_segment_end(&tape->segment);
    sl_preroll_finish(&tape->preroll);
    sl_intake_finish(&tape->intake);
    return code;
}

/* What the receiver calls the camera. */
static void find_id(const sl_tape *tape, char id[SL_VIEW_ID_MAX]) {
    const sl_viewer *viewer = &tape->rules->viewer;
    sl_camera_view *cameras = viewer->cameras ? malloc(SL_VIEWS_MAX * sizeof(*cameras)) : NULL;
    size_t count = cameras ? viewer->cameras(viewer->user, cameras, SL_VIEWS_MAX) : 0;
    sl_naming_make_id(id, tape->port);
    for (size_t i = 0; i < count; i++)
        if (strcmp(cameras[i].port, tape->port) == 0 && sl_naming_is_id(cameras[i].id))
            snprintf(id, SL_VIEW_ID_MAX, "%s", cameras[i].id);
    free(cameras);
}

static void ask_for_keyframe(sl_tape *tape) {
    const sl_viewer *viewer = &tape->rules->viewer;
    if (!viewer->refresh || tape->now_us - tape->asked_us < ASK_US)
        return;
    tape->asked_us = tape->now_us;
    viewer->refresh(viewer->user, tape->port);
}

static void lose(sl_tape *tape, uint64_t frames) {
    if (tape->on)
        tape->lost += frames;
}

/* Nothing that builds on the last frame can be stored any more. */
static void need_keyframe(sl_tape *tape) {
    sl_intake_break(&tape->intake);
    ask_for_keyframe(tape);
}

static void refuse(sl_tape *tape, const sl_frame *frame, int code) {
    lose(tape, 1);
    if (code != SL_EAGAIN)
        sl_refused_frame(tape->rules->refused, frame, sl_error());
    if (sl_format_is_video(frame->format))
        need_keyframe(tape);
}

/* Stops for a while, with the sentence of what failed. */
static void pause_for(sl_tape *tape, sl_recording_state state, const char *reason) {
    if (!tape->paused)
        sl_log(SL_LOG_WARNING, "sink", "recording has stopped: %s", reason);
    tape->paused = true;
    tape->state = state;
    snprintf(tape->reason, sizeof(tape->reason), "%s", reason);
    tape->retry_us = tape->now_us + RETRY_US;
    tape->frames -= tape->segment.muxer ? sl_muxer_gathered(tape->segment.muxer) : 0;
    lose(tape, tape->segment.muxer ? sl_muxer_gathered(tape->segment.muxer) : 0);
    if (sl_segment_end(&tape->segment) < 0)
        sl_log(SL_LOG_DEBUG, "sink", "a segment was cut: %s", sl_error());
    lose(tape, tape->preroll.count);
    sl_preroll_finish(&tape->preroll);
    sl_intake_break(&tape->intake);
}

static void fail(sl_tape *tape) {
    int failure = tape->segment.muxer ? sl_muxer_failure(tape->segment.muxer) : 0;
    bool full = failure == ENOSPC || failure == EDQUOT || sl_room_is_short(tape->rules->directory);
    char reason[512];
    snprintf(reason, sizeof(reason), "%s", sl_error());
    pause_for(tape, full ? SL_RECORDING_FULL : SL_RECORDING_FAILED, reason);
}

static void end_segment(sl_tape *tape) {
    if (sl_segment_end(&tape->segment) < 0)
        sl_log(SL_LOG_WARNING, "sink", "a segment is not finished: %s", sl_error());
}

/* When it was captured, as the camera says; where that can't be, or its clock was set anew since
 * the segment began, by when it came. */
static int64_t time_of(sl_tape *tape, const sl_preroll_frame *coming) {
    int64_t utc_us = coming->frame->captured_utc_us;
    if (!sl_naming_has_time(utc_us))
        utc_us = sl_utc_us() - (sl_now_us() - coming->arrived_us);
    if (!tape->segment.muxer)
        return utc_us;
    int64_t expected_us = tape->utc_us + coming->arrived_us - tape->arrived_us;
    bool leaps = llabs(utc_us - expected_us) > LEAP_US;
    tape->broken = tape->broken || leaps || coming->frame->sequence < tape->sequence;
    return leaps ? expected_us : utc_us;
}

static int begin_segment(sl_tape *tape, const sl_preroll_frame *coming, AVCodecParameters *track) {
    char id[SL_VIEW_ID_MAX];
    tape->broken = false;
    tape->utc_us = time_of(tape, coming);
    tape->begun_us = coming->arrived_us;
    tape->due_us = 0;
    tape->segments++;
    find_id(tape, id);
    int code = sl_segment_begin(&tape->segment, tape->rules->directory, id, track, tape->utc_us,
                                tape->now_us);
    if (code == SL_OK) {
        tape->state = SL_RECORDING_ON;
        tape->reason[0] = '\0';
    }
    if (code == SL_OK && tape->paused)
        sl_log(SL_LOG_WARNING, "sink", "recording goes on, in %s", tape->segment.folder);
    tape->paused = tape->paused && code < 0;
    return code;
}

/* Why a frame that needs none before it can't go where the last one went. */
static bool must_part(const sl_tape *tape, const AVCodecParameters *track) {
    return !tape->segment.muxer || !sl_track_same(tape->segment.track, track);
}

/* How long the segment is with this frame. A camera's clock that stands still makes none endless.
 */
static int64_t length_with(const sl_tape *tape, const sl_preroll_frame *coming, int64_t utc_us) {
    int64_t told_us = utc_us - tape->segment.first_us;
    int64_t lasted_us = coming->arrived_us - tape->begun_us;
    return told_us > lasted_us ? told_us : lasted_us;
}

static bool should_part(const sl_tape *tape, const sl_preroll_frame *coming, int64_t utc_us) {
    return tape->broken || sl_segment_is_long(&tape->segment, &tape->rules->segment,
                                              length_with(tape, coming, utc_us));
}

/* Whether the segment has waited for a keyframe to end it for as long as it may be: a peer that
 * makes none would else have a file that grows without end, and is never the oldest to delete. */
static bool is_endless(const sl_tape *tape, const sl_preroll_frame *coming) {
    int64_t most_us = tape->rules->segment.us;
    return tape->due_us > 0 && coming->arrived_us - tape->due_us >=
                                   (most_us > KEYLESS_MOST_US ? most_us : KEYLESS_MOST_US);
}

/* Has a segment open that the frame fits in, which needs none before it. */
static int fit(sl_tape *tape, const sl_preroll_frame *coming, int64_t *utc_us) {
    AVCodecParameters *track;
    int code = sl_track_read(&track, coming->frame);
    if (code < 0)
        return code;
    bool must = must_part(tape, track);
    bool soon = tape->segment.muxer && coming->arrived_us - tape->begun_us < SEGMENT_LEAST_US;
    if (must ? soon : soon || !should_part(tape, coming, *utc_us)) {
        avcodec_parameters_free(&track);
        return must ? sl_fail(SL_EUNSUPPORTED, "its size or codec changes more than once a second")
                    : SL_OK;
    }
    end_segment(tape);
    code = begin_segment(tape, coming, track);
    *utc_us = tape->utc_us;
    return code;
}

static void note_stored(sl_tape *tape, const sl_preroll_frame *stored, int64_t utc_us) {
    tape->utc_us = utc_us;
    tape->arrived_us = stored->arrived_us;
    tape->sequence = stored->frame->sequence;
    tape->frames++;
    tape->bytes += stored->frame->size;
    if (!should_part(tape, stored, utc_us))
        return;
    tape->due_us = tape->due_us ? tape->due_us : stored->arrived_us;
    ask_for_keyframe(tape);
}

/* There is no segment until one comes. */
static void wait_for_keyframe(sl_tape *tape) {
    end_segment(tape);
    tape->state = SL_RECORDING_WAITING;
}

/* Into the segment in work, or the next. What fails is counted and told. */
static void store(sl_tape *tape, const sl_preroll_frame *coming) {
    int64_t utc_us = time_of(tape, coming);
    int code = SL_OK;
    if (coming->afresh)
        code = fit(tape, coming, &utc_us);
    else if (tape->segment.muxer && is_endless(tape, coming))
        wait_for_keyframe(tape);
    if (!tape->segment.muxer)
        code = code < 0 ? code : SL_EAGAIN;
    if (code == SL_OK)
        code =
            sl_segment_write(&tape->segment, coming->frame, coming->afresh, utc_us, tape->now_us);
    if (code == SL_OK) {
        note_stored(tape, coming, utc_us);
    } else if (code == SL_EUNSUPPORTED || code == SL_EAGAIN) {
        refuse(tape, coming->frame, code);
    } else {
        lose(tape, 1);
        fail(tape);
    }
}

static bool is_stopped(const sl_tape *tape) {
    return tape->state == SL_RECORDING_FULL || tape->state == SL_RECORDING_FAILED;
}

/* Whether what is kept may go into a segment now. */
static bool may_roll(sl_tape *tape) {
    if (!tape->on || (is_stopped(tape) && tape->now_us < tape->retry_us))
        return false;
    if (!is_stopped(tape))
        return true;
    bool enough = sl_room_is_enough(tape->rules->directory);
    tape->retry_us = tape->now_us + LOOK_US;
    if (enough) {
        tape->state = SL_RECORDING_WAITING;
        tape->reason[0] = '\0';
    }
    return enough;
}

/* Stores what is kept, once it may. */
static void roll(sl_tape *tape) {
    const sl_preroll_frame *oldest = may_roll(tape) ? sl_preroll_oldest(&tape->preroll) : NULL;
    for (; oldest; oldest = sl_preroll_oldest(&tape->preroll)) {
        sl_preroll_frame coming = *oldest;
        coming.frame = sl_frame_ref(oldest->frame);
        sl_preroll_drop(&tape->preroll);
        store(tape, &coming);
        sl_frame_unref(&coming.frame);
    }
}

/* Keeps a frame until a recording needs it. */
static void keep(sl_tape *tape, const sl_preroll_frame *coming) {
    const sl_tape_rules *rules = tape->rules;
    size_t before = tape->preroll.count + 1;
    bool wanted = rules->before_us > 0 || !is_stopped(tape);
    if (wanted && sl_preroll_add(&tape->preroll, coming))
        sl_preroll_trim(&tape->preroll, coming->arrived_us - rules->before_us, rules->preroll_most);
    lose(tape, before - tape->preroll.count);
    if (tape->preroll.count == 0)
        need_keyframe(tape);
}

/* Whether nothing is done with frames at all. */
static bool is_idle(const sl_tape *tape) {
    return !tape->on && tape->rules->before_us == 0;
}

void sl_tape_take(sl_tape *tape, const sl_frame *frame, bool gap, int64_t arrived_us) {
    sl_preroll_frame coming = {.arrived_us = arrived_us};
    tape->came_us = tape->now_us = arrived_us;
    if (gap || is_idle(tape))
        sl_intake_break(&tape->intake);
    if (is_idle(tape))
        return;
    int code = sl_intake_take(&tape->intake, frame, &coming.frame, &coming.afresh);
    if (code < 0) {
        refuse(tape, frame, code);
        return;
    }
    if (coming.afresh)
        tape->keyframe_us = arrived_us;
    if (tape->segment.muxer) {
        store(tape, &coming);
    } else {
        keep(tape, &coming);
        roll(tape);
    }
    sl_frame_unref(&coming.frame);
}

void sl_tape_start(sl_tape *tape, int64_t from_us, int64_t now_us) {
    tape->now_us = now_us;
    tape->on = true;
    tape->state = SL_RECORDING_WAITING;
    tape->frames = tape->bytes = tape->lost = 0;
    sl_preroll_trim(&tape->preroll, from_us, tape->rules->preroll_most);
    if (tape->preroll.count == 0)
        need_keyframe(tape);
    roll(tape);
}

void sl_tape_stop(sl_tape *tape) {
    tape->on = false;
    tape->state = SL_RECORDING_OFF;
    tape->reason[0] = '\0';
    end_segment(tape);
    if (tape->rules->before_us > 0)
        ask_for_keyframe(tape);
}

static void look_at_room(sl_tape *tape) {
    char reason[256];
    if (tape->now_us - tape->looked_us < LOOK_US)
        return;
    tape->looked_us = tape->now_us;
    if (!sl_room_is_short(tape->rules->directory))
        return;
    end_segment(tape);
    snprintf(reason, sizeof(reason), "the disk is full: there is hardly any space left at %.180s",
             tape->rules->directory);
    pause_for(tape, SL_RECORDING_FULL, reason);
}

static void tend_segment(sl_tape *tape) {
    if (tape->now_us - tape->came_us >= SILENT_US) {
        wait_for_keyframe(tape);
    } else if (sl_segment_tend(&tape->segment, tape->now_us) < 0) {
        fail(tape);
    } else {
        look_at_room(tape);
    }
}

/* A recording that is asked for can begin soon, with what led to it, and with nothing older. */
static void tend_preroll(sl_tape *tape) {
    int64_t before_us = tape->rules->before_us;
    int64_t interval_us = before_us < KEYFRAMES_LEAST_US  ? KEYFRAMES_LEAST_US
                          : before_us > KEYFRAMES_MOST_US ? KEYFRAMES_MOST_US
                                                          : before_us;
    if (tape->now_us - tape->came_us > before_us + KEYFRAMES_MOST_US) {
        sl_preroll_finish(&tape->preroll);
        sl_intake_break(&tape->intake);
        return;
    }
    sl_preroll_trim(&tape->preroll, tape->now_us - before_us, tape->rules->preroll_most);
    if (sl_format_is_video(tape->intake.format) && tape->now_us - tape->keyframe_us >= interval_us)
        ask_for_keyframe(tape);
}

void sl_tape_tend(sl_tape *tape, int64_t now_us) {
    tape->now_us = now_us;
    if (tape->segment.muxer) {
        tend_segment(tape);
        return;
    }
    roll(tape);
    if (tape->on && tape->state == SL_RECORDING_WAITING && tape->preroll.count == 0)
        ask_for_keyframe(tape);
    if (tape->rules->before_us > 0)
        tend_preroll(tape);
}
