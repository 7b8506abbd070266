/* link: reading and writing certificates. See certificate.h. */
#include "link/certificate.h"
#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define BLANKS    " \t\r"
#define KEY_BYTES 32

/* A piece of the text; it has no NUL. */
typedef struct span {
    const char *at;
    size_t size;
} span;

static void skip(span *text, size_t bytes) {
    text->at += bytes;
    text->size -= bytes;
}

/* Cuts off what stands before the first of the `stops`, or all. */
static span take_until(span *text, const char *stops) {
    span taken = {text->at, 0};
    while (taken.size < text->size && !strchr(stops, taken.at[taken.size]))
        taken.size++;
    skip(text, taken.size);
    return taken;
}

static size_t skip_blanks(span *text) {
    size_t blanks = 0;
    while (blanks < text->size && strchr(BLANKS, text->at[blanks]))
        blanks++;
    skip(text, blanks);
    return blanks;
}

static bool is(span text, const char *word) {
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

/* Whether nothing follows but a comment. */
static bool at_end(span *rest) {
    skip_blanks(rest);
    return rest->size == 0 || *rest->at == '#';
}

/* A value, with or without quotes, and nothing after it. */
static bool read_value(span *rest, span *value) {
    skip_blanks(rest);
    char quotes[2] = {rest->size > 0 ? *rest->at : '\0', '\0'};
    if (quotes[0] != '"' && quotes[0] != '\'') {
        *value = take_until(rest, BLANKS "#");
        return at_end(rest);
    }
    skip(rest, 1);
    *value = take_until(rest, quotes);
    if (rest->size == 0)
        return false;
    skip(rest, 1);
    return at_end(rest);
}

/* Each key has one way to be written. */
static bool is_key(const char key[SL_KEY_TEXT]) {
    uint8_t bytes[KEY_BYTES];
    char again[SL_KEY_TEXT] = "";
    bool same = zmq_z85_decode(bytes, key) && zmq_z85_encode(again, bytes, sizeof bytes) &&
                strcmp(again, key) == 0;
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(again, sizeof again);
    return same;
}

static int read_key(char key[SL_KEY_TEXT], span name, span rest) {
    span value;
    skip_blanks(&rest);
    if (rest.size == 0 || *rest.at != '=')
        return sl_fail(SL_EINVAL, "its %.10s has no value", name.at);
    skip(&rest, 1);
    if (key[0])
        return sl_fail(SL_EINVAL, "it has two of %.10s", name.at);
    if (!read_value(&rest, &value) || value.size != SL_KEY_TEXT - 1)
        return sl_fail(SL_EINVAL, "its %.10s is not 40 characters of Z85 in quotes", name.at);
    memcpy(key, value.at, value.size);
    key[value.size] = '\0';
    return is_key(key) ? SL_OK : sl_fail(SL_EINVAL, "its %.10s is damaged", name.at);
}

/* A name at the line's beginning opens a section; within one the names are indented. */
static int read_line(sl_certificate *certificate, span line, bool *in_curve) {
    size_t indent = skip_blanks(&line);
    if (at_end(&line))
        return SL_OK;
    span name = take_until(&line, BLANKS "=#");
    if (indent == 0)
        *in_curve = is(name, "curve");
    else if (*in_curve && is(name, "public-key"))
        return read_key(certificate->public_key, name, line);
    else if (*in_curve && is(name, "secret-key"))
        return read_key(certificate->secret_key, name, line);
    return SL_OK;
}

static int check_keys(const sl_certificate *certificate) {
    char belonging[SL_KEY_TEXT];
    if (!certificate->public_key[0])
        return sl_fail(SL_EINVAL, "it has no public-key in a section curve");
    if (!certificate->secret_key[0])
        return SL_OK;
    if (zmq_curve_public(belonging, certificate->secret_key))
        return sl_fail(SL_EUNSUPPORTED, "this libzmq was built without CURVE");
    if (strcmp(belonging, certificate->public_key) != 0)
        return sl_fail(SL_EINVAL, "its two keys don't belong together");
    return SL_OK;
}

int sl_certificate_parse(sl_certificate *certificate, const char *text, size_t size) {
    span rest = {text, size};
    bool in_curve = false;
    int code = SL_OK;
    *certificate = (sl_certificate){0};
    if (memchr(text, '\0', size))
        return sl_fail(SL_EINVAL, "it is no text");
    while (code == SL_OK && rest.size > 0) {
        span line = take_until(&rest, "\n");
        code = read_line(certificate, line, &in_curve);
        if (rest.size > 0)
            skip(&rest, 1);
    }
    if (code == SL_OK)
        code = check_keys(certificate);
    if (code < 0)
        explicit_bzero(certificate, sizeof *certificate);
    return code;
}

int sl_certificate_new(sl_certificate *certificate) {
    if (zmq_curve_keypair(certificate->public_key, certificate->secret_key))
        return sl_fail(SL_EUNSUPPORTED, "this libzmq was built without CURVE");
    return SL_OK;
}

size_t sl_certificate_write(const sl_certificate *certificate, bool secret,
                            char text[SL_CERTIFICATE_BYTES_MAX]) {
    int length = snprintf(text, SL_CERTIFICATE_BYTES_MAX,
                          "#   ZeroMQ CURVE %s certificate, made by Sightline\n"
                          "#   %s\n\n"
                          "metadata\n"
                          "curve\n"
                          "    public-key = \"%s\"\n",
                          secret ? "**secret**" : "public",
                          secret ? "Keep this file to yourself, and let nobody read it."
                                 : "Hand it to the other end, on a way that nobody can change.",
                          certificate->public_key);
    if (secret)
        length += snprintf(text + length, SL_CERTIFICATE_BYTES_MAX - (size_t)length,
                           "    secret-key = \"%s\"\n", certificate->secret_key);
    return (size_t)length;
}
