/* link: reading and writing ZMTP's first bytes. Used by the examination of a far end; no sockets.
 *
 *   greeting   ff 8×any 7f | version 2 | mechanism 20, padded with 0 | as-server 1 | filler 31
 *   READY      04 size 1   | 05 "READY" | properties: name-size 1, name, value-size 4, value */
#include "link/greeting.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define MECHANISM_AT    12
#define MECHANISM_BYTES 20
#define SHORT_COMMAND   0x04

static const char ready[] = "\5READY", type_name[] = "Socket-Type";

/* The socket types of each pattern's ends. */
static const char *const types[][2] = {
    [SL_PATTERN_PAIR] = {[false] = "PAIR", [true] = "PAIR"},
    [SL_PATTERN_REQREP] = {[false] = "REQ", [true] = "REP"},
    [SL_PATTERN_PUBSUB] = {[false] = "PUB", [true] = "SUB"},
    [SL_PATTERN_LIVE] = {[false] = "DEALER", [true] = "ROUTER"},
};

static const char *const mechanisms[] = {[false] = "NULL", [true] = "CURVE"};

void sl_greeting_write(uint8_t bytes[SL_GREETING_BYTES], bool secure) {
    memset(bytes, 0, SL_GREETING_BYTES);
    bytes[0] = 0xff;
    bytes[8] = 1;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    memcpy(bytes + MECHANISM_AT, mechanisms[secure], strlen(mechanisms[secure]));
}

size_t sl_greeting_write_ready(uint8_t bytes[SL_GREETING_BYTES], sl_pattern pattern, bool viewer) {
    const char *type = types[pattern][viewer];
    int body = snprintf((char *)bytes + 2, SL_GREETING_BYTES - 2, "%s%c%s%c%c%c%c%s", ready,
                        (int)sizeof type_name - 1, type_name, 0, 0, 0, (int)strlen(type), type);
    bytes[0] = SHORT_COMMAND;
    bytes[1] = (uint8_t)body;
    return 2 + (size_t)body;
}

/* Keeps text that a peer sent. */
static void keep(char *text, size_t room, const uint8_t *bytes, size_t size) {
    snprintf(text, room, "%.*s", (int)size, (const char *)bytes);
    text[strcspn(text, "\r\n")] = '\0';
    sl_text_harmless(text);
}

/* Looks for Socket-Type among the properties. */
static void read_properties(const uint8_t *at, const uint8_t *end, sl_greeting *greeting) {
    while (end - at > 1) {
        size_t name_size = at[0];
        const uint8_t *name = at + 1;
        if ((size_t)(end - name) < name_size + 4)
            return;
        const uint8_t *size_at = name + name_size, *value = size_at + 4;
        size_t size = (size_t)size_at[0] << 24 | (size_t)size_at[1] << 16 |
                      (size_t)size_at[2] << 8 | size_at[3];
        if ((size_t)(end - value) < size)
            return;
        if (name_size == sizeof type_name - 1 && memcmp(name, type_name, name_size) == 0)
            keep(greeting->socket_type, sizeof greeting->socket_type, value, size);
        at = value + size;
    }
}

/* The command after the greeting. True once it is there whole, or can't be one. */
static bool read_command(const uint8_t *bytes, size_t size, sl_greeting *greeting) {
    if (size < 2)
        return false;
    if (bytes[0] != SHORT_COMMAND)
        return true;
    if (size < 2 + (size_t)bytes[1])
        return false;
    const uint8_t *body = bytes + 2, *end = body + bytes[1];
    if ((size_t)(end - body) >= sizeof ready - 1 && memcmp(body, ready, sizeof ready - 1) == 0)
        read_properties(body + sizeof ready - 1, end, greeting);
    return true;
}

bool sl_greeting_read(const uint8_t *bytes, size_t size, sl_greeting *greeting) {
    if (size == 0)
        return false;
    greeting->zmtp = bytes[0] == 0xff && (size < SL_GREETING_UNASKED || bytes[9] & 1);
    if (!greeting->zmtp) {
        keep(greeting->says, sizeof greeting->says, bytes, size);
        return true;
    }
    if (size > SL_GREETING_UNASKED && bytes[SL_GREETING_UNASKED] < 3)
        return true; /* older than mechanisms and READY */
    if (size < SL_GREETING_BYTES)
        return false;
    keep(greeting->mechanism, sizeof greeting->mechanism, bytes + MECHANISM_AT,
         strnlen((const char *)bytes + MECHANISM_AT, MECHANISM_BYTES));
    if (strcmp(greeting->mechanism, "NULL") != 0)
        return true;
    return read_command(bytes + SL_GREETING_BYTES, size - SL_GREETING_BYTES, greeting);
}

bool sl_greeting_fits(const char *socket_type, sl_pattern pattern, bool viewer) {
    return socket_type && strcmp(socket_type, types[pattern][viewer]) == 0;
}

const char *sl_greeting_pattern_of(const char *socket_type, bool viewer) {
    for (sl_pattern pattern = SL_PATTERN_PAIR; pattern <= SL_PATTERN_LIVE; pattern++)
        if (sl_greeting_fits(socket_type, pattern, viewer))
            return sl_pattern_name(pattern);
    return NULL;
}

static bool has_other_security(const sl_greeting *greeting, sl_manner manner) {
    return greeting->mechanism[0] && strcmp(greeting->mechanism, mechanisms[manner.secure]) != 0;
}

bool sl_greeting_tells(const sl_greeting *greeting, sl_manner manner) {
    return greeting->socket_type[0] || has_other_security(greeting, manner);
}

void sl_greeting_advise(char advice[SL_ADVICE_MAX], const char *ours, const char *theirs,
                        const char *peer) {
    bool they_move = strcmp(theirs, sl_pattern_name(SL_PATTERN_LIVE)) == 0;
    if (they_move)
        snprintf(advice, SL_ADVICE_MAX, "give the %s --pattern %s, or this end --pattern %s", peer,
                 ours, theirs);
    else
        snprintf(advice, SL_ADVICE_MAX, "give this end --pattern %s, or the %s --pattern %s",
                 theirs, peer, ours);
}

bool sl_greeting_mismatch(const sl_greeting *greeting, sl_manner manner, const char *where,
                          char why[SL_MISMATCH_MAX]) {
    const char *ours = sl_pattern_name(manner.pattern), *type = greeting->socket_type;
    const char *theirs = sl_greeting_pattern_of(type, true);
    bool encrypted = manner.secure && greeting->mechanism[0]; /* what follows the greeting */
    char advice[SL_ADVICE_MAX];
    if (greeting->says[0])
        snprintf(why, SL_MISMATCH_MAX, "the program at %.60s is no viewer: it says \"%.40s\"",
                 where, greeting->says);
    else if (has_other_security(greeting, manner))
        snprintf(why, SL_MISMATCH_MAX,
                 "the viewer at %.60s wants %.20s connections (%.20s), and this end %s; give both "
                 "ends the same secure_mode",
                 where, strcmp(greeting->mechanism, "NULL") == 0 ? "plain" : "secure",
                 greeting->mechanism, manner.secure ? "secure ones" : "plain ones");
    else if (!encrypted && theirs && theirs != ours) {
        sl_greeting_advise(advice, ours, theirs, "viewer");
        snprintf(why, SL_MISMATCH_MAX, "the viewer at %.60s uses the pattern %s, not %s; %s", where,
                 theirs, ours, advice);
    } else if (encrypted || theirs)
        return false;
    else
        snprintf(why, SL_MISMATCH_MAX,
                 "the program at %.40s uses another pattern than %s, or is no viewer; give both "
                 "ends the same --pattern",
                 where, ours);
    return true;
}
