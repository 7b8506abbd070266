/* cli: the settings of a viewer end: those of `sightline view`, `sightline doctor view` and
 * `sightline pair`. */
#ifndef CLI_VIEWER_END_H
#define CLI_VIEWER_END_H

#include "options.h"

#include <sightline/receiver.h>
#include <sightline/recorder.h>
#include <sightline/sink.h>
#include <sightline/web.h>

struct viewer_end {
    sl_receiver_settings receiver;
    sl_sink_settings sink;
    sl_recorder_settings recorder;
    sl_web_settings web;
};

void viewer_end_init(struct viewer_end *end);
void viewer_end_finish(struct viewer_end *end);

/* Gives the settings their values, from the configuration file and what was typed. A negative code
 * leaves its sentence in `options`. */
int viewer_end_apply(struct viewer_end *end, struct options *options);

/* Whether all that was typed can have an effect on a viewer: SL_OK, or SL_EINVAL as above. */
int viewer_end_check(const struct viewer_end *end, struct options *options);

#endif
