/* tunnel: channels that we have closed and the other side has not. libssh keeps such a channel, and
 * whatever still comes for it, until the other side closes it too: here both are bounded. Belongs
 * to the thread of the session. */
#ifndef TUNNEL_CLOSING_H
#define TUNNEL_CLOSING_H

#include "tunnel/session.h"

#define SL_CLOSING_MOST 64 /* of one session */

/* Takes a channel that its owner has closed, and that has no callbacks any more. It is freed when
 * the other side has closed it, or with the session. The session is lost once more of them are left
 * open than SL_CLOSING_MOST, or when more comes for them than may. May be called while the session
 * is driven. */
void sl_closing_add(sl_session *session, ssh_channel channel);

/* Frees those that the other side has closed. Not to be called from libssh's callbacks. */
void sl_closing_reap(sl_session *session);

/* Frees all. */
void sl_closing_finish(sl_session *session);

#endif
