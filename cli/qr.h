/* cli: a line as a QR code, for a terminal. */
#ifndef CLI_QR_H
#define CLI_QR_H

#include <stdbool.h>
#include <stdio.h>

/* False when the text is too long for one, or there is no memory. */
bool qr_print(FILE *output, const char *text);

#endif
