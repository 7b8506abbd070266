/* tunnel: the clock in a gate's greeting. Written by the gate, read by the libssh back-end. */
#include "tunnel/gate_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "Sightline utc_us="

void sl_gate_clock_write(char *text, size_t size, int64_t utc_us) {
    snprintf(text, size, NAME "%" PRId64, utc_us);
}

bool sl_gate_clock_read(const char *greeting, int64_t *utc_us) {
    static const char start[] = "SSH-2.0-" NAME;
    if (strncmp(greeting, start, strlen(start)) != 0)
        return false;
    const char *digits = greeting + strlen(start);
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || digits[count] != '\0')
        return false;
    errno = 0;
    *utc_us = strtoll(digits, NULL, 10);
    return errno == 0;
}
