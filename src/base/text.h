/* base: text that came from somewhere else, or from a person's fingers. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Replaces each byte of control characters, which could drive a terminal, by '?', those of Unicode
 * among them that end a line or have text run backwards; and each that is part of no UTF-8: a
 * terminal set to 8 bits takes 9B for the beginning of an escape sequence. */
void sl_text_harmless(char *text);

/* An address in numbers as people write it: within it, of an IPv4 address that IPv6 has mapped
 * ("::ffff:192.0.2.7"), what stands behind that. */
const char *sl_text_address(const char *address);

/* The text without the white space around it, which is cut off behind. */
char *sl_text_trim(char *text);

/* Copies what fits, NUL-ended, without leaving half a character of UTF-8 at the end. */
void sl_text_copy(char *to, const char *from, size_t size);

/* How many letters must be changed, added or left out to make `from` of `to`. Only the first 63
 * bytes of each count. */
size_t sl_text_distance(const char *from, const char *to);

#endif
