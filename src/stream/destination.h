/* stream: where a sender's frames go, read from the `destinations` of its settings.
 *
 *   ADDRESS[:PORT][,NAME=VALUE]…[;…]
 *
 * What one doesn't say for itself is what the sender's own link and tunnel say. Without a list
 * there is one destination for each of the sender's ports, in multi-client mode several. */
#ifndef STREAM_DESTINATION_H
#define STREAM_DESTINATION_H

#include "base/log.h"
#include <sightline/sender.h>

#define SL_DESTINATIONS_MAX 64

typedef struct sl_destination_settings {
    sl_settings settings;
    sl_link_settings link;
    sl_tunnel_settings tunnel;
    char endpoint[300];           /* "tcp://viewer-a:5555" */
    char name[SL_LOG_ABOUT_SIZE]; /* "viewer-a:5555", "localhost:5555 through user@host"; it may be
                                     cut short */
} sl_destination_settings;

typedef struct sl_destinations {
    sl_destination_settings *all;
    size_t count;
    bool in_turns; /* each frame is for one of them: multi-client mode with reqrep */
} sl_destinations;

/* Reads and checks all of them before anything is opened; without `destinations` those that link
 * and tunnel name. Strings that a destination doesn't give itself stay the sender's settings'.
 * SL_EINVAL with what is wrong with which; SL_ENOMEM. */
int sl_destinations_read(sl_destinations *destinations, const sl_sender_settings *sender);

/* Whether the certificates that they ask for are there and good; before anything is opened. With
 * `overwrite` those to be overwritten are made first, but once where several destinations share
 * them. As sl_link_prepare(). */
int sl_destinations_prepare(const sl_destinations *destinations, bool overwrite);

/* Safe on zeros. */
void sl_destinations_finish(sl_destinations *destinations);

#endif
