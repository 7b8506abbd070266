/* netlab: one direction of a link: loss, queue, the narrow place, the way. Pure logic: it is told
 * the time (CLOCK_MONOTONIC, in nanoseconds), which never goes back, and does everything at the
 * moment it was due, however late it is called: a busy machine makes packets late, but not the rate
 * of a link with packets waiting wrong. One thread. */
#ifndef NETLAB_DIRECTION_H
#define NETLAB_DIRECTION_H

#include "carrier.h"
#include "schedule.h"
#include "spread.h"

typedef struct netlab_packet {
    struct netlab_packet *next;
    int64_t arrived_ns;
    int64_t served_ns; /* through the narrow place */
    int64_t due_ns;    /* at the other end */
    size_t size;
    uint8_t data[];
} netlab_packet;

/* First in, first out. Zeroed: empty. */
typedef struct netlab_line {
    netlab_packet *first, *last;
} netlab_line;

typedef struct netlab_count {
    uint64_t packets, bytes;
} netlab_count;

typedef struct netlab_counters {
    netlab_count in;      /* whatever came */
    netlab_count lost;    /* of it, by chance */
    netlab_count dropped; /* of it, because the queue was full */
    netlab_count out;     /* delivered */
    uint64_t queue_peak_bytes;
    netlab_spread queue; /* from arrival until served */
    netlab_spread path;  /* from arrival until it was really delivered */
    netlab_spread late;  /* from when it was due until then: the emulator's own fault */
} netlab_counters;

typedef struct netlab_direction {
    netlab_schedule schedule;
    netlab_settings now; /* what holds */
    size_t next_step;
    int64_t start_ns;
    uint64_t seed;
    uint64_t loss_random, jitter_random; /* apart: which packets are lost depends on no time */
    netlab_carrier carrier;
    netlab_line queue; /* its first one is being carried */
    uint64_t queue_bytes;
    netlab_line way;
    int64_t last_due_ns;
    netlab_counters counters;
} netlab_direction;

typedef enum netlab_fate { NETLAB_TAKEN, NETLAB_LOST, NETLAB_DROPPED } netlab_fate;

/* Zeroes it. Afterwards words go into the schedule; then it is started. */
void netlab_direction_init(netlab_direction *direction, uint64_t seed);
void netlab_direction_finish(netlab_direction *direction);

/* The schedule begins (again), counters are 0, what is under way stays there. */
void netlab_direction_start(netlab_direction *direction, int64_t now_ns);

/* Changes what holds now; no step of the schedule comes any more until it begins again. See
 * netlab_schedule_change(). */
int netlab_direction_change(netlab_direction *direction, const char *word, int64_t now_ns);

/* A packet has come. SL_ENOMEM, or 0 and its fate. */
int netlab_direction_add(netlab_direction *direction, const void *data, size_t size, int64_t now_ns,
                         netlab_fate *fate);

/* The next packet to be delivered until now, or NULL. It is the caller's, who delivers it and says
 * so with netlab_direction_delivered(). */
netlab_packet *netlab_direction_take(netlab_direction *direction, int64_t now_ns);

/* Counts and frees it. */
void netlab_direction_delivered(netlab_direction *direction, netlab_packet *packet, int64_t now_ns);

/* When something is due next; INT64_MAX: not without another packet. */
int64_t netlab_direction_next_ns(const netlab_direction *direction);

#endif
