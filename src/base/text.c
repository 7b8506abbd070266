/* base: text that came from somewhere else, or from a person's fingers. */
#include "base/text.h"
#include "base/settings.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 63
#define MAPPED  "::ffff:" /* how IPv6 writes IPv4 */

/* How many bytes the UTF-8 character at `c` has; 0 when it is none: a stray or missing byte, a
 * longer form than needed, half of a UTF-16 pair, or beyond the last character. */
static size_t character_bytes(const unsigned char *c) {
    static const struct {
        unsigned char first, last;     /* of the first byte */
        unsigned char lowest, highest; /* of the second */
        unsigned char bytes;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    if (c[0] < 0x80)
        return 1;
    for (size_t i = 0; i < SL_COUNT(forms); i++) {
        if (c[0] < forms[i].first || c[0] > forms[i].last)
            continue;
        if (c[1] < forms[i].lowest || c[1] > forms[i].highest)
            return 0;
        for (size_t at = 2; at < forms[i].bytes; at++)
            if ((c[at] & 0xC0) != 0x80)
                return 0;
        return forms[i].bytes;
    }
    return 0;
}

/* Whether the UTF-8 character at `c` controls a terminal, or has a line end, or run backwards, that
 * no sender of it may decide: U+0080 to U+009F, U+2028 to U+202E, U+2066 to U+2069. */
static bool controls(const unsigned char *c, size_t bytes) {
    static const struct {
        unsigned char head[2], lowest, highest; /* of the last byte */
    } sets[] = {{{0xE2, 0x80}, 0xA8, 0xAE}, {{0xE2, 0x81}, 0xA6, 0xA9}};
    if (bytes == 1)
        return *c < 0x20 || *c == 0x7F;
    if (bytes == 2)
        return c[0] == 0xC2 && c[1] <= 0x9F;
    for (size_t i = 0; i < SL_COUNT(sets); i++)
        if (memcmp(c, sets[i].head, 2) == 0 && c[2] >= sets[i].lowest && c[2] <= sets[i].highest)
            return true;
    return false;
}

void sl_text_harmless(char *text) {
    unsigned char *c = (unsigned char *)text;
    while (*c) {
        size_t bytes = character_bytes(c), taken = bytes > 0 ? bytes : 1;
        if (bytes == 0 || controls(c, bytes))
            memset(c, '?', taken);
        c += taken;
    }
}

const char *sl_text_address(const char *address) {
    size_t head = strlen(MAPPED);
    bool mapped = strncmp(address, MAPPED, head) == 0 && strchr(address, '.');
    return mapped ? address + head : address;
}

char *sl_text_trim(char *text) {
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length && strchr(" \t\r\n", text[length - 1]))
        text[--length] = '\0';
    return text;
}

void sl_text_copy(char *to, const char *from, size_t size) {
    size_t length = strnlen(from, size);
    if (length == size)
        for (length--; length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80; length--)
            continue;
    memcpy(to, from, length);
    to[length] = '\0';
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t sl_text_distance(const char *from, const char *to) {
    size_t rows = strnlen(from, LONGEST), columns = strnlen(to, LONGEST);
    size_t line[LONGEST + 1];
    for (size_t column = 0; column <= columns; column++)
        line[column] = column;
    for (size_t row = 1; row <= rows; row++) {
        size_t diagonal = line[0];
        line[0] = row;
        for (size_t column = 1; column <= columns; column++) {
            size_t changed = diagonal + (from[row - 1] != to[column - 1]);
            diagonal = line[column];
            line[column] = least(changed, least(line[column], line[column - 1]) + 1);
        }
    }
    return line[columns];
}
