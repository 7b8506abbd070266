/* stream: how the two ends of a pattern take turns.
 *
 * A pattern is a const struct of functions that run on the link thread of either end. Adding one
 * is a new file and a line in pattern.c. */
#ifndef STREAM_PATTERN_H
#define STREAM_PATTERN_H

#include "base/log.h"
#include "frame/buffer.h"
#include "link/link.h"
#include "stream/allowance.h"
#include "stream/answer.h"
#include "stream/audience.h"
#include "stream/cameras.h"
#include "stream/live.h"
#include "stream/loss.h"
#include "stream/pipeline.h"
#include "stream/playout.h"
#include "stream/returned.h"
#include "stream/senders.h"
#include "stream/steering.h"
#include "stream/tally.h"
#include "stream/taps.h"
#include "stream/views.h"
#include "wire/live.h"
#include "wire/netgear.h"

/* What a turn works with: one end's link and pipeline. Belongs to the link thread. */
typedef struct sl_turn {
    sl_link *link;
    sl_pipeline *pipeline;
    sl_tally *tally;
    const sl_link_settings *settings;
    const sl_cancel *stop; /* the end is closing */
    sl_answer *answer;     /* receiver: what its replies carry, */
    sl_taps *taps;         /* who sees frames as they come, */
    sl_views *views;       /* and what is known of the cameras */
    sl_returned *returned; /* sender: where what replies carry goes; NULL: they carry nothing */
    char port[SL_NETGEAR_PORT_MAX]; /* multi-server sender: who it is, as JSON text; "": no such */
    sl_senders senders;             /* multi-server receiver: whom it has heard */
    size_t sender;                  /* the number of the one whose frame was read last; else 0 */
    sl_log_limit ends;              /* log lines about those that ended, */
    sl_log_limit losses;            /* and whose sources are gone */
    sl_cameras *cameras;            /* live receiver: whom it hears, */
    sl_audience *audience;          /* who watches, */
    sl_playout *playout;            /* and what waits to be shown evenly; NULL: nothing does */
    sl_live live;                   /* live sender: how it stands with its receiver */
    sl_allowance allowance;         /* pair, reqrep: how large the sender's frames may be */
    const char *name;               /* live sender: of its camera; NULL: this machine's */
    sl_loss *loss;                  /* of its source; */
    sl_steering *steering;          /* of the encoder, */
    sl_rein *rein;                  /* its own hand on it, */
    const sl_governor_goals *goals; /* and what it is for, */
    size_t lane;                    /* and the lane whose frames it takes, see lanes.h */
    bool owes_reply;                /* receiver: one frame was taken and not yet acknowledged */
    int64_t reply_by_us;            /* receiver: when that must happen at the latest */
    int64_t rest_until_us;          /* multi-server sender: not before then goes the next frame */
    int64_t end_by_us;              /* sender: closing may take until then; 0: not closing yet */
    bool answered;                  /* sender: a reply has ever come */
    uint64_t number;                /* sender: of the frame under way, among all that were coded, */
    uint64_t previous;              /* and of the one that was coded in its lane before; 0: none */
    int64_t let_in_us;              /* when it was let in to be coded; monotonic */
    bool delivered;                 /* sender: the frame under way got across */
    int64_t silent_since_us;        /* receiver: when the last message came */
    int unanswered;                 /* time-outs in a row */
} sl_turn;

typedef struct sl_pattern_kind {
    sl_pattern pattern;
    /* Sender, where frames are not let in as the link has room for them; NULL: they are. Takes in
     * what has come and does what is due, and says whether the next frame may be let in; when it
     * must be called again if nothing else happens goes to `*due_us` (-1: never). SL_OK; SL_EAGAIN
     * while the receiver isn't ready for frames at all; or what ends the stream. */
    int (*attend)(sl_turn *turn, bool *open, int64_t *due_us);
    /* Sender: gets one coded frame across. SL_OK when that is settled, delivered or given up (see
     * sl_turn_deliver()); SL_EAGAIN when it could not leave yet and should be tried again, or make
     * way for a newer one if `newest_wins`; SL_ECANCELED; or what ends the stream. */
    int (*send)(sl_turn *turn, const sl_frame *frame);
    /* Sender: the receiver is not there any more; NULL: nothing is to be done then. */
    void (*part)(sl_turn *turn);
    /* Sender: tells the receiver that this was all. */
    void (*send_end)(sl_turn *turn);
    /* Receiver: takes what is there, acknowledges, and waits for more. SL_OK to be called again;
     * SL_EEND, SL_ECANCELED, or what ends the stream. */
    int (*receive)(sl_turn *turn);
    bool newest_wins;
} sl_pattern_kind;

/* The kind for a pattern, never NULL. `every_frame`: the variant that keeps a bounded queue. */
const sl_pattern_kind *sl_pattern_find(sl_pattern pattern, bool every_frame);

extern const sl_pattern_kind sl_pattern_pair, sl_pattern_reqrep;
extern const sl_pattern_kind sl_pattern_pubsub, sl_pattern_pubsub_every_frame;
extern const sl_pattern_kind sl_pattern_live;

/* The live pattern's sender, see live_send.c. */
int sl_live_attend(sl_turn *turn, bool *open, int64_t *due_us);
int sl_live_send(sl_turn *turn, const sl_frame *frame);
void sl_live_part(sl_turn *turn);
void sl_live_send_end(sl_turn *turn);

/* What it hears of its receiver, see live_heard.c. Takes in what has come: SL_OK, SL_EPEER where
 * the two can't talk. */
int sl_live_take_in(sl_turn *turn);

/* One message, which came at that time. SL_OK; SL_EMESSAGE when it can't be true; SL_EPEER. */
int sl_live_hear(sl_turn *turn, const sl_live_message *message, int64_t now_us);

/* Has the encoder asked for a keyframe, if not too often; and because nothing else is of use to the
 * receiver. */
void sl_live_wish_for_keyframe(sl_turn *turn, int64_t now_us);
void sl_live_lose(sl_turn *turn, int64_t now_us);

/* Shared by the patterns' receivers. */

/* Reads one message into a frame. SL_OK with a frame, or NULL when one of several senders has
 * ended; SL_EEND for the last one's end message; SL_EMESSAGE (counted and logged) for what is not
 * NetGear's. Empties `message`. */
int sl_turn_read(sl_turn *turn, sl_link_message *message, sl_frame **frame);

/* Receiver: a frame came whole, coded. */
void sl_turn_come(sl_turn *turn, const sl_frame *coded);

/* When a receiver that hears nothing must do something about it; -1: never. */
int64_t sl_turn_silence_deadline(const sl_turn *turn, double patience_s);

/* Receiver: waits for room in the pipeline without reading from the link, which is looked after
 * meanwhile: nobody may use the pause to fill it. SL_OK, SL_EAGAIN past the deadline,
 * SL_ECANCELED. */
int sl_turn_wait_for_room(sl_turn *turn, int64_t deadline_us);

/* Sender: hands a frame to the link as NetGear's two parts, and counts its bytes. As
 * sl_link_send(). */
int sl_turn_send_frame(sl_turn *turn, const sl_frame *frame);

/* Sender: the frame under way got across. */
void sl_turn_deliver(sl_turn *turn);

/* Sender: when closing must be over, whatever it waits for: a fifth of the request time-out, as
 * NetGear does, but no longer than that is by default. */
int64_t sl_turn_end_deadline(sl_turn *turn);

/* Sends the end message as far as it goes. */
void sl_turn_send_end(sl_turn *turn);

/* By what an end says who it is where a mode wants that: its settings' port_text, or `number`.
 * SL_EINVAL for a text that can't be a port. */
int sl_turn_write_port(char port[SL_NETGEAR_PORT_MAX], const sl_link_settings *settings,
                       int number);

/* What a sender says in its messages; NULL: nothing. */
const char *sl_turn_port(const sl_turn *turn);

#endif
