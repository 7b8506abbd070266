/* What a ZMTP peer says first. */
#include "fuzz.h"

#include "link/greeting.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_greeting greeting = {.round_trip_us = -1};
    char why[SL_MISMATCH_MAX];
    sl_greeting_read(data, size, &greeting);
    if (strlen(greeting.says) >= sizeof greeting.says ||
        strlen(greeting.mechanism) >= sizeof greeting.mechanism ||
        strlen(greeting.socket_type) >= sizeof greeting.socket_type)
        abort();
    if (greeting.zmtp && greeting.says[0])
        abort();
    if (sl_greeting_mismatch(&greeting, (sl_manner){.pattern = SL_PATTERN_PAIR}, "the far end",
                             why) &&
        (!why[0] || strlen(why) >= sizeof why))
        abort();
    return 0;
}
