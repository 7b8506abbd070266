/* stream: who holds the port that an SSH server is to listen on for a viewer. Used by doctor.c. */
#ifndef STREAM_HOLDER_H
#define STREAM_HOLDER_H

#include "link/greeting.h"
#include "tunnel/tunnel.h"

/* Logs in once more, goes through the server to whoever holds the port at this address of its own,
 * and says in a sentence what was seen there and what to do. Takes as long as the log-in, and a few
 * seconds where nothing is said. SL_OK with the sentence; the code of the failure when it can't be
 * looked at, as where the server forwards to no place; SL_ECANCELED. */
int sl_holder_look(const sl_tunnel_settings *settings, const char *host, int port,
                   sl_cancel *cancel, char *text, size_t size);

/* That sentence, of somebody at a port who took a connection and then greeted so, or not. `server`
 * is what the user calls the SSH server. */
void sl_holder_describe(const sl_greeting *greeting, int port, const char *server, char *text,
                        size_t size);

#endif
