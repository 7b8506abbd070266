/* tunnel: which ciphers suit this machine. */
#ifndef TUNNEL_CIPHER_H
#define TUNNEL_CIPHER_H

/* In order of preference, as libssh takes them. Static. */
const char *sl_cipher_order(void);

#endif
