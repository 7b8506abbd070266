/* cli: a sender's destinations, looked at each second. */
#ifndef CLI_DESTINATIONS_H
#define CLI_DESTINATIONS_H

#include <sightline/sender.h>

/* Zeros: none were named with --to, and all figures are of the one that there is. */
struct destinations {
    size_t count;
    sl_destination *now, *before; /* by the last look, and by the last that was told of */
};

/* False when memory is short. */
bool destinations_open(struct destinations *destinations, const sl_sender *sender);

void destinations_look(struct destinations *destinations, const sl_sender *sender);

/* How many have a viewer now. */
size_t destinations_connected(const struct destinations *destinations);

/* Says which viewers have gone and come since it was called last. */
void destinations_tell(struct destinations *destinations);

void destinations_finish(struct destinations *destinations);

#endif
