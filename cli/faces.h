/* cli: what a viewer shows beside its sink: a page, and recordings. Both see frames as they come,
 * from taps; and what they want decides whether frames are asked for at all, and decoded. */
#ifndef CLI_FACES_H
#define CLI_FACES_H

#include "viewer_end.h"

#include <sightline/recorder.h>
#include <sightline/web.h>

struct faces {
    sl_receiver *receiver; /* the caller's */
    sl_web *web;           /* NULL: there is no page */
    sl_recorder *recorder; /* NULL: nothing can be recorded */
    sl_output output;      /* in what form the sink wants its frames; coded: it wants none */
    bool always;           /* they are asked for all the time: it does something with them, or the
                              sender would wait, or send them all the same */
    const void *sink_tap;  /* by which a recording has its frames; NULL: they are handed to it */
};

/* Whether nobody wants frames before a browser looks: there is a page, and nothing else. */
bool faces_sleep(const struct viewer_end *end);

/* Opens what was asked for, beside that sink. A negative code has the library's sentence. */
int faces_open(struct faces *faces, sl_receiver *receiver, struct viewer_end *end, sl_sink *sink);

/* Waits for up to `most_ms` while nobody wants frames. True when somebody does; then they come in
 * the form that suits all. */
bool faces_await(struct faces *faces, sl_cancel *cancel, int most_ms);

/* Shows a frame that was handed out to those who want decoded pictures. */
void faces_show(struct faces *faces, const sl_frame *frame);

/* Where the page is, with what it takes to get in; NULL without one. */
const char *faces_link(const struct faces *faces);

/* Ends all; before the receiver is closed. SL_ESINK when a recording could not be finished. */
int faces_close(struct faces *faces);

#endif
