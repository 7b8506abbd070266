/* base: names to addresses, without getting stuck in the resolver. */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include <netdb.h>
#include <sightline/cancel.h>
#include <stdbool.h>
#include <stdint.h>

/* A host that is being looked up. Belongs to one thread. */
typedef struct sl_resolver sl_resolver;

/* Starts to look a host up; what is an address in numbers is known at once. `what` begins
 * sentences: "the SSH host"; a literal. `flags` are getaddrinfo()'s, such as AI_ADDRCONFIG.
 * SL_ENOMEM, SL_ESYSTEM. */
int sl_resolver_open(sl_resolver **resolver, const char *what, const char *host, int port,
                     int flags);

/* Polls readable once the answer is there. */
int sl_resolver_fd(const sl_resolver *resolver);

/* The answer, once it is there: all addresses of the host, to be freed with freeaddrinfo().
 * SL_EUNREACHABLE with a sentence when there is no such name; SL_EAGAIN, also with one, when nobody
 * can tell now. */
int sl_resolver_take(sl_resolver *resolver, struct addrinfo **addresses);

/* Waits for the answer and takes it; closes the resolver once it has answered, whatever that was.
 * Past the deadline, which is SL_EAGAIN too, or cancelled (SL_ECANCELED) it goes on looking. */
int sl_resolver_await(sl_resolver **resolver, struct addrinfo **addresses, const sl_cancel *cancel,
                      int64_t deadline_us);

/* Waits for nobody. Sets NULL; safe on NULL. */
void sl_resolver_close(sl_resolver **resolver);

/* All of it in one. SL_EAGAIN also past the deadline; SL_ECANCELED. */
int sl_resolve(struct addrinfo **addresses, const char *what, const char *host, int port, int flags,
               const sl_cancel *cancel, int64_t deadline_us);

/* Until when to try this address, so that one which never answers leaves the ones after it their
 * shares of the time. */
int64_t sl_address_deadline_us(const struct addrinfo *address, int64_t deadline_us);

/* An IPv6 address in numbers, perhaps with an interface: "fe80::1%eth0". */
bool sl_is_ipv6(const char *text);

/* "HOST:PORT", an IPv6 address in brackets. */
void sl_host_port(char *text, size_t size, const char *host, int port);

#endif
