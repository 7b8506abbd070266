/* netlab: one direction of a link: loss, queue, the narrow place, the way. */
#include "direction.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void append(netlab_line *line, netlab_packet *packet) {
    packet->next = NULL;
    if (line->last)
        line->last->next = packet;
    else
        line->first = packet;
    line->last = packet;
}

static netlab_packet *remove_first(netlab_line *line) {
    netlab_packet *packet = line->first;
    if (packet) {
        line->first = packet->next;
        if (!line->first)
            line->last = NULL;
    }
    return packet;
}

static void empty(netlab_line *line) {
    netlab_packet *packet;
    while ((packet = remove_first(line)))
        free(packet);
}

static void count(netlab_count *counter, size_t size) {
    counter->packets++;
    counter->bytes += size;
}

/* SplitMix64, as a share of 1: the same seed gives the same losses everywhere. */
static double draw(uint64_t *random) {
    uint64_t value = *random += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((value ^ (value >> 31)) >> 11) / 9007199254740992.0;
}

void netlab_direction_init(netlab_direction *direction, uint64_t seed) {
    memset(direction, 0, sizeof(*direction));
    direction->seed = seed;
    netlab_schedule_init(&direction->schedule);
}

void netlab_direction_finish(netlab_direction *direction) {
    empty(&direction->queue);
    empty(&direction->way);
    netlab_schedule_finish(&direction->schedule);
}

static int64_t step_ns(const netlab_direction *direction) {
    const netlab_schedule *schedule = &direction->schedule;
    if (direction->next_step >= schedule->count)
        return INT64_MAX;
    return direction->start_ns + schedule->steps[direction->next_step].at_ns;
}

static int64_t served_ns(const netlab_direction *direction) {
    return direction->queue.first ? netlab_carrier_done_ns(&direction->carrier) : INT64_MAX;
}

static void take_step(netlab_direction *direction) {
    int64_t at_ns = step_ns(direction);
    direction->now = direction->schedule.steps[direction->next_step++].settings;
    netlab_carrier_change(&direction->carrier, &direction->now, at_ns);
}

static void serve(netlab_direction *direction) {
    netlab_packet *packet = remove_first(&direction->queue);
    netlab_carrier_end(&direction->carrier);
    packet->served_ns = direction->carrier.since_ns;
    packet->due_ns = packet->served_ns + direction->now.delay_ns +
                     (int64_t)(draw(&direction->jitter_random) * (double)direction->now.jitter_ns);
    if (packet->due_ns < direction->last_due_ns)
        packet->due_ns = direction->last_due_ns;
    direction->last_due_ns = packet->due_ns;
    direction->queue_bytes -= packet->size;
    netlab_spread_add(&direction->counters.queue, packet->served_ns - packet->arrived_ns);
    append(&direction->way, packet);
    if (direction->queue.first)
        netlab_carrier_begin(&direction->carrier, direction->queue.first->size, packet->served_ns,
                             false);
}

/* Does what was due until now, in the order of time. */
static void advance(netlab_direction *direction, int64_t now_ns) {
    for (;;) {
        int64_t step = step_ns(direction), served = served_ns(direction);
        if (served <= step && served <= now_ns && direction->queue.first)
            serve(direction);
        else if (step <= now_ns)
            take_step(direction);
        else
            return;
    }
}

void netlab_direction_start(netlab_direction *direction, int64_t now_ns) {
    advance(direction, now_ns);
    direction->start_ns = now_ns;
    direction->now = direction->schedule.steps[0].settings;
    direction->next_step = 1;
    direction->loss_random = direction->seed;
    direction->jitter_random = ~direction->seed;
    netlab_carrier_start(&direction->carrier, &direction->now, now_ns);
    memset(&direction->counters, 0, sizeof(direction->counters));
}

int netlab_direction_change(netlab_direction *direction, const char *word, int64_t now_ns) {
    advance(direction, now_ns);
    netlab_settings settings = direction->now;
    int result = netlab_schedule_change(&direction->schedule, &settings, word);
    if (result != 0)
        return result;
    direction->now = settings;
    direction->next_step = direction->schedule.count;
    netlab_carrier_change(&direction->carrier, &settings, now_ns);
    return 0;
}

static netlab_fate decide(netlab_direction *direction, size_t size) {
    if (direction->now.loss > 0 && draw(&direction->loss_random) < direction->now.loss) {
        count(&direction->counters.lost, size);
        return NETLAB_LOST;
    }
    double limit = netlab_carrier_limit(&direction->carrier, &direction->now);
    if (direction->queue.first && (double)(direction->queue_bytes + size) > limit) {
        count(&direction->counters.dropped, size);
        return NETLAB_DROPPED;
    }
    return NETLAB_TAKEN;
}

int netlab_direction_add(netlab_direction *direction, const void *data, size_t size, int64_t now_ns,
                         netlab_fate *fate) {
    advance(direction, now_ns);
    count(&direction->counters.in, size);
    *fate = decide(direction, size);
    if (*fate != NETLAB_TAKEN)
        return 0;
    netlab_packet *packet = malloc(sizeof(*packet) + size);
    if (!packet)
        return sl_fail_memory();
    packet->arrived_ns = now_ns;
    packet->size = size;
    memcpy(packet->data, data, size);
    if (!direction->queue.first)
        netlab_carrier_begin(&direction->carrier, size, now_ns, true);
    append(&direction->queue, packet);
    direction->queue_bytes += size;
    if (direction->queue_bytes > direction->counters.queue_peak_bytes)
        direction->counters.queue_peak_bytes = direction->queue_bytes;
    return 0;
}

netlab_packet *netlab_direction_take(netlab_direction *direction, int64_t now_ns) {
    advance(direction, now_ns);
    const netlab_packet *first = direction->way.first;
    return first && first->due_ns <= now_ns ? remove_first(&direction->way) : NULL;
}

void netlab_direction_delivered(netlab_direction *direction, netlab_packet *packet,
                                int64_t now_ns) {
    netlab_counters *counters = &direction->counters;
    count(&counters->out, packet->size);
    netlab_spread_add(&counters->path, now_ns - packet->arrived_ns);
    netlab_spread_add(&counters->late, now_ns - packet->due_ns);
    free(packet);
}

int64_t netlab_direction_next_ns(const netlab_direction *direction) {
    int64_t next_ns = step_ns(direction), served = served_ns(direction);
    if (served < next_ns)
        next_ns = served;
    if (direction->way.first && direction->way.first->due_ns < next_ns)
        next_ns = direction->way.first->due_ns;
    return next_ns;
}
