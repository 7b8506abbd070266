/* sink/web: who may ask. Pure: text in, an answer out. */
#ifndef SINK_WEB_GUARD_H
#define SINK_WEB_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* A cookie's name is this and the port: browsers send what one server of a host gave them to all of
 * its ports, where other viewers have other tokens. */
#define SL_WEB_COOKIE    "sightline-"
#define SL_WEB_TOKEN_MIN 8 /* letters */
#define SL_WEB_TOKEN_MAX 128

typedef struct sl_web_guard {
    const char *token; /* that is asked for; NULL: none */
    const char
        *hosts; /* names by which the server may be called, with commas between; NULL: none */
} sl_web_guard;

/* Whether a Host header names this server: "localhost", the address that the browser has reached
 * (`local`, in numbers), or one of the guard's names, each with any port: it may have been
 * forwarded. A page of somebody else's whose name was made to lead here has its own name there.
 * NULL is no. */
bool sl_web_guard_host(const sl_web_guard *guard, const char *host, const char *local);

/* Whether an Origin header is the server's own, as the Host header names it. */
bool sl_web_guard_origin(const char *origin, const char *host);

/* Whether this is the token, in a time that doesn't tell how much of it is right. NULL is no. */
bool sl_web_guard_token(const sl_web_guard *guard, const char *token);
/* The same with an Authorization header that says Bearer, and with a Cookie header. */
bool sl_web_guard_bearer(const sl_web_guard *guard, const char *authorization);
bool sl_web_guard_cookie(const sl_web_guard *guard, const char *cookie);

/* Whether a token has none but letters that go into links and cookies as they are, and enough of
 * them. */
bool sl_web_token_good(const char *token);

#endif
