/* tunnel: an invitation: the one line that a viewer prints and a camera is given. It has all that
 * the camera needs to find the viewer, to know it for the right one, and to be let in once. */
#ifndef TUNNEL_INVITATION_H
#define TUNNEL_INVITATION_H

#include "tunnel/token.h"
#include "tunnel/tunnel.h"

#define SL_INVITATION_MAX 640 /* the line with its NUL */

/* What a viewer has unless told otherwise; it is left out of the line. */
#define SL_INVITATION_PORT    5555
#define SL_INVITATION_PATTERN "pair"

typedef struct sl_invitation_parts {
    char host[256];
    int port;
    char host_key[64];                /* "SHA256:…" */
    char token[SL_TOKEN_LETTERS + 1]; /* a secret */
    int link_port;                    /* what the gate is to be asked for */
    char pattern[16];                 /* of the viewer; lower-case letters */
} sl_invitation_parts;

/* Writes
 *
 *     sightline:1,HOST:PORT,SHA256:FINGERPRINT,TOKEN[,PORT OF THE LINK,PATTERN]
 *
 * SL_EINVAL when the host or the pattern can't stand in it. */
int sl_invitation_write(const sl_invitation_parts *parts, char line[SL_INVITATION_MAX]);

/* Reads exactly that. SL_EINVAL with what is wrong. */
int sl_invitation_read(const char *line, sl_invitation_parts *parts);

#endif
