/* tunnel: names to addresses, without getting stuck in the resolver. */
#ifndef TUNNEL_RESOLVE_H
#define TUNNEL_RESOLVE_H

#include <netdb.h>
#include <sightline/cancel.h>
#include <stdint.h>

/* All addresses of a host, to be freed with freeaddrinfo(). SL_EUNREACHABLE with a sentence,
 * SL_ECANCELED, SL_ESYSTEM. */
int sl_resolve(struct addrinfo **addresses, const char *host, int port, const sl_cancel *cancel,
               int64_t deadline_us);

#endif
