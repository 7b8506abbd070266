/* cli: a sender's destinations, looked at each second. */
#include "destinations.h"
#include "console.h"

#include <stdlib.h>
#include <string.h>

bool destinations_open(struct destinations *destinations, const sl_sender *sender) {
    size_t count = sl_sender_destinations(sender);
    *destinations = (struct destinations){
        .count = count,
        .now = calloc(count, sizeof(sl_destination)),
        .before = calloc(count, sizeof(sl_destination)),
    };
    if (!destinations->now || !destinations->before)
        return false;
    destinations_look(destinations, sender);
    return true;
}

void destinations_look(struct destinations *destinations, const sl_sender *sender) {
    for (size_t i = 0; i < destinations->count; i++)
        sl_sender_destination(sender, i, &destinations->now[i]);
}

size_t destinations_connected(const struct destinations *destinations) {
    size_t connected = 0;
    for (size_t i = 0; i < destinations->count; i++)
        connected += destinations->now[i].stats.connected ? 1 : 0;
    return connected;
}

void destinations_tell(struct destinations *destinations) {
    for (size_t i = 0; i < destinations->count; i++) {
        const sl_destination *now = &destinations->now[i];
        bool there = now->stats.connected, before = destinations->before[i].stats.connected;
        if (before && !there && !now->failure)
            console_say("the viewer at %s is gone; waiting for it", now->name);
        else if (!before && there && now->stats.reconnects > 0)
            console_say("the viewer at %s is back", now->name);
        else if (!before && there)
            console_say("the viewer at %s is there", now->name);
        destinations->before[i] = *now;
    }
}

void destinations_finish(struct destinations *destinations) {
    free(destinations->now);
    free(destinations->before);
    *destinations = (struct destinations){0};
}
