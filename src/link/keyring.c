/* link: the folders with certificates. See keyring.h and sightline/keys.h.
 *
 * Who can read a secret file can be taken for its owner, and who can write a public one can let
 * himself in; such files are not used. */
#include "link/keyring.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/file.h"
#include "base/log.h"
#include <sightline/keys.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 16384
#define FILES_MAX      1024 /* of a folder are looked at */
#define FOLDER         ".vidgear"
#define PUBLIC_ENDING  ".key"
#define SECRET_ENDING  ".key_secret"
#define SECRET_FOLDER  "private_keys" /* locked by who makes certificates */

/* As NetGear, a location that is its folder already stands for itself. */
static bool is_own_folder(const char *location) {
    const char *slash = strrchr(location, '/');
    return strcmp(slash ? slash + 1 : location, FOLDER) == 0;
}

int sl_keyring_path(char path[SL_KEYRING_PATH_MAX], const char *location, const char *name) {
    char below[128];
    struct stat status;
    snprintf(below, sizeof below, FOLDER "/keys/%s", name);
    if (!location)
        return sl_home_path(path, SL_KEYRING_PATH_MAX, below);
    if (stat(location, &status) || !S_ISDIR(status.st_mode))
        return sl_fail(SL_EINVAL, "custom_cert_location %.200s is no folder; make it first",
                       location);
    int length = snprintf(path, SL_KEYRING_PATH_MAX, "%s/%s", location,
                          is_own_folder(location) ? below + sizeof FOLDER : below);
    return length < SL_KEYRING_PATH_MAX
               ? SL_OK
               : sl_fail(SL_EINVAL, "custom_cert_location %.200s… is too long", location);
}

static int check_guarded(const char *path, const struct stat *status, bool secret) {
    mode_t loose = secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return sl_fail(SL_EINVAL, "%s belongs to somebody else, so it is not used", path);
    if (status->st_mode & loose)
        return sl_fail(SL_EINVAL, "%s can be %s by others, so it is not used; chmod %s it", path,
                       secret ? "read" : "written", secret ? "600" : "go-w");
    return SL_OK;
}

static int fail_missing(const char *path, bool secret) {
    if (secret)
        return sl_fail(SL_EINVAL,
                       "there is no certificate %s; make one with `sightline keys make`, or copy "
                       "the one that you have there",
                       path);
    return sl_fail(SL_EINVAL,
                   "there is no certificate %s; put the one there that `sightline keys export` "
                   "prints at the other end",
                   path);
}

/* Of an open file. */
static int read_certificate(sl_certificate *certificate, const char *path, FILE *file) {
    char text[FILE_BYTES_MAX], why[128];
    size_t size = fread(text, 1, sizeof text, file);
    int code = sl_certificate_parse(certificate, text, size);
    explicit_bzero(text, sizeof text);
    if (code != SL_EINVAL)
        return code;
    snprintf(why, sizeof why, "%s", sl_error());
    return sl_fail(SL_EINVAL, "%s is no certificate of ZeroMQ's: %s", path, why);
}

int sl_keyring_read(sl_certificate *certificate, const char *path, bool secret) {
    struct stat status;
    FILE *file;
    int code = sl_file_open(&file, path, FILE_BYTES_MAX);
    if (code == SL_ESYSTEM)
        return errno == ENOENT || errno == ENOTDIR ? fail_missing(path, secret) : SL_EINVAL;
    if (code < 0)
        return code;
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret stays behind */
    if (fstat(fileno(file), &status))
        code = sl_fail(SL_EINVAL, "cannot read %s: %s", path, strerror(errno));
    else
        code = check_guarded(path, &status, secret);
    if (code == SL_OK)
        code = read_certificate(certificate, path, file);
    if (code == SL_OK && secret && !certificate->secret_key[0])
        code = sl_fail(SL_EINVAL, "%s has no secret-key; it is a public certificate", path);
    if (!secret)
        explicit_bzero(certificate->secret_key, sizeof certificate->secret_key);
    fclose(file);
    return code;
}

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), end = strlen(ending);
    return length > end && strcmp(name + length - end, ending) == 0;
}

static int is_public(const struct dirent *entry) {
    return ends_with(entry->d_name, PUBLIC_ENDING);
}

static int is_secret(const struct dirent *entry) {
    return ends_with(entry->d_name, SECRET_ENDING);
}

/* Calls `visit` with the path of each certificate in a folder, by name, until it returns other than
 * SL_OK. SL_EINVAL when some are left over. */
static int visit_files(const char *folder, bool secret,
                       int (*visit)(void *user, const char *path, bool secret), void *user) {
    struct dirent **entries;
    char path[SL_KEYRING_PATH_MAX + sizeof entries[0]->d_name];
    int code = SL_OK, count = scandir(folder, &entries, secret ? is_secret : is_public, alphasort);
    if (count < 0)
        return errno == ENOENT
                   ? SL_OK
                   : sl_fail(SL_EINVAL, "cannot read the folder %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (code == SL_OK && i < FILES_MAX)
            code = visit(user, path, secret);
        free(entries[i]);
    }
    free(entries);
    if (code == SL_OK && count > FILES_MAX)
        code =
            sl_fail(SL_EINVAL,
                    "the folder %s has %d certificates, of which the first %d by name are looked "
                    "at; take out those that are not needed any more",
                    folder, count, FILES_MAX);
    return code;
}

static int check_folder(const char *folder) {
    struct stat status;
    if (stat(folder, &status))
        return sl_fail(SL_EINVAL, "cannot read the folder %s: %s", folder, strerror(errno));
    return check_guarded(folder, &status, false);
}

struct count {
    const char *own;
    size_t others;
};

static int count_file(void *user, const char *path, bool secret) {
    struct count *count = user;
    sl_certificate certificate;
    int code = sl_keyring_read(&certificate, path, secret);
    if (code == SL_OK)
        count->others += strcmp(certificate.public_key, count->own) != 0;
    return code;
}

int sl_keyring_check(const char *folder, const char own[SL_KEY_TEXT]) {
    struct count count = {own, 0};
    int code = check_folder(folder);
    if (code == SL_OK)
        code = visit_files(folder, false, count_file, &count);
    if (code == SL_OK && count.others == 0)
        code = sl_fail(SL_EINVAL,
                       "%s has no sender's certificate, so secure_mode 2 would let nobody in; put "
                       "what `sightline keys export camera` prints at the camera into a file there "
                       "that ends with " PUBLIC_ENDING,
                       folder);
    return code;
}

#define FOUND 1

struct search {
    const char *key;
    sl_log_limit *lines;
};

static void log_useless(sl_log_limit *lines) {
    uint64_t suppressed;
    if (sl_log_limit_pass(lines, &suppressed))
        sl_log(SL_LOG_WARNING, "link", "it lets nobody in: %s", sl_error());
}

static int compare_file(void *user, const char *path, bool secret) {
    const struct search *search = user;
    sl_certificate certificate;
    if (sl_keyring_read(&certificate, path, secret) < 0) {
        log_useless(search->lines);
        return SL_OK;
    }
    return strcmp(certificate.public_key, search->key) == 0 ? FOUND : SL_OK;
}

int sl_keyring_find(const char *folder, const char key[SL_KEY_TEXT], sl_log_limit *lines) {
    struct search search = {key, lines};
    int code = check_folder(folder);
    if (code == SL_OK)
        code = visit_files(folder, false, compare_file, &search);
    if (code < 0)
        log_useless(lines);
    return code == FOUND ? SL_OK : SL_EAUTH;
}

/* The two files of an owner's. */
static const struct pair {
    sl_key_owner owner;
    const char *public, *secret;
} pairs[] = {
    {SL_KEY_OF_SENDER, SL_SENDER_PUBLIC, SL_SENDER_SECRET},
    {SL_KEY_OF_RECEIVER, SL_RECEIVER_PUBLIC, SL_RECEIVER_SECRET},
};

#define PAIRS (SL_COUNT(pairs))

static int fail_present(const char *location, const char *name) {
    char path[SL_KEYRING_PATH_MAX];
    int code = sl_keyring_path(path, location, name);
    if (code < 0 || access(path, F_OK))
        return code;
    return sl_fail(SL_EINVAL,
                   "there is a certificate %s already; keep it, or overwrite it if no other end "
                   "needs it any more",
                   path);
}

static int make_folder(const char *location, const char *name) {
    char path[SL_KEYRING_PATH_MAX];
    int code = sl_keyring_path(path, location, name);
    if (code == SL_OK)
        *strrchr(path, '/') = '\0';
    return code == SL_OK ? sl_folders_make(path) : code;
}

static int write_file(const char *location, const char *name, const sl_certificate *certificate,
                      bool secret) {
    char path[SL_KEYRING_PATH_MAX], text[SL_CERTIFICATE_BYTES_MAX];
    int code = make_folder(location, name);
    if (code == SL_OK)
        code = sl_keyring_path(path, location, name);
    if (code < 0)
        return code;
    size_t length = sl_certificate_write(certificate, secret, text);
    code =
        secret ? sl_file_replace_secret(path, text, length) : sl_file_replace(path, text, length);
    explicit_bzero(text, sizeof text);
    return code;
}

static int make_pair(const char *location, const struct pair *pair) {
    sl_certificate certificate;
    int code = sl_certificate_new(&certificate);
    if (code == SL_OK)
        code = write_file(location, pair->secret, &certificate, true);
    if (code == SL_OK)
        code = write_file(location, pair->public, &certificate, false);
    explicit_bzero(&certificate, sizeof certificate);
    return code;
}

static int check_absent(const char *location, int owners) {
    int code = SL_OK;
    for (size_t i = 0; i < PAIRS && code == SL_OK; i++) {
        if (owners & (int)pairs[i].owner)
            code = fail_present(location, pairs[i].secret);
        if (code == SL_OK && owners & (int)pairs[i].owner)
            code = fail_present(location, pairs[i].public);
    }
    return code;
}

/* Of two who make certificates at once, one would replace half of the other's. */
static int take_lock(int *lock, const char *location) {
    char path[SL_KEYRING_PATH_MAX];
    int code = make_folder(location, SECRET_FOLDER "/");
    if (code == SL_OK)
        code = sl_keyring_path(path, location, SECRET_FOLDER);
    return code == SL_OK ? sl_folder_lock(lock, path) : code;
}

int sl_keys_make(const char *location, int owners, bool overwrite) {
    int lock = -1;
    int code = take_lock(&lock, location);
    if (code == SL_OK && !overwrite)
        code = check_absent(location, owners);
    for (size_t i = 0; i < PAIRS && code == SL_OK; i++)
        if (owners & (int)pairs[i].owner)
            code = make_pair(location, &pairs[i]);
    if (lock >= 0)
        close(lock);
    return code;
}

int sl_keys_export(const char *location, sl_key_owner owner, char text[SL_KEY_EXPORT_MAX]) {
    char path[SL_KEYRING_PATH_MAX];
    sl_certificate certificate;
    int code = sl_keyring_path(path, location,
                               owner == SL_KEY_OF_SENDER ? SL_SENDER_SECRET : SL_RECEIVER_SECRET);
    if (code == SL_OK)
        code = sl_keyring_read(&certificate, path, true);
    if (code < 0)
        return code;
    sl_certificate_write(&certificate, false, text);
    explicit_bzero(&certificate, sizeof certificate);
    return SL_OK;
}

static int add_key(void *user, const char *path, bool secret) {
    sl_key_list *list = user;
    sl_certificate certificate;
    sl_key *more = realloc(list->keys, (list->count + 1) * sizeof *more);
    if (!more)
        return sl_fail_memory();
    list->keys = more;
    sl_key *key = &list->keys[list->count];
    *key = (sl_key){.file = strdup(path), .secret = secret};
    if (!key->file)
        return sl_fail_memory();
    list->count++;
    if (sl_keyring_read(&certificate, path, secret) < 0)
        snprintf(key->problem, sizeof key->problem, "%s", sl_error());
    else
        memcpy(key->public_key, certificate.public_key, sizeof key->public_key);
    explicit_bzero(&certificate, sizeof certificate);
    return SL_OK;
}

/* One of the two folders. */
static int list_folder(sl_key_list *list, const char *location, bool secret) {
    char path[SL_KEYRING_PATH_MAX];
    int code = sl_keyring_path(path, location, secret ? SECRET_FOLDER : SL_PUBLIC_KEYS);
    return code == SL_OK ? visit_files(path, secret, add_key, list) : code;
}

int sl_key_list_open(sl_key_list **list, const char *location) {
    char folder[SL_KEYRING_PATH_MAX];
    *list = NULL;
    int code = sl_keyring_path(folder, location, "");
    if (code < 0)
        return code;
    folder[strlen(folder) - 1] = '\0'; /* the slash */
    sl_key_list *opened = calloc(1, sizeof *opened);
    if (opened)
        opened->folder = strdup(folder);
    code = opened && opened->folder ? list_folder(opened, location, false) : sl_fail_memory();
    if (code == SL_OK)
        code = list_folder(opened, location, true);
    if (code < 0)
        sl_key_list_close(&opened);
    *list = opened;
    return code;
}

void sl_key_list_close(sl_key_list **list) {
    sl_key_list *own = *list;
    *list = NULL;
    if (!own)
        return;
    for (size_t i = 0; i < own->count; i++)
        free(own->keys[i].file);
    free(own->keys);
    free(own->folder);
    free(own);
}
