/* link: looking at the far end without becoming its peer. See sl_link_examine() and sl_link_look()
 * in link.h. */
#include "base/error.h"
#include "link/room.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Why nobody took the connection. */
static int explain(const char *where, int failure) {
    switch (failure) {
    case ECANCELED:
        return SL_ECANCELED;
    case ENOENT:
        return sl_fail(SL_EUNREACHABLE,
                       "nothing listens at %s: there is no such file; start the viewer, and see "
                       "that both ends have the same --address and --port",
                       where);
    case ECONNREFUSED:
        return sl_fail(SL_EUNREACHABLE,
                       "nothing listens at %s (connection refused); start the viewer, and see that "
                       "both ends have the same --port",
                       where);
    case ETIMEDOUT:
        return sl_fail(SL_EUNREACHABLE,
                       "%s does not answer (timed out); is the host on, and does a firewall drop "
                       "what comes to that port?",
                       where);
    default:
        return sl_fail(SL_EUNREACHABLE, "cannot connect to %s: %s", where, strerror(failure));
    }
}

static sl_manner manner_of(const sl_link_settings *settings) {
    return (sl_manner){settings->pattern, settings->secure_mode > 0};
}

static int judge(const sl_link_settings *settings, const char *where, const sl_greeting *greeting) {
    char why[SL_MISMATCH_MAX];
    if (!greeting->zmtp && !greeting->says[0])
        return sl_fail(SL_EUNREACHABLE,
                       "%s takes connections but says nothing, or ends them at once; is a viewer "
                       "running there?",
                       where);
    if (sl_greeting_mismatch(greeting, manner_of(settings), where, why))
        return sl_fail(SL_EPEER, "%s", why);
    return SL_OK;
}

/* Asks one address after the other until one takes the connection. */
static int ask_addresses(const sl_place *place, sl_manner manner, const sl_cancel *cancel,
                         int64_t deadline_us, sl_link_examination *found, sl_greeting *greeting,
                         int *failure) {
    struct addrinfo *addresses = NULL;
    int code = sl_resolve(&addresses, "the viewer's host", place->host, place->port, AI_ADDRCONFIG,
                          cancel, deadline_us);
    if (code < 0)
        return code == SL_EAGAIN ? SL_EUNREACHABLE : code;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        sl_place numeric = {.port = place->port};
        getnameinfo(at->ai_addr, at->ai_addrlen, numeric.host, sizeof numeric.host, NULL, 0,
                    NI_NUMERICHOST);
        snprintf(found->address, sizeof found->address, "%.79s", numeric.host);
        int64_t until_us = sl_address_deadline_us(at, deadline_us);
        int why = sl_stranger_ask(&numeric, manner, cancel, until_us, greeting);
        /* A refusal says more than silence. */
        if (*failure != ECONNREFUSED || why == 0)
            *failure = why;
        if (why == 0 || why == ECANCELED)
            break;
    }
    freeaddrinfo(addresses);
    return SL_OK;
}

int sl_link_examine(const sl_link_settings *settings, const char *endpoint, const sl_cancel *cancel,
                    int64_t deadline_us, sl_link_examination *found) {
    char asked[SL_ENDPOINT_MAX];
    sl_place place;
    sl_greeting greeting = {.round_trip_us = -1};
    int failure = 0;
    *found = (sl_link_examination){.round_trip_us = -1};
    int code = sl_link_endpoint(settings, SL_ROLE_SENDER, asked, sizeof asked);
    if (code == SL_OK)
        code = sl_place_parse(&place, endpoint ? endpoint : asked);
    if (code == SL_OK && place.local)
        failure = sl_stranger_ask(&place, manner_of(settings), cancel, deadline_us, &greeting);
    else if (code == SL_OK)
        code = ask_addresses(&place, manner_of(settings), cancel, deadline_us, found, &greeting,
                             &failure);
    if (code < 0)
        return code;
    found->answered = failure == 0;
    found->round_trip_us = greeting.round_trip_us;
    found->secure = settings->secure_mode > 0;
    return failure ? explain(asked, failure) : judge(settings, asked, &greeting);
}

int sl_link_look(const char *endpoint, const sl_cancel *cancel, int64_t deadline_us,
                 sl_greeting *greeting) {
    sl_place place;
    int code = sl_place_parse(&place, endpoint);
    if (code < 0)
        return code;
    int failure = sl_stranger_look(&place, cancel, deadline_us, greeting);
    return failure ? explain(endpoint, failure) : SL_OK;
}
