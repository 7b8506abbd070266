/* base: listening for TCP connections at a place that a person names. */
#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H

#include <sightline/cancel.h>
#include <stddef.h>

#define SL_LISTENERS_MOST 16 /* addresses of one name; further ones are left out */

/* Zeroed: it listens nowhere. */
typedef struct sl_listeners {
    int descriptors[SL_LISTENERS_MOST]; /* non-blocking */
    int count;
    int port; /* of all of them */
} sl_listeners;

/* Splits [ADDR:]PORT, which the option `what` has; `host` is "*" without an address. SL_EINVAL. */
int sl_listen_parse(const char *what, const char *text, char *host, size_t size, int *port);

/* Listens, which `what` does ("gate"), at every interface ("*"), or at each address that the host
 * has on this machine; port 0 is any that is free at all of them. SL_EINVAL, SL_EINUSE, SL_ESYSTEM,
 * SL_ENOMEM, SL_ECANCELED. */
int sl_listen(sl_listeners *listeners, const char *what, const char *host, int port,
              const sl_cancel *cancel);

void sl_listeners_close(sl_listeners *listeners);

#endif
