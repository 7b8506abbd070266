/* tunnel: logging in. */
#ifndef TUNNEL_AUTH_H
#define TUNNEL_AUTH_H

#include "tunnel/identity.h"
#include "tunnel/session.h"

/* Logs in with whatever the server offers and the user has: a key, then a password, then answers.
 * What was accepted is kept in `identity` for the next time. SL_EAUTH with what the server takes
 * and what was tried, or what is wrong with the key; SL_EUNREACHABLE when the connection was lost;
 * SL_ECANCELED. */
int sl_authenticate(sl_session *session, sl_identity *identity);

#endif
