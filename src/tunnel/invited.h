/* tunnel: the invitations that are out: a file for each in Sightline's state folder, named by the
 * token's public key, so that what is kept lets nobody in. Shared by all gates of this user and by
 * `sightline pair`. */
#ifndef TUNNEL_INVITED_H
#define TUNNEL_INVITED_H

#include <libssh/libssh.h>

#define SL_INVITED_S 600 /* for so long an invitation is good */

/* Notes a new one, and forgets those of days past. SL_ESYSTEM, SL_ENOMEM. */
int sl_invited_add(ssh_key token);

/* Whether somebody with this token may come in. SL_EAUTH in words for the camera when it was used
 * already, is too old or was never given; SL_ESYSTEM. */
int sl_invited_look(ssh_key token);

/* The same, and uses it up: of many who ask, one has SL_OK. */
int sl_invited_take(ssh_key token);

#endif
