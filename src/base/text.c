/* base: text that came from somewhere else, or from a person's fingers. */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define LONGEST 63

void sl_text_harmless(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        /* In UTF-8 the second set of control characters is C2 80 to C2 9F. */
        bool c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F;
        if (*c < 0x20 || *c == 0x7F)
            *c = '?';
        else if (c1)
            c[0] = c[1] = '?';
    }
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
