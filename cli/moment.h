/* cli: time left until a command should stop. */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC. */
int64_t now_us(void);

/* So many seconds from now; 0 seconds: never, which is -1. */
int64_t moment_in(double seconds);

bool moment_passed(int64_t moment_us);

/* Milliseconds until then, at least 1 and at most `most_ms`. */
int moment_wait_ms(int64_t moment_us, int most_ms);

#endif
