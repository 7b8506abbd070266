/* tests: somebody who sends back what they get, behind an sshd. Any failure ends the test. */
#ifndef TESTS_UNIT_TUNNEL_ECHO_H
#define TESTS_UNIT_TUNNEL_ECHO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct echo {
    int listener;
    int port;
    int stop[2]; /* closing its far end stops them all */
    pthread_t thread;
    atomic_ullong received; /* bytes, of all connections */
    atomic_int accepted;
};

void echo_start(struct echo *echo);
/* The same at an "ipc://" endpoint. */
void echo_start_at(struct echo *echo, const char *endpoint);

void echo_stop(struct echo *echo);

/* Sends `size` bytes of a sequence that depends on `seed` through a socket and expects them back,
 * both at once. */
void echo_through(int descriptor, size_t size, uint32_t seed);

/* Whether the other side ends the connection, and says nothing before. */
int ends_silently(int descriptor);

#endif
