/* cli: time left until a command should stop. */
#include "moment.h"

#include <time.h>

int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t moment_in(double seconds) {
    return seconds > 0 ? now_us() + (int64_t)(seconds * 1e6) : -1;
}

bool moment_passed(int64_t moment_us) {
    return moment_us >= 0 && now_us() >= moment_us;
}

int moment_wait_ms(int64_t moment_us, int most_ms) {
    if (moment_us < 0)
        return most_ms;
    int64_t left_ms = (moment_us - now_us() + 999) / 1000;
    return left_ms < 1 ? 1 : left_ms > most_ms ? most_ms : (int)left_ms;
}
