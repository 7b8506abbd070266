/* tunnel: tokens as text and as keys. Used by the two ends of pairing.
 *
 * libssh takes and gives private keys in OpenSSH's own form alone, which for an ed25519 key without
 * a passphrase has everything at a fixed place:
 *
 *     0    "openssh-key-v1\0", "none", "none", "", 1 key
 *     39   public half:   its length, "ssh-ed25519", 32 bytes
 *     94   private half:  its length, twice the same number, "ssh-ed25519", 32 bytes,
 *     161                 64 bytes (the token), a comment, and 1, 2, 3 … up to a multiple of 8 */
#include "tunnel/token.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC_BYTES  32
#define PUBLIC_AT     62
#define PUBLIC_2ND_AT 125
#define TOKEN_AT      161
#define WHOLE         234
#define HEAD          "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define FOOT          "\n-----END OPENSSH PRIVATE KEY-----\n"

/* All of it but the key itself. */
static const struct form {
    uint8_t bytes[WHOLE];
} form = {"openssh-key-v1\0"
          "\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1"
          "\0\0\0\063\0\0\0\013ssh-ed25519\0\0\0\040________________________________"
          "\0\0\0\210____"
          "____\0\0\0\013ssh-ed25519\0\0\0\040________________________________"
          "\0\0\0\100________________________________________________________________"
          "\0\0\0\0\1\2\3\4\5"};

int sl_token_read(const char *text, ssh_key *key) {
    struct form whole = form;
    char file[sizeof(HEAD) + SL_BASE64_LENGTH(WHOLE) + sizeof(FOOT)] = HEAD;
    *key = NULL;
    int code = strlen(text) == SL_TOKEN_LETTERS
                   ? sl_base64_read(whole.bytes + TOKEN_AT, SL_TOKEN_BYTES, text)
                   : SL_EINVAL;
    if (code == SL_OK) {
        const uint8_t *public_half = whole.bytes + TOKEN_AT + SL_TOKEN_BYTES - PUBLIC_BYTES;
        memcpy(whole.bytes + PUBLIC_AT, public_half, PUBLIC_BYTES);
        memcpy(whole.bytes + PUBLIC_2ND_AT, public_half, PUBLIC_BYTES);
        sl_base64_write(file + strlen(HEAD), whole.bytes, WHOLE);
        snprintf(file + strlen(file), sizeof(FOOT), FOOT);
        if (ssh_pki_import_privkey_base64(file, NULL, NULL, NULL, key) != SSH_OK) {
            *key = NULL;
            code = SL_EINVAL;
        }
    }
    explicit_bzero(&whole, sizeof(whole));
    explicit_bzero(file, sizeof(file));
    return code < 0 ? sl_fail(SL_EINVAL, "the token is damaged") : SL_OK;
}

/* Takes the token out of a key as libssh exports it. */
static int take_out(char *file, char *text) {
    uint8_t whole[TOKEN_AT + SL_TOKEN_BYTES];
    char *letters = strchr(file, '\n'), *to = file;
    for (const char *from = letters; from && *from && *from != '-'; from++)
        if (*from != '\n')
            *to++ = *from;
    *to = '\0';
    int code = sl_base64_read(whole, sizeof(whole), file);
    if (code == SL_OK)
        sl_base64_write(text, whole + TOKEN_AT, SL_TOKEN_BYTES);
    explicit_bzero(whole, sizeof(whole));
    return code;
}

int sl_token_make(char text[SL_TOKEN_LETTERS + 1], ssh_key *key) {
    ssh_key made = NULL;
    char *file = NULL;
    int code = SL_EINVAL;
    *key = NULL;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &made) == SSH_OK &&
        ssh_pki_export_privkey_base64(made, NULL, NULL, NULL, &file) == SSH_OK) {
        size_t length = strlen(file);
        code = take_out(file, text);
        explicit_bzero(file, length);
    }
    ssh_string_free_char(file);
    if (code == SL_OK)
        code = sl_token_read(text, key);
    /* What was found where it should be is the key indeed. */
    bool same = code == SL_OK && ssh_key_cmp(made, *key, SSH_KEY_CMP_PRIVATE) == 0;
    ssh_key_free(made);
    if (same)
        return SL_OK;
    ssh_key_free(*key);
    *key = NULL;
    return sl_fail(SL_ESYSTEM, "libssh does not make keys that can be handed on");
}
