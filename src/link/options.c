/* link: the options of sl_link_settings. */
#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "link/link.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NO_EFFECT           "NetGear's, without effect"
#define MESSAGE_BYTES_LEAST 65536
#define MESSAGE_BYTES_MOST  (INT64_C(1) << 40)

/* Bytes, or with K, M or G for their binary multiples. */
static int parse_bytes(void *field, const char *value) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    const char *units = "KMG";
    const char *unit = *end ? strchr(units, *end) : NULL;
    int64_t factor = unit ? INT64_C(1) << (10 * (unit - units + 1)) : 1;
    if (end == value || errno || end[unit ? 1 : 0] || number < 0 ||
        number > MESSAGE_BYTES_MOST / factor || number * factor < MESSAGE_BYTES_LEAST)
        return SL_EINVAL;
    *(int64_t *)field = number * factor;
    return SL_OK;
}

/* ZeroMQ's, which NetGear hands on to it. Here each message is sent in the one way that neither
 * copies nor blocks. */
static int accept_in_vain(void *field, const char *value) {
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    bool fits = *value && strspn(value, "0123456789") == strlen(value);
    (void)field;
    for (size_t i = 0; i < SL_COUNT(words); i++)
        fits |= strcasecmp(value, words[i]) == 0;
    if (!fits)
        return SL_EINVAL;
    sl_log(SL_LOG_WARNING, "link", "NetGear's options flag, copy and track have no effect here");
    return SL_OK;
}

#define FIELD(name) offsetof(sl_link_settings, name)

static const char *const protocols[] = {"tcp", "ipc", NULL};
static const char *const patterns[] = {"pair|0", "reqrep|1", "pubsub|2", "live", NULL};

const sl_option sl_link_options[] = {
    {.name = "address",
     .type = SL_OPTION_STRING,
     .offset = FIELD(address),
     .values = "HOST",
     .help = "Host to connect to, or local address to listen on; for ipc a path"},
    {.name = "port",
     .type = SL_OPTION_INT,
     .offset = FIELD(port),
     .maximum = 65535,
     .fallback = "5555",
     .values = "N[,N]…",
     .help = "Port of the link, in a multi mode several; 0 lets a viewer take any free one",
     .several = "ports"},
    {.name = "ports",
     .type = SL_OPTION_STRING,
     .offset = FIELD(ports),
     .values = "N,N…",
     .help = "Ports of a viewer in multi-server mode or a sender in multi-client mode, as port "
             "takes them too"},
    {.name = "port_text",
     .type = SL_OPTION_STRING,
     .offset = FIELD(port_text),
     .values = "JSON",
     .help = "How this end says its port to the other in a multi mode (the number)"},
    {.name = "protocol",
     .type = SL_OPTION_CHOICE,
     .offset = FIELD(protocol),
     .choices = protocols,
     .fallback = "tcp",
     .values = "tcp|ipc",
     .help = "What carries the link"},
    {.name = "pattern",
     .type = SL_OPTION_CHOICE,
     .offset = FIELD(pattern),
     .choices = patterns,
     .fallback = "pair",
     .values = "pair|reqrep|pubsub|live",
     .help = "How the two ends take turns; both need the same"},
    {.name = "max_retries",
     .type = SL_OPTION_INT,
     .offset = FIELD(max_retries),
     .maximum = INT_MAX,
     .fallback = "-1",
     .values = "N",
     .help = "Unanswered frames in a row before giving up; 0 is for ever (a sender: 3)"},
    {.name = "request_timeout",
     .type = SL_OPTION_NUMBER,
     .offset = FIELD(request_timeout_s),
     .minimum = 4,
     .maximum = INT_MAX,
     .fallback = "4",
     .values = "SECONDS",
     .help = "How long a sender waits for the reply to a frame"},
    {.name = "subscriber_timeout",
     .type = SL_OPTION_NUMBER,
     .offset = FIELD(subscriber_timeout_s),
     .minimum = 0.001,
     .maximum = INT_MAX,
     .fallback = "0",
     .values = "SECONDS",
     .help = "With pubsub, end a viewer that got no frame for so long (never)"},
    {.name = "max_message_size",
     .type = SL_OPTION_PARSED,
     .offset = FIELD(max_message_bytes),
     .parse = parse_bytes,
     .fallback = "64M",
     .values = "a number of bytes from 64K to 1024G",
     .help = "Peers that send larger messages are disconnected"},
    {.name = "secure_mode",
     .type = SL_OPTION_INT,
     .offset = FIELD(secure_mode),
     .maximum = 2,
     .fallback = "0",
     .values = "0|1|2",
     .help = "Encrypt the link with CURVE: 0 no, 1 for any sender with a key, 2 for those in the "
             "viewer's public_keys; both ends need certificates, see sightline keys"},
    {.name = "custom_cert_location",
     .type = SL_OPTION_STRING,
     .offset = FIELD(custom_cert_location),
     .values = "DIR",
     .help = "Where the folder .vidgear/keys with the certificates is (the home directory)"},
    {.name = "overwrite_cert",
     .type = SL_OPTION_BOOL,
     .offset = FIELD(overwrite_cert),
     .fallback = "false",
     .help = "Let a sender make new certificates before it starts, in place of those there"},
    {.name = "bidirectional_mode",
     .type = SL_OPTION_BOOL,
     .offset = FIELD(bidirectional_mode),
     .fallback = "false",
     .help = "pair, reqrep: replies carry the viewer's data back to the camera; set at both ends"},
    {.name = "multiserver_mode",
     .type = SL_OPTION_BOOL,
     .offset = FIELD(multiserver_mode),
     .fallback = "false",
     .help = "Several senders to one viewer, which listens on several ports; reqrep and pubsub, "
             "set at every end"},
    {.name = "multiclient_mode",
     .type = SL_OPTION_BOOL,
     .offset = FIELD(multiclient_mode),
     .fallback = "false",
     .help = "One sender to several viewers, by several ports: in turns with reqrep, to all with "
             "pubsub; set at every end"},
    {.name = "flag",
     .type = SL_OPTION_PARSED,
     .parse = accept_in_vain,
     .values = "a number",
     .help = NO_EFFECT},
    {.name = "copy",
     .type = SL_OPTION_PARSED,
     .parse = accept_in_vain,
     .values = "true or false",
     .help = NO_EFFECT},
    {.name = "track",
     .type = SL_OPTION_PARSED,
     .parse = accept_in_vain,
     .values = "true or false",
     .help = NO_EFFECT},
};

const size_t sl_link_option_count = SL_COUNT(sl_link_options);

const char *sl_pattern_name(sl_pattern pattern) {
    static const char *const names[] = {
        [SL_PATTERN_PAIR] = "pair",
        [SL_PATTERN_REQREP] = "reqrep",
        [SL_PATTERN_PUBSUB] = "pubsub",
        [SL_PATTERN_LIVE] = "live",
    };
    return pattern >= 0 && pattern < SL_COUNT(names) ? names[pattern] : "unknown";
}
