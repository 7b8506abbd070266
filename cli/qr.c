/* cli: a line as a QR code. */
#include "qr.h"

#include <qrencode.h>

#define QUIET 2 /* light modules around it; readers of screens need no more */

/* White on black, whatever the terminal's colours are. */
#define COLOURS "\033[40;37m"
#define PLAIN   "\033[0m"

static bool light(const QRcode *code, int x, int y) {
    bool inside = x >= 0 && y >= 0 && x < code->width && y < code->width;
    return !inside || !(code->data[y * code->width + x] & 1);
}

bool qr_print(FILE *output, const char *text) {
    static const char *const blocks[2][2] = {{" ", "▄"}, {"▀", "█"}}; /* [upper][lower] */
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return false;
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs(COLOURS, output);
        for (int x = -QUIET; x < code->width + QUIET; x++)
            fputs(blocks[light(code, x, y)][light(code, x, y + 1)], output);
        fputs(PLAIN "\n", output);
    }
    QRcode_free(code);
    return true;
}
