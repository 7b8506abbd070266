/* stream: where a viewer is to be, for who opens one (receiver.c) and who examines its way
 * (doctor.c).
 */
#ifndef STREAM_PLACE_H
#define STREAM_PLACE_H

#include "tunnel/tunnel.h"
#include <sightline/receiver.h>

/* Where an SSH server is to listen for it. Strings stay the settings'; `link` is yet to come. */
sl_tunnel_target sl_receiver_target(const sl_link_settings *link);

#endif
