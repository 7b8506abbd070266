/* tunnel: reading [USER@]HOST[:PORT]. Knows nothing of networks; called with what users type. */
#include "base/error.h"
#include "base/resolve.h"
#include "tunnel/tunnel.h"

#include <stdlib.h>
#include <string.h>

#define USUAL_PORT 22

/* Nothing that a terminal, a shell or another program's options could trip over. */
static bool harmless(const char *text, size_t length) {
    if (length > 0 && text[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char letter = (unsigned char)text[i];
        if (letter <= ' ' || letter == 0x7f || strchr("\"'`$;|&<>()*?/,\\", letter))
            return false;
    }
    return true;
}

static int put(char *field, size_t size, const char *text, size_t length, const char *what) {
    if (length >= size)
        return sl_fail(SL_EINVAL, "the %s of the SSH destination is longer than %zu bytes", what,
                       size - 1);
    memcpy(field, text, length);
    field[length] = '\0';
    return SL_OK;
}

static int read_user(const char *text, size_t length, sl_ssh_destination *destination) {
    if (length == 0)
        return sl_fail(SL_EINVAL, "the SSH destination has no user before its @; leave the @ out "
                                  "for your own name");
    if (memchr(text, ':', length))
        return sl_fail(SL_EINVAL, "the user of an SSH destination has no colon in it; a password "
                                  "goes into a file (ssh_password_file)");
    bool fine = text[0] != '-';
    for (size_t i = 0; i < length; i++)
        fine = fine && (unsigned char)text[i] > ' ' && text[i] != 0x7f;
    if (!fine)
        return sl_fail(SL_EINVAL, "the user of the SSH destination has letters in it that no user "
                                  "name has");
    return put(destination->user, sizeof(destination->user), text, length, "user");
}

static int read_port(const char *text, sl_ssh_destination *destination) {
    size_t length = strlen(text);
    long port = 0;
    if (length > 0 && length <= 5 && strspn(text, "0123456789") == length)
        port = strtol(text, NULL, 10);
    if (port < 1 || port > 65535)
        return sl_fail(SL_EINVAL,
                       "the port of the SSH destination, \"%.20s\", is not a number "
                       "from 1 to 65535",
                       text);
    destination->port = (int)port;
    destination->port_given = true;
    return SL_OK;
}

static int read_host(const char *text, size_t length, sl_ssh_destination *destination) {
    if (length == 0)
        return sl_fail(SL_EINVAL, "the SSH destination names no host; it is [USER@]HOST[:PORT]");
    if (!harmless(text, length))
        return sl_fail(SL_EINVAL, "the host of the SSH destination has letters in it that no host "
                                  "name has");
    return put(destination->host, sizeof(destination->host), text, length, "host");
}

static int read_brackets(const char *text, sl_ssh_destination *destination) {
    const char *end = strchr(text, ']');
    if (!end || (end[1] && end[1] != ':'))
        return sl_fail(SL_EINVAL,
                       "an SSH destination has its IPv6 address in brackets: [ADDRESS] or "
                       "[ADDRESS]:PORT");
    int code = read_host(text + 1, (size_t)(end - text - 1), destination);
    if (code == SL_OK && !sl_is_ipv6(destination->host))
        code = sl_fail(SL_EINVAL, "\"%s\" is not an IPv6 address", destination->host);
    if (code == SL_OK && end[1])
        code = read_port(end + 2, destination);
    return code;
}

int sl_ssh_destination_parse(const char *text, sl_ssh_destination *destination) {
    *destination = (sl_ssh_destination){.port = USUAL_PORT};
    const char *at = strrchr(text, '@');
    if (at) {
        int code = read_user(text, (size_t)(at - text), destination);
        if (code < 0)
            return code;
        destination->user_given = true;
        text = at + 1;
    }
    if (text[0] == '[')
        return read_brackets(text, destination);

    const char *colon = strchr(text, ':');
    if (!colon || strchr(colon + 1, ':')) {
        int code = read_host(text, strlen(text), destination);
        if (code == SL_OK && colon && !sl_is_ipv6(text))
            code = sl_fail(SL_EINVAL,
                           "\"%s\" is neither HOST:PORT nor an IPv6 address; with a "
                           "port an IPv6 address stands in brackets",
                           destination->host);
        return code;
    }
    int code = read_host(text, (size_t)(colon - text), destination);
    return code < 0 ? code : read_port(colon + 1, destination);
}
