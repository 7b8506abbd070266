/* Files of certificates. */
#include "fuzz.h"
#include "link/certificate.h"

#include <sightline/error.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sl_certificate certificate, again;
    char text[SL_CERTIFICATE_BYTES_MAX];
    if (sl_certificate_parse(&certificate, (const char *)data, size) < 0) {
        if (certificate.public_key[0] || certificate.secret_key[0])
            abort();
        return 0;
    }
    size_t length = sl_certificate_write(&certificate, certificate.secret_key[0] != '\0', text);
    if (sl_certificate_parse(&again, text, length) < 0 ||
        memcmp(&again, &certificate, sizeof again) != 0)
        abort();
    return 0;
}
