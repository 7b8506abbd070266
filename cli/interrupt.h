/* cli: Ctrl-C and SIGTERM. The first one ends the command cleanly, the second one at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <sightline/cancel.h>
#include <stdbool.h>

/* From now on signals trigger `cancel`, which must live until the process ends. */
void interrupt_watch(sl_cancel *cancel);

/* Whether a signal came. */
bool interrupted(void);

struct termios;

/* What a second signal puts the terminal on `fd` back to before it ends all; NULL: nothing. */
void interrupt_restores(int fd, const struct termios *settings);

#endif
