/* base: numbers by chance, by which things are told apart. Not for secrets. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* Fills `size` bytes, by the kernel, or where it gives none (it is forbidden to ask, or has just
 * started) by times and places. Never waits, never fails. Any thread. */
void sl_random(void *bytes, size_t size);

#endif
