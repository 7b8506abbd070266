/*
 * What those of the bench's programs share that use the public API.
 */
#include "bench_settings.h"
#include "bench.h"

#include <sightline/sightline.h>
#include <string.h>

void bench_check(int result, const char *what) {
    if (result < 0)
        bench_fail("%s: %s", what, sl_error());
}

void bench_set(void *settings, int count, char **words) {
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (!value)
            bench_fail("%s is not KEY=VALUE", words[i]);
        *value = '\0';
        bench_check(sl_settings_set(settings, words[i], value + 1), words[i]);
    }
}
