/* sink/web: who may ask. Used by request.c and web.c. */
#include "sink/web/guard.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256

/* The name of "NAME[:PORT]", or the address of "[ADDRESS][:PORT]". False for what is neither. */
static bool name_of(const char *host, char *name, size_t size) {
    bool bracketed = host[0] == '[';
    const char *end = bracketed ? strchr(host, ']') : strchr(host, ':');
    const char *behind = end ? end + bracketed : host + strlen(host);
    host += bracketed;
    size_t length = end ? (size_t)(end - host) : strlen(host);
    if ((bracketed && !end) || length == 0 || length >= size)
        return false;
    if (*behind && (*behind != ':' || strspn(behind + 1, "0123456789") != strlen(behind + 1)))
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

/* Whether two texts are the same address, however it is written. */
static bool same_address(const char *one, const char *other) {
    uint8_t bytes[2][16] = {{0}};
    for (int family = AF_INET;; family = AF_INET6) {
        if (inet_pton(family, one, bytes[0]) == 1 && inet_pton(family, other, bytes[1]) == 1)
            return memcmp(bytes[0], bytes[1], sizeof(bytes[0])) == 0;
        if (family == AF_INET6)
            return false;
    }
}

/* Whether a list with commas has the name. */
static bool lists(const char *list, const char *name) {
    size_t length = strlen(name);
    while (list && *list) {
        list += strspn(list, ", ");
        size_t item = strcspn(list, ", ");
        if (item == length && strncasecmp(list, name, length) == 0)
            return true;
        list += item;
    }
    return false;
}

bool sl_web_guard_host(const sl_web_guard *guard, const char *host, const char *local) {
    char name[HOST_MAX];
    if (!host || !name_of(host, name, sizeof(name)))
        return false;
    return strcasecmp(name, "localhost") == 0 || same_address(name, sl_text_address(local)) ||
           lists(guard->hosts, name);
}

bool sl_web_guard_origin(const char *origin, const char *host) {
    static const char *const schemes[] = {"http://", "https://"};
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (host && strncasecmp(origin, schemes[i], length) == 0)
            return strcasecmp(origin + length, host) == 0;
    }
    return false;
}

static bool same_token(const char *token, const char *given, size_t length) {
    if (length != strlen(token))
        return false;
    volatile unsigned char different = 0;
    for (size_t i = 0; i < length; i++)
        different |= (unsigned char)(token[i] ^ given[i]);
    return different == 0;
}

bool sl_web_guard_token(const sl_web_guard *guard, const char *token) {
    return token && same_token(guard->token, token, strlen(token));
}

bool sl_web_guard_bearer(const sl_web_guard *guard, const char *authorization) {
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return false;
    authorization += strlen(scheme);
    return sl_web_guard_token(guard, authorization + strspn(authorization, " "));
}

bool sl_web_guard_cookie(const sl_web_guard *guard, const char *cookie) {
    while (cookie && *cookie) {
        cookie += strspn(cookie, "; ");
        size_t length = strcspn(cookie, "; "), name = strcspn(cookie, "=; ");
        if (name < length && strncmp(cookie, SL_WEB_COOKIE, strlen(SL_WEB_COOKIE)) == 0 &&
            same_token(guard->token, cookie + name + 1, length - name - 1))
            return true;
        cookie += length;
    }
    return false;
}

bool sl_web_token_good(const char *token) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~";
    size_t length = strlen(token);
    return length >= SL_WEB_TOKEN_MIN && length <= SL_WEB_TOKEN_MAX &&
           strspn(token, letters) == length;
}
