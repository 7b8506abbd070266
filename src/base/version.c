/* base: which version this is. */
#include <sightline/version.h>

const char *sl_version(void) {
    return SL_VERSION;
}
