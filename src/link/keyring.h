/* link: the folders with certificates. See sightline/keys.h. Any thread. */
#ifndef LINK_KEYRING_H
#define LINK_KEYRING_H

#include "base/log.h"
#include "link/certificate.h"

#define SL_KEYRING_PATH_MAX 4096

#define SL_PUBLIC_KEYS     "public_keys"
#define SL_SENDER_PUBLIC   "public_keys/client.key"
#define SL_SENDER_SECRET   "private_keys/client.key_secret"
#define SL_RECEIVER_PUBLIC "public_keys/server.key"
#define SL_RECEIVER_SECRET "private_keys/server.key_secret"

/* The path of something in the keys' folder; `location` as in sl_keys_make(). SL_EINVAL. */
int sl_keyring_path(char path[SL_KEYRING_PATH_MAX], const char *location, const char *name);

/* Reads the certificate in a file. SL_EINVAL when it is missing, damaged, or, if it is secret, can
 * be read, if it is public, can be written by others: the sentence names the file. */
int sl_keyring_read(sl_certificate *certificate, const char *path, bool secret);

/* Whether all certificates in a folder of public keys are good, and at least one of them is
 * another's than `own`. SL_EINVAL names the file. */
int sl_keyring_check(const char *folder, const char own[SL_KEY_TEXT]);

/* Looks for a key in that folder, as it is now. SL_OK; SL_EAUTH when it isn't there. Bad files are
 * logged, as far as `lines` lets them, and passed over. */
int sl_keyring_find(const char *folder, const char key[SL_KEY_TEXT], sl_log_limit *lines);

#endif
