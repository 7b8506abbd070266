/* stream: a port that is held, looked at from behind: the SSH server leads to it as a camera's
 * would. A dead session can't be told for certain: its listener takes connections, as its kernel
 * does, and then nobody answers. So it is said what was seen, and what that may be. */
#include "stream/holder.h"

#include "base/clock.h"
#include "base/error.h"
#include "link/link.h"
#include <stdio.h>

#define ANSWER_S 3 /* for a word: libzmq greets at once, as do most servers that greet at all */

void sl_holder_describe(const sl_greeting *greeting, int port, const char *server, char *text,
                        size_t size) {
    static const char stop[] = "stop it, or choose another port with --port";
    const char *pattern = sl_greeting_pattern_of(greeting->socket_type, true);
    char who[200];
    if (pattern)
        snprintf(who, sizeof who, "a live program that greets as a viewer with the pattern %s does",
                 pattern);
    else if (greeting->zmtp && greeting->mechanism[0] && !greeting->socket_type[0])
        snprintf(who, sizeof who,
                 "a live program that speaks ZeroMQ with %s, as a viewer with secure_mode does",
                 greeting->mechanism);
    else if (greeting->zmtp)
        snprintf(who, sizeof who, "a live program that speaks ZeroMQ, but not as a viewer does");
    else if (greeting->says[0])
        snprintf(who, sizeof who, "another program: it says \"%s\"", greeting->says);
    else if (greeting->ended)
        snprintf(who, sizeof who,
                 "somebody who ends connections without a word: a program that is no viewer, or a "
                 "session (as of ssh -R) that leads to nobody");
    else
        snprintf(who, sizeof who,
                 "somebody who takes connections and says nothing for %d s: a dead session, which "
                 "the server has not noticed yet, or a program that is no viewer",
                 ANSWER_S);
    bool vague = !greeting->zmtp && !greeting->says[0];
    int used = snprintf(text, size, "port %d at %.100s is held by %s; ", port, server, who);
    if (!vague)
        snprintf(text + used, size - (size_t)used, "%s", stop);
    else
        snprintf(text + used, size - (size_t)used,
                 "`ss -tlnp sport = :%d` there names its process; %s%s", port, stop,
                 greeting->ended ? ""
                                 : "; ClientAliveInterval 15 in sshd_config there ends dead "
                                   "sessions within a minute");
}

int sl_holder_look(const sl_tunnel_settings *settings, const char *host, int port,
                   sl_cancel *cancel, char *text, size_t size) {
    sl_tunnel_target target = {.host = host, .port = port};
    sl_tunnel *tunnel = NULL;
    sl_tunnel_status status;
    sl_greeting greeting;
    int code = sl_tunnel_open(&tunnel, settings, &target, cancel);
    if (code < 0)
        return code;
    sl_tunnel_status_get(tunnel, &status);
    if (status.reason[0]) { /* nobody listens there any more */
        snprintf(text, size, "port %d at %.100s was held, and is free now; try again", port,
                 settings->destination);
    } else {
        code = sl_link_look(sl_tunnel_endpoint(tunnel), cancel, sl_deadline_us(1000 * ANSWER_S),
                            &greeting);
        if (code == SL_OK)
            sl_holder_describe(&greeting, port, settings->destination, text, size);
    }
    sl_tunnel_close(&tunnel, 0);
    return code;
}
