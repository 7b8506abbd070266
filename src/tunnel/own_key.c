/* tunnel: making and reading keys of our own. Used by the gate when it opens, and for pairing. */
#include "tunnel/own_key.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES_MAX 16384

static int make(const char *path) {
    ssh_key key = NULL;
    char *text = NULL;
    int code = SL_OK;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK ||
        ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &text) != SSH_OK)
        code = sl_fail_memory();
    else
        code = sl_file_create(path, text, strlen(text));
    if (text)
        explicit_bzero(text, strlen(text));
    ssh_string_free_char(text);
    ssh_key_free(key);
    return code;
}

static int read_key(ssh_key *key, const char *path, const char *what, FILE *file) {
    struct stat status;
    char text[KEY_BYTES_MAX + 1];
    if (fstat(fileno(file), &status) < 0)
        return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return sl_fail(SL_EINVAL, "%s %s can be read by others; chmod 600 it", what, path);
    text[fread(text, 1, KEY_BYTES_MAX, file)] = '\0';
    int result = ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, key);
    explicit_bzero(text, sizeof(text));
    if (result == SSH_OK && ssh_key_type(*key) == SSH_KEYTYPE_ED25519)
        return SL_OK;
    if (result == SSH_OK)
        ssh_key_free(*key);
    *key = NULL;
    return sl_fail(SL_EINVAL,
                   "%s %s is not an ed25519 private key without a passphrase; remove it to have a "
                   "new one made",
                   what, path);
}

int sl_own_key_get(ssh_key *key, const char *path, const char *what) {
    FILE *file;
    *key = NULL;
    int code = sl_file_open(&file, path, KEY_BYTES_MAX);
    if (code == SL_ESYSTEM && errno == ENOENT) {
        code = make(path);
        if (code == SL_OK)
            code = sl_file_open(&file, path, KEY_BYTES_MAX);
    }
    if (code < 0)
        return code;
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the secret stays behind */
    code = read_key(key, path, what, file);
    fclose(file);
    return code;
}
