/* stream: which of the live pattern's destinations share an encoding. See lanes.h. */
#include "stream/lanes.h"

#include "base/clock.h"

#define KEEPS_UP 0.6 /* of what the fastest in a lane takes: less is far behind */
#define CLEARLY  0.8 /* of that: enough to move up there */

#define STEADY_US     SL_SECOND_US        /* a rate counts that held for so long, or twice that */
#define DOWN_US       SL_SECOND_US        /* behind for so long: it moves down */
#define UP_US         (5 * SL_SECOND_US)  /* clearly above for so long: it moves up; */
#define UP_MOST_US    (80 * SL_SECOND_US) /* doubled up to here, each time that it */
#define FALLS_SOON_US (30 * SL_SECOND_US) /* moves down again within so long */

#define WISHES        4                   /* one soon after the other are a habit */
#define WISHES_US     (10 * SL_SECOND_US) /* without one, and it is over */
#define GRANT_LATE_US (2 * SL_SECOND_US)  /* between keyframes for one that wishes out of habit */

static sl_member **find(sl_lanes *lanes, const sl_member *member) {
    sl_member **at = &lanes->members;
    while (*at && *at != member)
        at = &(*at)->next;
    return at;
}

bool sl_lanes_join(sl_lanes *lanes, sl_member *member) {
    sl_member **at = find(lanes, member);
    if (*at)
        return false;
    member->next = NULL;
    *at = member;
    return true;
}

void sl_lanes_leave(sl_lanes *lanes, sl_member *member) {
    sl_member **at = find(lanes, member);
    if (!*at)
        return;
    *at = member->next;
    member->rate = member->below_us = member->above_us = 0;
}

bool sl_lanes_empty(const sl_lanes *lanes, size_t lane) {
    for (const sl_member *member = lanes->members; member; member = member->next) {
        if (member->lane == lane)
            return false;
    }
    return true;
}

static bool alone(const sl_lanes *lanes, const sl_member *member) {
    for (const sl_member *other = lanes->members; other; other = other->next) {
        if (other != member && other->lane == member->lane)
            return false;
    }
    return true;
}

/* Takes a rate down. A measured one is too high now and then, when what had been held up comes all
 * at once. */
static void note_rate(sl_member *member, int64_t rate, int64_t now_us) {
    bool first = member->rate == 0;
    member->rate = rate;
    if (first || now_us - member->since_us > STEADY_US) {
        member->least[0] = first ? rate : member->least[1];
        member->least[1] = rate;
        member->since_us = now_us;
    } else if (rate < member->least[1]) {
        member->least[1] = rate;
    }
}

static int64_t steady_rate(const sl_member *member) {
    return member->least[0] < member->least[1] ? member->least[0] : member->least[1];
}

/* The rate by which a lane goes: what the fastest there takes steadily, as far as that makes a
 * difference. 0: nothing is known of anybody there. */
static int64_t level(const sl_lanes *lanes, size_t lane) {
    int64_t most = 0;
    for (const sl_member *member = lanes->members; member; member = member->next) {
        if (member->lane == lane && member->rate > 0 && steady_rate(member) > most)
            most = steady_rate(member);
    }
    return lanes->enough[lane] > 0 && lanes->enough[lane] < most ? lanes->enough[lane] : most;
}

static bool reaches(const sl_lanes *lanes, const sl_member *member, size_t lane, double share) {
    return (double)member->rate >= share * (double)level(lanes, lane);
}

/* The next lane above of which anything is known, or its own. */
static size_t lane_above(const sl_lanes *lanes, const sl_member *member) {
    for (size_t lane = member->lane; lane-- > 0;) {
        if (level(lanes, lane) > 0)
            return lane;
    }
    return member->lane;
}

/* The next lane below with which it keeps up, or the last one. */
static size_t lane_below(const sl_lanes *lanes, const sl_member *member) {
    size_t lane = member->lane;
    while (lane + 1 < lanes->count) {
        if (reaches(lanes, member, ++lane, KEEPS_UP))
            break;
    }
    return lane;
}

static void note_since(int64_t *since_us, bool so, int64_t now_us) {
    if (!so)
        *since_us = 0;
    else if (*since_us == 0)
        *since_us = now_us;
}

static bool held(int64_t since_us, int64_t now_us, int64_t long_us) {
    return since_us != 0 && now_us - since_us >= long_us;
}

static int64_t patience_us(const sl_member *member) {
    return member->patience_us > 0 ? member->patience_us : UP_US;
}

static void move(sl_member *member, size_t lane, int64_t now_us) {
    if (lane < member->lane) {
        member->rose_us = now_us;
    } else {
        bool soon = member->rose_us != 0 && now_us - member->rose_us < FALLS_SOON_US;
        int64_t twice_us = 2 * patience_us(member);
        member->patience_us = !soon ? UP_US : twice_us < UP_MOST_US ? twice_us : UP_MOST_US;
    }
    member->lane = lane;
    member->below_us = member->above_us = 0;
    member->wishes = 0;
}

/* Whether it has cost those with whom it shares a lane keyframe after keyframe. */
static bool is_costly(const sl_lanes *lanes, const sl_member *member) {
    return member->wishes >= WISHES && !alone(lanes, member);
}

size_t sl_lanes_judge(sl_lanes *lanes, sl_member *member, int64_t rate, int64_t now_us) {
    note_rate(member, rate, now_us);
    size_t above = lane_above(lanes, member), below = lane_below(lanes, member);
    bool known = rate > 0;
    note_since(&member->below_us, known && !reaches(lanes, member, member->lane, KEEPS_UP), now_us);
    note_since(&member->above_us,
               known && above != member->lane && reaches(lanes, member, above, CLEARLY), now_us);
    bool down = held(member->below_us, now_us, DOWN_US) || is_costly(lanes, member);
    if (down && below != member->lane)
        move(member, below, now_us);
    else if (held(member->above_us, now_us, patience_us(member)))
        move(member, above, now_us);
    return member->lane;
}

bool sl_lanes_suits(const sl_lanes *lanes, const sl_member *member) {
    if (member->rate == 0)
        return level(lanes, member->lane) == 0;
    return reaches(lanes, member, member->lane, KEEPS_UP);
}

bool sl_lanes_wish(const sl_lanes *lanes, sl_member *member, int64_t now_us) {
    member->wishes = now_us - member->wished_us < WISHES_US ? member->wishes + 1 : 1;
    member->wished_us = now_us;
    if (is_costly(lanes, member) && now_us - member->granted_us < GRANT_LATE_US)
        return false;
    member->granted_us = now_us;
    return true;
}
