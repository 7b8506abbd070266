/* base: hearing from the kernel that the network has changed. Used by whoever waits for a peer
 * that can't be reached, or would like to know that it can't any more. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sl_network {
    int fd; /* polls readable once a link, an address or a route has changed; -1: not known here */
} sl_network;

/* Starts to listen. SL_OK or SL_ESYSTEM; then the fd is -1, which poll() passes over: without it
 * changes are found out a little later. */
int sl_network_init(sl_network *network);
void sl_network_finish(sl_network *network);

/* Takes what the kernel has told. Whether there was anything. Doesn't wait. */
bool sl_network_take(sl_network *network);

/* Whether this host still has the address that a connected socket speaks from. True when that
 * can't be told. */
bool sl_network_has_local_address(int descriptor);

/* By which way the kernel would send something. */
typedef struct sl_route {
    char from[64];      /* this host's address */
    char interface[64]; /* that has it, such as "eth0"; "" when it can't be told */
} sl_route;

/* The way to an address in numbers. Sends nothing. SL_EUNREACHABLE, with a sentence, when there is
 * none; SL_EINVAL for what is no address. */
int sl_network_route(const char *to, sl_route *route);

/* The address that this host speaks from on its way to the internet, else its name. Sends nothing.
 * SL_ESYSTEM when it has neither. */
int sl_network_own_address(char *text, size_t size);

#endif
