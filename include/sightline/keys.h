/* CURVE certificates, for secure_mode: where NetGear keeps them, and in its format.
 *
 * They are files below .vidgear/keys in the home directory or in custom_cert_location: public
 * ones, to hand out, in public_keys, and secret ones in private_keys. The receiver's are called
 * server.key and server.key_secret, the sender's client.key and client.key_secret. Any thread. */
#ifndef SIGHTLINE_KEYS_H
#define SIGHTLINE_KEYS_H

#include <sightline/export.h>
#include <stdbool.h>
#include <stddef.h>

#define SL_KEY_EXPORT_MAX 1024 /* bytes of a public certificate to hand out, with its NUL */

/* Whose certificate it is; may be ORed where several are meant. */
typedef enum sl_key_owner { SL_KEY_OF_SENDER = 1, SL_KEY_OF_RECEIVER = 2 } sl_key_owner;

typedef struct sl_key {
    char *file;          /* its path */
    char public_key[41]; /* in Z85; "" when the file has none that can be read */
    bool secret;         /* the file is for a secret key, too */
    char problem[512];   /* why it can't be used, and what to do; "" when all is well */
    void *reserved[8];
} sl_key;

typedef struct sl_key_list {
    char *folder; /* …/.vidgear/keys */
    sl_key *keys; /* the public ones first, by name */
    size_t count;
    void *reserved[8];
} sl_key_list;

/* Makes new certificates, public and secret, for these owners (sl_key_owner, ORed). `location` is
 * an existing directory, or NULL for the home directory. Secret files get mode 0600, new folders
 * 0700. When one of the files is there already: SL_EINVAL unless `overwrite`, and nothing is
 * made. Waits while another program makes some there. SL_ESYSTEM, SL_EUNSUPPORTED. */
SL_API int sl_keys_make(const char *location, int owners, bool overwrite);

/* Lists what is there, unusable files too. No folder is an empty list. The caller frees it.
 * SL_EINVAL for a location that is no directory, SL_ENOMEM, SL_ESYSTEM. */
SL_API int sl_key_list_open(sl_key_list **list, const char *location);

/* Frees the list and sets the pointer NULL. Safe on NULL. */
SL_API void sl_key_list_close(sl_key_list **list);

/* Writes the public certificate that the other end needs of this owner's, for a file there. It is
 * taken from the secret one, which must be here. SL_EINVAL, SL_ESYSTEM. */
SL_API int sl_keys_export(const char *location, sl_key_owner owner, char text[SL_KEY_EXPORT_MAX]);

#endif
