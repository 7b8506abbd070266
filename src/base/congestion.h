/* base: which congestion control a TCP connection has, by how much is lost on its way.
 *
 * What Linux uses by itself, CUBIC, takes each loss for a full queue: on a radio that loses a
 * packet now and then it gets slow (Mathis et al., "The macroscopic behavior of the TCP congestion
 * avoidance algorithm", 1997). BBR does not (Cardwell et al., "BBR: congestion-based congestion
 * control", 2016), but nearly stops for 0.2 s in every ten to look for a shorter round trip, which
 * shows in a live picture. So a connection has BBR only while it is seen to lose something, where
 * the system has it and lets us.
 *
 * Belongs to one thread, as the connection does. */
#ifndef BASE_CONGESTION_H
#define BASE_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#define SL_CONTROL_SIZE 16 /* of a control's name, the kernel's TCP_CA_NAME_MAX */

typedef struct sl_congestion {
    uint64_t sent, again; /* bytes in all, when last looked at, and those that were lost */
    double lately;        /* bytes; fading */
    double lately_again;  /* of them */
    int64_t looked_us;
    bool lossy;                      /* the way was so when last judged */
    char good_way[SL_CONTROL_SIZE];  /* the control for one that isn't, */
    char lossy_way[SL_CONTROL_SIZE]; /* and for one that is */
} sl_congestion;

/* A new connection, whose way is taken for a good one. It has what the system prefers, unless that
 * is BBR. */
void sl_congestion_init(sl_congestion *congestion, int descriptor);

/* To be called often while there is traffic; looks some times a second. Whether the connection has
 * another control now. */
bool sl_congestion_look(sl_congestion *congestion, int descriptor, int64_t now_us);

/* So many bytes have been sent in all, and so many of them again, because they were lost, as far as
 * is known by now: it may be fewer than before. Whether that changes what the way is taken for. */
bool sl_congestion_judge(sl_congestion *congestion, uint64_t sent, uint64_t again);

#endif
