/* tests: makes allocations of the code under test fail, one after the other.
 *
 *   for (int nth = 0; fault_next(nth); nth++)
 *       … call, and expect success or SL_ENOMEM, and nothing left behind …
 *
 * Reaches what is linked statically, which is all of ours, and no shared library. One thread. */
#ifndef TESTS_UNIT_FAULT_H
#define TESTS_UNIT_FAULT_H

#include <stdbool.h>

/* From now on the allocation number `nth`, counted from 0, fails; those after it succeed. False,
 * and no faults any more, when the round before was the first in which nothing failed. */
bool fault_next(int nth);

/* Whether an allocation has failed in this round. */
bool fault_happened(void);

#endif
