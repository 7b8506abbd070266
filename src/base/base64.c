/* base: bytes as letters. Used for what a person carries from one machine to another. */
#include "base/base64.h"

#include <sightline/error.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sl_base64_write(char *text, const void *bytes, size_t size) {
    const uint8_t *byte = bytes;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < size; i++) {
        held = (held << 8) | byte[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *text++ = letters[(held >> (bits - 6)) & 63];
    }
    if (bits > 0)
        *text++ = letters[(held << (6 - bits)) & 63];
    *text = '\0';
}

int sl_base64_read(void *bytes, size_t size, const char *text) {
    uint8_t *byte = bytes;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < SL_BASE64_LENGTH(size); i++) {
        const char *letter = text[i] ? strchr(letters, text[i]) : NULL;
        if (!letter)
            return SL_EINVAL;
        held = (held << 6) | (unsigned)(letter - letters);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *byte++ = (uint8_t)(held >> bits);
        }
    }
    return held & ((1u << bits) - 1) ? SL_EINVAL : SL_OK;
}
