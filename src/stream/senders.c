/* stream: the senders that a receiver has heard. See senders.h. */
#include "stream/senders.h"

#include <stdio.h>
#include <string.h>

/* Its number; the count when it is new. */
static size_t find(const sl_senders *senders, const char *port) {
    size_t number = 0;
    while (number < senders->count && strcmp(senders->all[number].port, port) != 0)
        number++;
    return number;
}

size_t sl_senders_hear(sl_senders *senders, const char *port) {
    size_t number = find(senders, port);
    if (number == SL_SENDERS_MAX)
        number--;
    else if (number == senders->count)
        snprintf(senders->all[senders->count++].port, SL_NETGEAR_PORT_MAX, "%s", port);
    senders->all[number].sends = true;
    return number;
}

bool sl_senders_end(sl_senders *senders, const char *port) {
    size_t number = find(senders, port);
    if (number == senders->count || !senders->all[number].sends)
        return false;
    senders->all[number].sends = false;
    for (size_t i = 0; i < senders->count; i++) {
        if (senders->all[i].sends)
            return false;
    }
    return true;
}
