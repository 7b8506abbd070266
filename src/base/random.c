/* base: numbers by chance. See random.h. */
#include "base/random.h"

#include "base/clock.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static uint64_t mix(uint64_t number) {
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

/* Unlike in other processes, on other machines, and at other times. */
static uint64_t make(const void *place) {
    static atomic_uint_fast64_t made;
    uint64_t count = atomic_fetch_add(&made, UINT64_C(0x9e3779b97f4a7c15));
    uint64_t times = mix((uint64_t)sl_utc_us()) ^ (uint64_t)sl_now_us();
    uint64_t places = mix((uint64_t)getpid()) ^ (uint64_t)(uintptr_t)place;
    return mix(mix(times) ^ mix(places) ^ mix(count));
}

void sl_random(void *bytes, size_t size) {
    unsigned char *at = bytes, *end = at + size;
    while (at < end) {
        ssize_t filled = getrandom(at, (size_t)(end - at), GRND_NONBLOCK);
        if (filled > 0)
            at += filled;
        else if (filled == 0 || errno != EINTR)
            break;
    }
    for (; at < end; at++)
        *at = (unsigned char)make(bytes);
}
