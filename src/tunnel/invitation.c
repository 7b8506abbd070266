/* tunnel: writing and reading the line of an invitation. Used by the two ends of pairing. What is
 * read comes from a person's clipboard, or from somebody who would like it to be used. */
#include "tunnel/invitation.h"
#include "base/error.h"
#include "base/resolve.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START              "sightline:"
#define VERSION            "1"
#define LOWER_CASE         "abcdefghijklmnopqrstuvwxyz"
#define FINGERPRINT_START  "SHA256:"
#define FINGERPRINT_BYTES  32
#define FINGERPRINT_LENGTH (sizeof(FINGERPRINT_START) - 1 + SL_BASE64_LENGTH(FINGERPRINT_BYTES))

enum { PLACE, HOST_KEY, TOKEN, LINK_PORT, PATTERN, FIELDS };

static int fail_torn(const char *what) {
    return sl_fail(SL_EINVAL,
                   "%s; copy the whole line that `sightline pair` printed, from \"sightline:\" on",
                   what);
}

/* Cuts the line at its commas. How many fields there are, or FIELDS + 1. */
static size_t split(char *line, const char *fields[FIELDS]) {
    size_t count = 0;
    for (char *rest = line, *field; count <= FIELDS && (field = strsep(&rest, ",")); count++)
        if (count < FIELDS)
            fields[count] = field;
    return count;
}

static int read_place(const char *text, sl_invitation_parts *parts) {
    sl_ssh_destination destination;
    int code = sl_ssh_destination_parse(text, &destination);
    if (code < 0)
        return code;
    if (destination.user_given || !destination.port_given)
        return fail_torn("the invitation has no HOST:PORT");
    snprintf(parts->host, sizeof(parts->host), "%s", destination.host);
    parts->port = destination.port;
    return SL_OK;
}

static int read_host_key(const char *text, sl_invitation_parts *parts) {
    char bytes[FINGERPRINT_BYTES];
    bool right = strlen(text) == FINGERPRINT_LENGTH &&
                 strncmp(text, FINGERPRINT_START, strlen(FINGERPRINT_START)) == 0 &&
                 sl_base64_read(bytes, sizeof(bytes), text + strlen(FINGERPRINT_START)) == SL_OK;
    if (!right)
        return fail_torn("the invitation has no whole fingerprint");
    snprintf(parts->host_key, sizeof(parts->host_key), "%s", text);
    return SL_OK;
}

static int read_token(const char *text, sl_invitation_parts *parts) {
    ssh_key key;
    if (sl_token_read(text, &key) < 0)
        return fail_torn("the invitation has no whole token");
    ssh_key_free(key);
    snprintf(parts->token, sizeof(parts->token), "%s", text);
    return SL_OK;
}

static bool is_pattern(const char *text) {
    size_t length = strlen(text);
    return length > 0 && length < sizeof(((sl_invitation_parts *)NULL)->pattern) &&
           strspn(text, LOWER_CASE) == length;
}

static int read_link(const char *port, const char *pattern, sl_invitation_parts *parts) {
    size_t length = strlen(port);
    long number = 0;
    if (length > 0 && length <= 5 && strspn(port, "0123456789") == length)
        number = strtol(port, NULL, 10);
    if (number < 1 || number > 65535 || !is_pattern(pattern))
        return fail_torn("the invitation ends in something else than a port and a pattern");
    parts->link_port = (int)number;
    snprintf(parts->pattern, sizeof(parts->pattern), "%s", pattern);
    return SL_OK;
}

static int read_fields(char *copy, sl_invitation_parts *parts) {
    const char *fields[FIELDS];
    char *version = copy + strlen(START), *rest = strchr(version, ',');
    if (!rest)
        return fail_torn("the invitation is cut off");
    *rest++ = '\0';
    if (strcmp(version, VERSION) != 0)
        return sl_fail(SL_EINVAL,
                       "the invitation is of another kind (%.20s) than this Sightline "
                       "knows; it may be too old",
                       version);
    size_t count = split(rest, fields);
    if (count != PATTERN + 1 && count != TOKEN + 1)
        return fail_torn("the invitation is cut off, or has more than belongs to it");
    int code = read_place(fields[PLACE], parts);
    if (code == SL_OK)
        code = read_host_key(fields[HOST_KEY], parts);
    if (code == SL_OK)
        code = read_token(fields[TOKEN], parts);
    if (code == SL_OK && count > LINK_PORT)
        code = read_link(fields[LINK_PORT], fields[PATTERN], parts);
    return code;
}

int sl_invitation_read(const char *line, sl_invitation_parts *parts) {
    char copy[SL_INVITATION_MAX];
    *parts =
        (sl_invitation_parts){.link_port = SL_INVITATION_PORT, .pattern = SL_INVITATION_PATTERN};
    if (strncmp(line, START, strlen(START)) != 0)
        return fail_torn("that is no invitation");
    if (strlen(line) >= sizeof(copy))
        return fail_torn("the invitation has more than belongs to it");
    memcpy(copy, line, strlen(line) + 1);
    int code = read_fields(copy, parts);
    explicit_bzero(copy, sizeof(copy));
    return code;
}

int sl_invitation_write(const sl_invitation_parts *parts, char line[SL_INVITATION_MAX]) {
    sl_invitation_parts again;
    char place[300];
    sl_host_port(place, sizeof(place), parts->host, parts->port);
    int used = snprintf(line, SL_INVITATION_MAX, START VERSION ",%s,%s,%s", place, parts->host_key,
                        parts->token);
    if (parts->link_port != SL_INVITATION_PORT ||
        strcmp(parts->pattern, SL_INVITATION_PATTERN) != 0)
        snprintf(line + used, SL_INVITATION_MAX - (size_t)used, ",%d,%s", parts->link_port,
                 parts->pattern);
    int code = sl_invitation_read(line, &again); /* what can't be read is of no use */
    explicit_bzero(&again, sizeof(again));
    return code;
}
