/* cli: the settings of a camera end: those of `sightline send` and `sightline doctor`. Where they
 * do not say where the viewer is, it is the one that this camera was paired with. */
#ifndef CLI_CAMERA_END_H
#define CLI_CAMERA_END_H

#include "options.h"

#include <sightline/sender.h>
#include <sightline/source.h>

struct camera_end {
    sl_sender_settings sender;
    sl_source_settings source;
    bool paired; /* its viewer is the one that it was paired with */
};

void camera_end_init(struct camera_end *end);
void camera_end_finish(struct camera_end *end);

/* Gives the settings their values. With an invitation to accept, the sender's are yet to come. A
 * negative code leaves its sentence in `options`. */
int camera_end_apply(struct camera_end *end, struct options *options);

/* Accepts the invitation, if there is one, and then gives the sender's settings their values. */
int camera_end_join(struct camera_end *end, struct options *options, sl_cancel *cancel);

#endif
