/* cli: what travels beside the pictures: messages with frames, and data back with replies. */
#ifndef CLI_EXCHANGE_H
#define CLI_EXCHANGE_H

#include "options.h"

#include <sightline/receiver.h>

/* Whether --message and --return are JSON that can travel, before anything is opened. A negative
 * code leaves the library's sentence. */
int exchange_check(const struct options *options);

/* Puts a frame with the --message, if there is one, in the frame's place. */
int exchange_attach(sl_frame **frame, const struct options *options);

/* Has the viewer's replies carry the --return or --return-picture, if there is one; `codec` is the
 * viewer's. A negative code leaves the library's sentence. */
int exchange_return(sl_receiver *receiver, const struct options *options,
                    const sl_codec_settings *codec, sl_cancel *cancel);

#endif
