/* tunnel: the name that an invited camera logs in with. The gate reads it before it knows whom it
 * talks to. */
#include "tunnel/joiner.h"
#include "base/base64.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define START        "join:"
#define KEY_BYTES    51 /* "ssh-ed25519" and 32 bytes, each with its length */
#define KEY_LETTERS  SL_BASE64_LENGTH(KEY_BYTES)
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

int sl_joiner_write(char user[SL_JOINER_MAX], ssh_key key, const char *name) {
    char *encoded = NULL, clean[sizeof(((sl_joiner *)NULL)->name)];
    size_t length = 0;
    for (; *name && length + 1 < sizeof(clean); name++)
        if (strchr(NAME_LETTERS, *name))
            clean[length++] = *name;
    clean[length] = '\0';
    if (ssh_pki_export_pubkey_base64(key, &encoded) != SSH_OK)
        return sl_fail_memory();
    snprintf(user, SL_JOINER_MAX, START "%s%s%s", encoded, length ? ":" : "", clean);
    ssh_string_free_char(encoded);
    return SL_OK;
}

bool sl_joiner_is(const char *user) {
    return strncmp(user, START, strlen(START)) == 0;
}

static int fail_malformed(sl_joiner *joiner) {
    ssh_key_free(joiner->key);
    joiner->key = NULL;
    return sl_fail(SL_EINVAL, "it does not say which key it wants to hand over");
}

int sl_joiner_read(const char *user, sl_joiner *joiner) {
    char encoded[KEY_LETTERS + 1], bytes[KEY_BYTES];
    *joiner = (sl_joiner){0};
    if (!sl_joiner_is(user) || strlen(user) >= SL_JOINER_MAX)
        return fail_malformed(joiner);
    snprintf(encoded, sizeof(encoded), "%s", user + strlen(START));
    if (sl_base64_read(bytes, KEY_BYTES, encoded) < 0 ||
        ssh_pki_import_pubkey_base64(encoded, SSH_KEYTYPE_ED25519, &joiner->key) != SSH_OK)
        return fail_malformed(joiner);
    const char *rest = user + strlen(START) + KEY_LETTERS;
    if (!rest[0])
        return SL_OK;
    const char *name = rest + 1;
    if (rest[0] != ':' || !name[0] || strlen(name) >= sizeof(joiner->name) ||
        strspn(name, NAME_LETTERS) != strlen(name))
        return fail_malformed(joiner);
    snprintf(joiner->name, sizeof(joiner->name), "%s", name);
    return SL_OK;
}
