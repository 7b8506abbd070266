/* cli: asks a person for a secret, on the terminal itself and not on standard input. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is a terminal to ask on. */
bool can_ask(void);

/* An sl_ask_function; `user` is the sl_cancel that ends the wait. */
int ask(void *user, const char *prompt, bool echo, char *answer, size_t size);

#endif
