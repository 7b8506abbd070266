/* link: what keeps a link to those who may hear it: CURVE, and who is let in. Used by this room
 * alone but for sl_link_prepare().
 *
 * A receiver is the CURVE server. ZeroMQ asks for each peer that shakes hands with it, by ZAP
 * (RFC 27), within the link's own context; a thread of the link's answers. There is no way from a
 * secure link to a plain one: its sockets are made secure before they are bound or connected, each
 * anew, or not made at all. */
#ifndef LINK_SECURITY_H
#define LINK_SECURITY_H

#include "base/log.h"
#include "base/thread.h"
#include "link/certificate.h"
#include "link/keyring.h"
#include "link/link.h"
#include <pthread.h>

/* A message grows by so much at most when it is encrypted. */
#define SL_CURVE_EXTRA_BYTES 64

#define SL_VISITOR_MAX 400 /* bytes of the sentence about one who was not let in */

typedef struct sl_security {
    int mode; /* 0: none, and the rest is empty */
    sl_role role;
    sl_certificate own;
    char other_key[SL_KEY_TEXT];     /* sender: the receiver's */
    char place[SL_KEYRING_PATH_MAX]; /* sender: the file with that; receiver: of public keys */
    void *gatekeeper;                /* ZeroMQ's socket, the thread's once that runs */
    sl_thread thread;
    sl_log_limit lines; /* the thread's */
    pthread_mutex_t lock;
    char visitor[SL_VISITOR_MAX]; /* under the lock: who was last not let in, and why; "" nobody */
} sl_security;

/* Reads the certificates that the settings ask for. To be finished whatever it returns. SL_EINVAL
 * names the file that is missing or wrong. */
int sl_security_init(sl_security *security, const sl_link_settings *settings, sl_role role);

/* Wipes the keys. */
void sl_security_finish(sl_security *security);

/* Starts to answer for the receiver's sockets in this context; before any is bound. */
int sl_security_start(sl_security *security, void *context);

/* Ends that. No socket of the context can be used afterwards, but for closing it. */
void sl_security_stop(sl_security *security, void *context);

/* Makes a new socket secure. On failure it must not be used. */
int sl_security_apply(const sl_security *security, void *socket);

/* The sentence about the last peer that was not let in; once. */
void sl_security_take_visitor(sl_security *security, char sentence[SL_VISITOR_MAX]);

#endif
