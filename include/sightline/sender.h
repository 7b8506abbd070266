/* The camera end. It connects; what it is given is coded, sent and, in `pair` and `reqrep`,
 * acknowledged. */
#ifndef SIGHTLINE_SENDER_H
#define SIGHTLINE_SENDER_H

#include <sightline/cancel.h>
#include <sightline/codec.h>
#include <sightline/export.h>
#include <sightline/frame.h>
#include <sightline/link.h>
#include <sightline/live.h>
#include <sightline/settings.h>
#include <sightline/stats.h>
#include <sightline/tunnel.h>

typedef struct sl_sender sl_sender;

typedef struct sl_sender_settings {
    sl_settings settings;
    sl_link_settings link;
    sl_tunnel_settings tunnel;
    sl_codec_settings codec;
    int threads;              /* that encode; 0: one a core, at most four */
    sl_cancel *cancel;        /* borrowed for the sender's whole life; may be NULL */
    const char *destinations; /* "ADDRESS[:PORT][,NAME=VALUE]…", several with a semicolon between;
                                 link and tunnel are what each of them begins with, and the link's
                                 address stays NULL. NULL: one, the link's own address */
    sl_live_settings live;
    void *reserved[15];
} sl_sender_settings;

/* One of a sender's destinations, and what it did so far. What is pointed to is the sender's. */
typedef struct sl_destination {
    const char *name;     /* as in log lines: "viewer:5555", "localhost:5555 through user@host" */
    const char *endpoint; /* "tcp://viewer:5555" */
    const char *ssh;      /* where its tunnel leads; NULL: there is none */
    const sl_link_settings *link; /* its own */
    sl_stats stats;               /* a frame that only others got counts as dropped here */
    int failure;                  /* SL_OK, or the code that it was left with for good */
    char reason[512];             /* the sentence of that; "" without one */
    void *reserved[8];
} sl_destination;

SL_API void sl_sender_settings_init(sl_sender_settings *settings);

/* Whether the settings go together, as far as that shows before anything is opened; opening looks
 * first, too. For who opens something else before. SL_EINVAL with what is wrong, SL_ENOMEM. */
SL_API int sl_sender_check(const sl_sender_settings *settings);

/* Sets up the tunnel, if one is asked for, and starts to connect. Returns once the tunnel is up,
 * or at once if that is to persist; nobody need listen at its far end yet. Fails with SL_EINVAL,
 * SL_EUNREACHABLE, SL_EAUTH, SL_EHOSTKEY, SL_EFORWARD, SL_ECANCELED. Settings are copied.
 *
 * With several destinations each has a tunnel, a link and threads of its own, and nothing that
 * happens to one holds up another: frames are coded once and shared, the fastest destination sets
 * the pace, and one that is slower or away misses frames. (In the live pattern frames are coded
 * apart, at most three times, for those whose ways pass much less than the others'.) It returns
 * once the first way is open.
 * A destination that fails for good is logged and left; the others go on. When none is left, calls
 * fail with the first failure. SL_EINVAL for one is the failure of all, before anything is opened.
 * `ask` may be called for several tunnels at once. */
SL_API int sl_sender_open(sl_sender **sender, const sl_sender_settings *settings);

/* Waits until a receiver is there, at any destination: SL_OK, SL_EAGAIN after timeout_ms (-1: for
 * ever), or the failure that ended the sender. */
SL_API int sl_sender_wait(sl_sender *sender, int timeout_ms);

/* Sends a frame. Waits until there is room for it, so that the caller can skip to a newer frame
 * meanwhile; coding and the receiver's reply go on after it returns, and a failure shows in a
 * later call. Keeps its own reference; the caller's stays the caller's. SL_EAGAIN when there was
 * no room within timeout_ms (-1: for ever): the frame was not taken, or where it is coded more than
 * once not for the fastest, and may be sent again or replaced. SL_EINVAL for a frame that
 * can't be coded as set, or has no elements. SL_ETIMEOUT when the receiver did not answer
 * max_retries times in a row, SL_EPEER, SL_EEND, or what ended the tunnel for good. One thread at a
 * time.
 *
 * In the live pattern a frame of the very picture that was sent before is taken and not sent, but
 * for one a second, while it can't become better and no receiver waits for a frame. */
SL_API int sl_sender_send(sl_sender *sender, const sl_frame *frame, int timeout_ms);

/* Says that the source is gone and waited for, and `why` in a sentence (copied, cut to 200 bytes);
 * NULL: it is back, which the next frame that is sent says, too. Viewers in the live pattern are
 * told at once, or when they come, and can show since when there is no picture; in NetGear's
 * patterns nothing is sent. Any thread. */
SL_API void sl_sender_lost(sl_sender *sender, const char *why);

/* Waits until every frame taken was sent and acknowledged or given up, by each destination that
 * has a receiver. In `pubsub` one that finds no room for 0.8 s, as with a receiver that is stuck,
 * is given up, and counts as dropped there. SL_EAGAIN after timeout_ms. */
SL_API int sl_sender_flush(sl_sender *sender, int timeout_ms);

/* In bidirectional and multi-client mode: what the newest reply brought, and nothing that was taken
 * before; after sl_sender_flush() it is the receiver's answer to the last frame. Either a frame of
 * SL_FORMAT_NONE whose `message` is the receiver's data as JSON text, or an array, unpacked if it
 * came as JPEG. The caller gets a reference. With several destinations the newest of any; in
 * multi-client mode `port` says whose, and a reply without data is a frame of SL_FORMAT_NONE
 * without a message. SL_EAGAIN when no reply has come since, or it brought nothing (null). A reply
 * that makes no sense is one without data: it is logged, and counts as `rejected`. SL_EINVAL when
 * both modes are off. Any thread. */
SL_API int sl_sender_returned(sl_sender *sender, sl_frame **returned);

/* With several destinations: `frames` reached at least one of them and `dropped` none; `bytes` and
 * `reconnects` are sums, `connected` is for any, and there is no `tunnel`. Any thread. */
SL_API void sl_sender_stats(const sl_sender *sender, sl_stats *stats);

/* How many destinations there are, at least 1, failed ones too. Any thread. */
SL_API size_t sl_sender_destinations(const sl_sender *sender);

/* What destination `index` (from 0, in the order given) does; zeros beyond the last. Any thread. */
SL_API void sl_sender_destination(const sl_sender *sender, size_t index,
                                  sl_destination *destination);

/* Ends the stream: waits for replies that are still out and tells every receiver, all together for
 * at most 0.8 s. Calls on the sender fail with SL_EEND from then on, and its figures are final. */
SL_API void sl_sender_finish(sl_sender *sender);

/* Finishes if that was not done, closes all, sets NULL. Safe on NULL. */
SL_API void sl_sender_close(sl_sender **sender);

#endif
