/* tunnel: the user's secrets. Used by auth.c. */
#include "tunnel/identity.h"
#include "base/error.h"
#include "base/file.h"
#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX   ((size_t)64 * 1024)
#define SECRET_WAIT_MS 30000 /* a password manager behind a pipe asks a person first */

int sl_identity_ask(const sl_identity *identity, const char *prompt, bool echo, char *answer,
                    size_t size) {
    const sl_tunnel_settings *settings = &identity->plan->settings;
    if (!settings->ask)
        return sl_fail(SL_EAUTH, "nobody can be asked for \"%s\" here", prompt);
    answer[0] = '\0';
    if (settings->ask(settings->ask_user, prompt, echo, answer, size) < 0)
        return sl_fail(SL_EAUTH, "nobody answered \"%s\"", prompt);
    return SL_OK;
}

static bool is_public(const char *text) {
    static const char *const kinds[] = {"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"};
    for (size_t i = 0; i < SL_COUNT(kinds); i++)
        if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

/* What is in a key file, as far as that can be seen before it is unpacked. */
static bool may_be_used(const char *path, const struct stat *status, const char *text) {
    if (is_public(text))
        sl_fail(SL_EAUTH,
                "%s is a public key; the private one is wanted, usually the file of that name "
                "without .pub",
                path);
    else if (status->st_uid == geteuid() && (status->st_mode & 077))
        sl_fail(SL_EAUTH,
                "the private key %s can be read by others (mode %04o), so it is not used; do: "
                "chmod 600 %s",
                path, status->st_mode & 07777, path);
    else
        return true;
    return false;
}

/* Reads a key file whole, ended by a NUL. The text is to be wiped. */
static sl_key_trouble read_file(const char *path, char *text, size_t size) {
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        sl_key_trouble trouble = errno == ENOENT ? SL_KEY_MISSING : SL_KEY_BAD;
        sl_fail(SL_EAUTH, "cannot read the private key %s: %s", path, strerror(errno));
        return trouble;
    }
    ssize_t length = -1;
    if (fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode))
        sl_fail(SL_EAUTH, "the private key %s is not a file", path);
    else if ((length = read(descriptor, text, size)) < 0)
        sl_fail(SL_EAUTH, "cannot read the private key %s: %s", path, strerror(errno));
    else if ((size_t)length == size) {
        sl_fail(SL_EAUTH, "%s is too big to be a private key", path);
        length = -1;
    }
    close(descriptor);
    text[length < 0 ? 0 : length] = '\0';
    return length >= 0 && may_be_used(path, &status, text) ? SL_KEY_FINE : SL_KEY_BAD;
}

struct unlocking {
    sl_identity *identity;
    const char *path;
    bool ask;
    bool asked_for; /* the key does need a passphrase */
    bool given;     /* and got one */
};

/* libssh calls this when a key is encrypted. */
static int give_passphrase(const char *prompt, char *answer, size_t size, int echo, int verify,
                           void *user) {
    struct unlocking *unlocking = user;
    const char *file = unlocking->identity->plan->settings.passphrase_file;
    char question[600];
    (void)prompt, (void)echo, (void)verify;
    unlocking->asked_for = true;
    if (size == 0)
        return -1;
    int code = SL_EAUTH;
    if (file)
        code = sl_file_first_line(file, answer, size, SECRET_WAIT_MS);
    else if (unlocking->ask) {
        snprintf(question, sizeof(question), "Passphrase of the key %s:", unlocking->path);
        code = sl_identity_ask(unlocking->identity, question, false, answer, size);
    }
    unlocking->given = code == SL_OK;
    return code == SL_OK ? 0 : -1;
}

static sl_key_trouble explain(const struct unlocking *unlocking) {
    const char *path = unlocking->path;
    const char *file = unlocking->identity->plan->settings.passphrase_file;
    if (unlocking->given) {
        sl_fail(SL_EAUTH, "the passphrase of the private key %s is wrong", path);
        return SL_KEY_PASSPHRASE;
    }
    if (unlocking->asked_for) {
        if (file)
            sl_fail(SL_EAUTH, "the passphrase of the private key %s cannot be had: %s", path,
                    sl_error());
        else
            sl_fail(SL_EAUTH,
                    "the private key %s has a passphrase, and nobody gave it; put it "
                    "into a file (ssh_passphrase_file), or the key into an agent",
                    path);
        return SL_KEY_ENCRYPTED;
    }
    sl_fail(SL_EAUTH, "%s is not a private key that can be used; ssh-keygen makes one", path);
    return SL_KEY_BAD;
}

sl_key_trouble sl_identity_read_key(sl_identity *identity, const char *path, bool ask,
                                    ssh_key *key) {
    *key = NULL;
    char *text = malloc(KEY_FILE_MAX + 1);
    if (!text) {
        sl_fail_memory();
        return SL_KEY_BAD;
    }
    sl_key_trouble trouble = read_file(path, text, KEY_FILE_MAX);
    if (trouble == SL_KEY_FINE) {
        struct unlocking unlocking = {.identity = identity, .path = path, .ask = ask};
        if (ssh_pki_import_privkey_base64(text, NULL, give_passphrase, &unlocking, key) != SSH_OK) {
            *key = NULL;
            trouble = explain(&unlocking);
        }
    }
    explicit_bzero(text, KEY_FILE_MAX + 1);
    free(text);
    return trouble;
}

static int read_password(sl_identity *identity) {
    const sl_tunnel_settings *settings = &identity->plan->settings;
    const sl_ssh_destination *destination = &identity->plan->destination;
    char prompt[400];
    size_t size = sizeof(identity->password);
    if (settings->password) {
        if ((size_t)snprintf(identity->password, size, "%s", settings->password) >= size)
            return sl_fail(SL_EAUTH, "the password is longer than %zu bytes", size - 1);
        return SL_OK;
    }
    if (strcmp(settings->password_file, "-") == 0) {
        snprintf(prompt, sizeof(prompt), "Password of %s@%s:", destination->user,
                 destination->host);
        return sl_identity_ask(identity, prompt, false, identity->password, size);
    }
    int code =
        sl_file_first_line(settings->password_file, identity->password, size, SECRET_WAIT_MS);
    if (code < 0)
        return sl_fail(SL_EAUTH, "the password cannot be had: %s", sl_error());
    return SL_OK;
}

int sl_identity_password(sl_identity *identity, const char **password) {
    const sl_tunnel_settings *settings = &identity->plan->settings;
    *password = NULL;
    if (!identity->has_password && (settings->password || settings->password_file)) {
        int code = read_password(identity);
        if (code < 0)
            return code;
        identity->has_password = true;
    }
    if (identity->has_password)
        *password = identity->password;
    return SL_OK;
}

void sl_identity_finish(sl_identity *identity) {
    ssh_key_free(identity->key);
    explicit_bzero(identity, sizeof(*identity));
}
