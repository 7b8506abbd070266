/* base: bytes as letters, as RFC 4648 writes base64, without padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* How many letters so many bytes make. */
#define SL_BASE64_LENGTH(bytes) (((bytes)*4 + 2) / 3)

/* Writes SL_BASE64_LENGTH(size) letters and a NUL. */
void sl_base64_write(char *text, const void *bytes, size_t size);

/* Reads exactly SL_BASE64_LENGTH(size) letters. SL_EINVAL, without a sentence, for letters that are
 * none, or whose last has bits beyond the bytes: each sequence of bytes has one way to write it. */
int sl_base64_read(void *bytes, size_t size, const char *text);

#endif
