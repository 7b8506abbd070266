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

static bool is_there(const sl_senders *senders, const sl_known_sender *sender) {
    return sender->peer > 0 && senders->is_there(senders->user, sender->peer);
}

static size_t ports_of(const sl_senders *senders, uint64_t peer) {
    size_t count = 0;
    for (size_t i = 0; i < senders->count; i++)
        count += senders->all[i].peer == peer;
    return count;
}

/* How readily its place is given up; 0: not at all. */
static int readiness(const sl_senders *senders, const sl_known_sender *sender) {
    if (!sender->sends)
        return 3;
    if (!is_there(senders, sender))
        return 2;
    return ports_of(senders, sender->peer) > 1 ? 1 : 0;
}

/* A place for one more, or the last one, which is shared then. */
static size_t find_place(const sl_senders *senders) {
    size_t found = SL_SENDERS_MAX - 1;
    int most = 0;
    if (senders->count < SL_SENDERS_MAX)
        return senders->count;
    for (size_t i = 0; i < senders->count; i++) {
        int ready = readiness(senders, &senders->all[i]);
        bool longer = senders->all[i].heard < senders->all[found].heard;
        if (ready < most || ready == 0 || (ready == most && !longer))
            continue;
        most = ready;
        found = i;
    }
    return found;
}

size_t sl_senders_hear(sl_senders *senders, const char *port, uint64_t peer) {
    size_t number = find(senders, port);
    if (number == senders->count)
        number = find_place(senders);
    if (number == senders->count)
        senders->count++;
    sl_known_sender *sender = &senders->all[number];
    snprintf(sender->port, sizeof sender->port, "%s", port);
    sender->sends = true;
    sender->peer = peer;
    sender->heard = ++senders->messages;
    return number;
}

static bool is_expected(const sl_senders *senders, const sl_known_sender *sender) {
    size_t later = 0;
    for (size_t i = 0; i < senders->count; i++)
        later += senders->all[i].heard > sender->heard;
    return later < senders->expected;
}

bool sl_senders_end(sl_senders *senders, const char *port) {
    size_t number = find(senders, port);
    if (number == senders->count || !senders->all[number].sends)
        return false;
    senders->all[number].sends = false;
    for (size_t i = 0; i < senders->count; i++) {
        const sl_known_sender *sender = &senders->all[i];
        if (sender->sends && (is_there(senders, sender) || is_expected(senders, sender)))
            return false;
    }
    return true;
}
