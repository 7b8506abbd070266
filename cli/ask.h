/* cli: asks a person for a secret, on the terminal itself and not on standard input. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <sightline/cancel.h>
#include <sightline/tunnel.h>
#include <stdbool.h>
#include <stddef.h>

/* An sl_ask_function; `user` is the sl_cancel that ends the wait. */
int ask(void *user, const char *prompt, bool echo, char *answer, size_t size);

/* Lets a tunnel ask. False with a sentence when its settings want that and nobody can be asked. */
bool ask_for(sl_tunnel_settings *tunnel, sl_cancel *cancel, char *sentence, size_t size);

#endif
