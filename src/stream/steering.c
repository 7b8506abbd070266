/* stream: how the live pattern's destinations steer the encoders that they share. */
#include "stream/steering.h"

#include "base/clock.h"

#include <math.h>
#include <stddef.h>

#define SPARE 2.0 /* times the average: enough bits for frames that differ in size */
/* How fast the average follows: at once when frames grow, within half a minute when they shrink,
 * so that a picture that stands still for a moment parts and joins nobody. */
#define GROW   0.1
#define SHRINK 0.001

void sl_steering_init(sl_steering *steering, size_t lanes) {
    *steering = (sl_steering){.lanes.count = lanes};
    pthread_mutex_init(&steering->lock, NULL);
}

void sl_steering_finish(sl_steering *steering) {
    pthread_mutex_destroy(&steering->lock);
}

size_t sl_steering_aim(sl_steering *steering, sl_rein *rein, const sl_governor_aim *aim, bool known,
                       const sl_live_stats *told, int64_t now_us) {
    pthread_mutex_lock(&steering->lock);
    bool comes = sl_lanes_join(&steering->lanes, &rein->member);
    rein->aim = *aim;
    rein->told = *told;
    size_t before = rein->member.lane;
    size_t lane =
        sl_lanes_judge(&steering->lanes, &rein->member, known ? aim->bit_rate : 0, now_us);
    if (comes || lane != before)
        steering->steered[lane].newcomer = true;
    pthread_mutex_unlock(&steering->lock);
    return lane;
}

void sl_steering_let_go(sl_steering *steering, sl_rein *rein) {
    pthread_mutex_lock(&steering->lock);
    sl_lanes_leave(&steering->lanes, &rein->member);
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_told(sl_steering *steering, const sl_rein *rein, sl_live_stats *told) {
    pthread_mutex_lock(&steering->lock);
    *told = rein->told;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_want_keyframe(sl_steering *steering, sl_rein *rein, int64_t now_us) {
    pthread_mutex_lock(&steering->lock);
    if (sl_lanes_wish(&steering->lanes, &rein->member, now_us))
        steering->steered[rein->member.lane].keyframe = true;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_set_formats(sl_steering *steering, sl_rein *rein, unsigned formats) {
    pthread_mutex_lock(&steering->lock);
    rein->formats = formats;
    pthread_mutex_unlock(&steering->lock);
}

sl_format sl_steering_format(sl_steering *steering, size_t lane, sl_format set) {
    unsigned common = ~0U;
    pthread_mutex_lock(&steering->lock);
    for (const sl_member *member = steering->lanes.members; member; member = member->next) {
        unsigned formats = ((const sl_rein *)member)->formats;
        common &= member->lane == lane && formats ? formats : ~0U;
    }
    pthread_mutex_unlock(&steering->lock);
    return steering->chooses && !(common >> set & 1) ? SL_FORMAT_JPEG : set;
}

bool sl_steering_idle(sl_steering *steering, size_t lane) {
    pthread_mutex_lock(&steering->lock);
    bool idle = sl_lanes_empty(&steering->lanes, lane);
    pthread_mutex_unlock(&steering->lock);
    return idle;
}

/* Locked. As many frames as any of a lane wants, each so large that the slowest can take them. */
static bool find_aim(const sl_steering *steering, size_t lane, sl_governor_aim *aim) {
    bool found = false;
    for (const sl_member *member = steering->lanes.members; member; member = member->next) {
        const sl_governor_aim *own = &((const sl_rein *)member)->aim;
        if (member->lane != lane || !sl_lanes_suits(&steering->lanes, member))
            continue;
        if (!found)
            *aim = *own;
        if (own->bit_rate < aim->bit_rate)
            aim->bit_rate = own->bit_rate;
        aim->fps = fmax(aim->fps, own->fps);
        aim->scale = fmin(aim->scale, own->scale);
        found = true;
    }
    return found;
}

bool sl_steering_take(sl_steering *steering, size_t lane, sl_governor_aim *aim, bool *keyframe) {
    sl_steered *steered = &steering->steered[lane];
    pthread_mutex_lock(&steering->lock);
    bool found = find_aim(steering, lane, aim);
    *keyframe = found && steered->keyframe;
    steered->keyframe = steered->keyframe && !found;
    steered->newcomer = false;
    pthread_mutex_unlock(&steering->lock);
    return found;
}

bool sl_steering_awaits(sl_steering *steering) {
    pthread_mutex_lock(&steering->lock);
    bool awaits = !steering->lanes.members;
    for (size_t lane = 0; lane < steering->lanes.count; lane++) {
        const sl_steered *steered = &steering->steered[lane];
        bool wanted = steered->newcomer || steered->keyframe;
        awaits = awaits || (wanted && !sl_lanes_empty(&steering->lanes, lane));
    }
    pthread_mutex_unlock(&steering->lock);
    return awaits;
}

bool sl_steering_best(sl_steering *steering) {
    bool best = true;
    pthread_mutex_lock(&steering->lock);
    for (size_t lane = 0; lane < steering->lanes.count; lane++)
        best =
            best && (steering->steered[lane].coding.best || sl_lanes_empty(&steering->lanes, lane));
    pthread_mutex_unlock(&steering->lock);
    return best;
}

/* Locked. A long interval is a pause, and several are a slow source, which counts as one of a frame
 * a second: a larger frame would be on its way for longer than that. */
static void note_interval(sl_steering *steering, double took_us) {
    double average_us = steering->interval_us;
    bool was_long = steering->long_interval;
    steering->long_interval = took_us >= SL_SECOND_US;
    if (!steering->long_interval)
        steering->interval_us = average_us > 0 ? average_us * 0.9 + took_us * 0.1 : took_us;
    else if (was_long)
        steering->interval_us = SL_SECOND_US;
}

void sl_steering_offer(sl_steering *steering, int64_t captured_us) {
    pthread_mutex_lock(&steering->lock);
    if (steering->captured_us != 0 && captured_us > steering->captured_us)
        note_interval(steering, (double)(captured_us - steering->captured_us));
    steering->captured_us = captured_us;
    pthread_mutex_unlock(&steering->lock);
}

/* Locked. */
static double offered_fps(const sl_steering *steering) {
    return steering->interval_us > 0 ? SL_SECOND_US / steering->interval_us : 0;
}

void sl_steering_report(sl_steering *steering, size_t lane, const sl_coding *coding) {
    pthread_mutex_lock(&steering->lock);
    sl_steered *steered = &steering->steered[lane];
    uint64_t frames = steered->coding.frames + 1;
    double more = (double)coding->bytes * 8 - steered->frame_bits;
    steered->frame_bits += more * (more > 0 ? GROW : SHRINK);
    double enough = coding->best ? SPARE * steered->frame_bits * offered_fps(steering) : 0;
    steering->lanes.enough[lane] = (int64_t)enough;
    steered->coding = *coding;
    steered->coding.frames = frames;
    pthread_mutex_unlock(&steering->lock);
}

void sl_steering_coding(sl_steering *steering, const sl_rein *rein, sl_coding *coding) {
    pthread_mutex_lock(&steering->lock);
    *coding = steering->steered[rein->member.lane].coding;
    coding->fps = offered_fps(steering);
    pthread_mutex_unlock(&steering->lock);
}

int sl_steering_quality(sl_steering *steering) {
    pthread_mutex_lock(&steering->lock);
    int quality = steering->steered[0].coding.quality;
    pthread_mutex_unlock(&steering->lock);
    return quality;
}
