/* link: bidirectional, multi-server and multi-client mode: what goes together, and the ports. */
#include "base/error.h"
#include "link/link.h"

#include <stdlib.h>
#include <string.h>

/* One number of the list, which `end` is set behind; 0 for anything else. */
static int read_number(const char *text, char **end) {
    if (*text < '0' || *text > '9') {
        *end = (char *)text;
        return 0;
    }
    long number = strtol(text, end, 10);
    return number >= 1 && number <= 65535 ? (int)number : 0;
}

static bool is_among(const sl_link_ports *ports, int port) {
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->all[i] == port)
            return true;
    }
    return false;
}

static int add(sl_link_ports *ports, int port, const char *list) {
    if (port == 0)
        return sl_fail(SL_EINVAL,
                       "port must be numbers from 1 to 65535 with commas between, not \"%.80s\"",
                       list);
    if (is_among(ports, port))
        return sl_fail(SL_EINVAL, "port: %d is there twice", port);
    if (ports->count == SL_LINK_PORTS_MAX)
        return sl_fail(SL_EINVAL, "port: there are more than %d", SL_LINK_PORTS_MAX);
    ports->all[ports->count++] = port;
    return SL_OK;
}

int sl_link_ports_read(sl_link_ports *ports, const sl_link_settings *settings) {
    const char *next = settings->ports;
    *ports = (sl_link_ports){0};
    if (!next) {
        ports->all[ports->count++] = settings->port;
        return SL_OK;
    }
    for (char *end;; next = end + 1) {
        int port = read_number(next + strspn(next, " "), &end);
        end += strspn(end, " ");
        int result = add(ports, *end == ',' || *end == '\0' ? port : 0, settings->ports);
        if (result || *end == '\0')
            return result;
    }
}

static int check_mode(const sl_link_settings *settings, const char *mode) {
    if (settings->pattern == SL_PATTERN_REQREP || settings->pattern == SL_PATTERN_PUBSUB)
        return SL_OK;
    return sl_fail(SL_EINVAL,
                   "%s goes with the patterns reqrep and pubsub, not with %s; choose one with "
                   "--pattern",
                   mode, sl_pattern_name(settings->pattern));
}

int sl_link_check_modes(const sl_link_settings *settings, sl_role role) {
    bool several =
        role == SL_ROLE_RECEIVER ? settings->multiserver_mode : settings->multiclient_mode;
    sl_link_ports ports;
    if ((unsigned)settings->pattern > SL_PATTERN_LIVE)
        return sl_fail(SL_EINVAL, "there is no pattern with the number %d", (int)settings->pattern);
    if (settings->multiserver_mode && settings->multiclient_mode)
        return sl_fail(SL_EINVAL, "multiserver_mode is for several senders and multiclient_mode "
                                  "for several viewers; set one of them");
    if (settings->bidirectional_mode && settings->pattern != SL_PATTERN_PAIR &&
        settings->pattern != SL_PATTERN_REQREP)
        return sl_fail(SL_EINVAL,
                       "bidirectional_mode goes with the patterns pair and reqrep, where "
                       "replies come back, not with %s; choose one with --pattern",
                       sl_pattern_name(settings->pattern));
    int result = SL_OK;
    if (settings->multiserver_mode)
        result = check_mode(settings, "multiserver_mode");
    if (settings->multiclient_mode)
        result = check_mode(settings, "multiclient_mode");
    if (!result)
        result = sl_link_ports_read(&ports, settings);
    if (!result && ports.count > 1 && !several)
        result = sl_fail(SL_EINVAL, "port: several are for a viewer in multiserver_mode or a "
                                    "sender in multiclient_mode; give one, or set the mode");
    return result;
}
