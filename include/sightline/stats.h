/* Figures of a running sender or receiver. */
#ifndef SIGHTLINE_STATS_H
#define SIGHTLINE_STATS_H

#include <sightline/export.h>
#include <sightline/tunnel.h>
#include <stdbool.h>
#include <stdint.h>

/* How old frames were, in milliseconds from capture on; negative where unknown. At a receiver when
 * they were decoded, and in the live pattern when they were handed out; at a live sender when they
 * were handed out at its receiver, as that one tells. */
typedef struct sl_latency {
    double last, p50, p95, p99, max;
} sl_latency;

/* Why frames were let go: code, name, what is behind it. */
#define SL_DROP_MAP(XX)                                                                            \
    XX(SKIPPED, "skipped", "a newer one was there before this one could be coded")                 \
    XX(NEWER, "newer", "coded or decoded, and then a newer one took its place")                    \
    XX(AWAY, "away", "nobody was there to take it")                                                \
    XX(LOST, "lost", "it left, and was not acknowledged")                                          \
    XX(UNUSABLE, "unusable", "it is damaged, or builds on one that is missing")                    \
    XX(UNSHOWN, "unshown", "the sink could not show or store it")

#define SL_DROP_ENUM(name, word, reason) SL_DROP_##name,
typedef enum sl_drop { SL_DROP_MAP(SL_DROP_ENUM) SL_DROPS } sl_drop;
#undef SL_DROP_ENUM

/* "newer"; never NULL, static. */
SL_API const char *sl_drop_name(sl_drop drop);

/* How a live sender stands with its receiver. */
typedef struct sl_live_stats {
    const char *encoder;   /* libavcodec's name, or "jpeg"; static. NULL: nothing was coded yet */
    int width, height;     /* pixels that are coded */
    int quantiser;         /* 0 (best) to 63, of JPEG H.264's that is as fine; -1: not known */
    int64_t target_rate;   /* bits a second that the encoder is to make */
    int64_t delivery_rate; /* bits a second that the way passes, as far as is known */
    double fps;            /* frames a second that are aimed at */
    uint64_t window;       /* bytes that may be under way, */
    uint64_t in_flight;    /* and that are */
    double queue_ms;       /* that the last chunk waited on its way */
    double round_trip_ms;  /* the least lately; negative: not known */
    bool watched;          /* somebody takes frames there; else nothing is sent */
} sl_live_stats;

typedef struct sl_stats {
    uint64_t frames;  /* sent (and acknowledged, where the pattern does that), or received */
    uint64_t dropped; /* let go here: replaced by a newer one, or not acknowledged */
    uint64_t drops[SL_DROPS]; /* the same by reason; with several destinations each counts its own.
                                 What happens before a sender and behind a receiver (skipped,
                                 unshown) is their user's to add */
    uint64_t rejected;        /* messages that were not the pattern's, or could not be decoded */
    uint64_t bytes;           /* of frames, on the link */
    int64_t bit_rate;         /* bits a second of them, over the last second */
    uint64_t reconnects;      /* times the connection came back */
    double seconds;           /* from the first frame to the last */
    bool connected;           /* a peer is there */
    int port; /* receiver: the port it is bound to, or that senders ask its gate for;
                 0 until an SSH server has picked one; sender: the port asked for */
    sl_tunnel_state tunnel;
    sl_latency latency;
    uint64_t tunnel_reconnects; /* times it was up again after having been up */
    char tunnel_reason[512];    /* why it isn't up; "" when all is well */
    uint64_t encoded;           /* sender: frames coded, once for all destinations; live: for those
                                   whose ways pass about the same */
    bool live;                  /* sender: it has met a receiver of the live pattern, */
    sl_live_stats live_stats; /* and so it stands with that one, or with the one that takes most */
    int quality;              /* sender: of the JPEG that was coded last; 0: none was coded here */
    uint64_t unchanged; /* sender, live: frames that were not coded, since their picture was; they
                           count neither as sent nor as dropped */
    void *reserved[2];
} sl_stats;

#endif
