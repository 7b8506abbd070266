/* stream: one destination of a sender: its tunnel, its link, and the thread on which the pattern
 * takes turns with the receiver there. Outlets know nothing of each other. Used by sender.c. */
#ifndef STREAM_OUTLET_H
#define STREAM_OUTLET_H

#include "stream/destination.h"
#include "stream/fanout.h"
#include "stream/loss.h"
#include "stream/returned.h"
#include "stream/steering.h"

typedef struct sl_outlet sl_outlet;

/* What the outlets of one sender share, and how they tell it of themselves: each function is called
 * on an outlet's thread. */
typedef struct sl_outlet_owner {
    sl_pipeline *pipeline;
    sl_fanout *fanout;
    sl_returned *returned;   /* where goes what replies carry, in bidirectional mode */
    sl_steering *steering;   /* of the encoders, in the live pattern, */
    sl_governor_goals goals; /* and what it is for, */
    const char *name;        /* whose pictures they are; NULL: this machine's */
    sl_loss *loss;           /* and of the source */
    sl_cancel *stop;         /* ends all of them */
    int encoders;            /* frames that can be coded at once */
    bool several;            /* then log lines say which one they are about */
    void *user;
    void (*opened)(void *user);             /* its tunnel is up, its link connects */
    void (*met)(void *user, bool receiver); /* a receiver is there, or no longer */
    void (*left)(void *user, size_t lane);  /* in the live pattern: takes no more frames of it */
    /* It ends for good, with the thread's sl_error(); the stream may go on without it. */
    void (*failed)(void *user, int code);
} sl_outlet_owner;

/* Starts to open the way to a destination, which is borrowed as the owner is, and then to send. */
int sl_outlet_open(sl_outlet **outlet, const sl_destination_settings *to,
                   const sl_outlet_owner *owner);

/* Fills in all of it. Any thread. */
void sl_outlet_look(sl_outlet *outlet, sl_destination *destination);

/* Once `stop` is triggered: waits until the receiver was told of the end and the figures are
 * final. What was handed over may still leave. */
void sl_outlet_wait(sl_outlet *outlet);

/* Waits for that too, and frees all. Sets NULL. Safe on NULL. */
void sl_outlet_close(sl_outlet **outlet);

#endif
