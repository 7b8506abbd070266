/* link: one CURVE certificate as text, in ZeroMQ's format (RFC 4, ZPL), as pyzmq, czmq and NetGear
 * write it:
 *
 *   # a comment
 *   curve
 *       public-key = "forty characters of Z85"
 *       secret-key = "forty more"                    in secret certificates only
 *
 * Other sections and names are passed over. No files, no sockets; any thread. */
#ifndef LINK_CERTIFICATE_H
#define LINK_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#define SL_KEY_TEXT              41   /* a key in Z85, with its NUL */
#define SL_CERTIFICATE_BYTES_MAX 1024 /* of a certificate that is written here */

typedef struct sl_certificate {
    char public_key[SL_KEY_TEXT];
    char secret_key[SL_KEY_TEXT]; /* "" in a public one */
} sl_certificate;

/* Makes a new pair of keys. SL_EUNSUPPORTED when libzmq has no CURVE. */
int sl_certificate_new(sl_certificate *certificate);

/* Reads what may be anything. SL_EINVAL says what is wrong with it, for the end of a sentence. A
 * secret key in it belongs to its public key. */
int sl_certificate_parse(sl_certificate *certificate, const char *text, size_t size);

/* Writes it, without the secret key unless `secret`. Gives the text's length. */
size_t sl_certificate_write(const sl_certificate *certificate, bool secret,
                            char text[SL_CERTIFICATE_BYTES_MAX]);

#endif
