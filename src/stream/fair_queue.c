/* stream: whose work comes next, by what it has taken. */
#include "stream/fair_queue.h"

#include "base/clock.h"

void sl_fair_queue_join(sl_fair_queue *queue, size_t lane) {
    queue->start_us[lane] = sl_later_us(queue->start_us[lane], queue->now_us);
}

bool sl_fair_queue_before(const sl_fair_queue *queue, size_t lane, size_t other) {
    return queue->start_us[lane] < queue->start_us[other];
}

void sl_fair_queue_begin(sl_fair_queue *queue, size_t lane) {
    queue->now_us = queue->start_us[lane];
}

void sl_fair_queue_took(sl_fair_queue *queue, size_t lane, int64_t took_us) {
    queue->start_us[lane] += took_us;
}
