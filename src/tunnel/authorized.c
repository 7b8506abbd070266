/* tunnel: reading files of authorized keys. Used by the gate, on each log-in.
 *
 * The gate does one thing, so most options of sshd's say what is so anyway. A line whose option
 * would narrow who may log in, and that we can't check, lets nobody in. */
#include "tunnel/authorized.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS         " \t"
#define FILE_BYTES_MAX 16777216

/* What a line's options say about forwarding to the link. */
struct permission {
    bool restricted, forwarding; /* restrict, port-forwarding */
    bool listed, permitted;      /* there are permitopen options, and one of them fits */
};

/* The end of the word that begins here: blanks and commas (if `commas`) inside of quotes count as
 * letters. NULL when a quote is left open. */
static char *word_end(char *at, bool commas) {
    bool quoted = false;
    for (; *at; at++) {
        if (at[0] == '\\' && at[1] == '"')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && (strchr(BLANKS, *at) || (commas && *at == ',')))
            break;
    }
    return quoted ? NULL : at;
}

/* Whether permitopen="HOST:PORT" means the link. To sshd each name is a place of its own; to the
 * gate all that it takes are one, so that a line need not have the one that the client uses. */
static bool permits(const char *value, const sl_gate_target *link) {
    char host[256];
    const char *colon = strrchr(value, ':');
    value += *value == '"';
    if (!colon || (size_t)(colon - value) >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - value), value);
    const char *named = strcmp(host, "*") == 0 ? "localhost" : host;
    int port = colon[1] == '*' ? link->port : (int)strtol(colon + 1, NULL, 10);
    return host[0] && sl_gate_target_is(link, named, port);
}

static int read_option(const char *option, const sl_gate_target *link,
                       struct permission *permission) {
    /* What the gate never does, whoever asks; and whom to run a command as is nobody. */
    static const char *const harmless[] = {
        "no-pty",         "pty",     "no-agent-forwarding", "agent-forwarding", "no-X11-forwarding",
        "X11-forwarding", "user-rc", "no-user-rc",          "command=",         "environment=",
        "permitlisten=",  "tunnel="};
    static const char permitopen[] = "permitopen=";
    if (strcasecmp(option, "restrict") == 0) {
        permission->restricted = true;
        permission->forwarding = false; /* as in sshd, what stands before it counts no more */
        return SL_OK;
    }
    if (strcasecmp(option, "port-forwarding") == 0) {
        permission->forwarding = true;
        return SL_OK;
    }
    if (strncasecmp(option, permitopen, strlen(permitopen)) == 0) {
        permission->listed = true;
        permission->permitted |= permits(option + strlen(permitopen), link);
        return SL_OK;
    }
    for (size_t i = 0; i < SL_COUNT(harmless); i++) {
        size_t length = strlen(harmless[i]);
        bool valued = harmless[i][length - 1] == '=';
        if (strncasecmp(option, harmless[i], length) == 0 && (valued || !option[length]))
            return SL_OK;
    }
    return sl_fail(SL_EINVAL, "the gate does not know the option %.*s", (int)strcspn(option, "="),
                   option);
}

/* Goes through "restrict,permitopen=…", which it cuts into pieces. */
static int read_options(char *options, const sl_gate_target *link) {
    struct permission permission = {0};
    while (*options) {
        char *end = word_end(options, true);
        if (!end)
            return sl_fail(SL_EINVAL, "a quote is left open in its options");
        bool more = *end == ',';
        *end = '\0';
        int code = read_option(options, link, &permission);
        if (code < 0)
            return code;
        options = more ? end + 1 : end;
    }
    if (permission.restricted && !permission.forwarding)
        return sl_fail(SL_EINVAL, "its option restrict needs port-forwarding beside it");
    if (permission.listed && !permission.permitted)
        return sl_fail(SL_EINVAL, "its permitopen does not have the viewer, localhost:%d",
                       link->port);
    return SL_OK;
}

static bool is_key_type(const char *word) {
    enum ssh_keytypes_e type = ssh_key_type_from_name(word);
    return type != SSH_KEYTYPE_UNKNOWN && !strstr(word, "-cert-");
}

/* Cuts the next word off the rest of the line. */
static char *take_word(char **rest) {
    char *word = *rest, *end = word_end(word, false);
    if (!end)
        return NULL;
    *rest = end + strspn(end, BLANKS);
    *end = '\0';
    return word;
}

int sl_authorized_parse(char *line, const sl_gate_target *link, ssh_key *key, char *comment,
                        size_t size) {
    *key = NULL;
    line[strcspn(line, "\r\n")] = '\0';
    char *rest = line + strspn(line, BLANKS);
    if (!*rest || *rest == '#')
        return SL_EAGAIN;
    char *word = take_word(&rest);
    int code = SL_OK;
    char problem[512] = "";
    if (word && !is_key_type(word)) {
        code = read_options(word, link);
        if (code < 0)
            snprintf(problem, sizeof(problem), "%s", sl_error());
        word = take_word(&rest);
    }
    if (!word || !is_key_type(word))
        return sl_fail(SL_EINVAL, "it has no public key of a kind that is known");
    char *encoded = rest;
    size_t length = strcspn(encoded, BLANKS);
    rest = encoded + length + strspn(encoded + length, BLANKS);
    encoded[length] = '\0';
    if (ssh_pki_import_pubkey_base64(encoded, ssh_key_type_from_name(word), key) != SSH_OK) {
        *key = NULL;
        return sl_fail(SL_EINVAL, "its key is damaged");
    }
    snprintf(comment, size, "%s", rest);
    return code < 0 ? sl_fail(code, "%s", problem) : SL_OK;
}

/* As sshd's StrictModes: who could write it could let anybody in. */
static int check_writers(const char *what, const struct stat *status) {
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return sl_fail(SL_EINVAL, "%s belongs to somebody else, so nobody is let in by it", what);
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return sl_fail(SL_EINVAL,
                       "%s can be written by others, so nobody is let in by it; chmod "
                       "go-w it",
                       what);
    return SL_OK;
}

/* Who can write to the folder that a file is in, or will be; and whether we can do so (access()).
 */
static int check_folder(const char *path, int mode) {
    struct stat status;
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (slash == path)
        snprintf(folder, sizeof(folder), "/");
    if (stat(folder, &status) < 0 || access(folder, mode) < 0)
        return sl_fail(SL_ESYSTEM, "cannot %s %s: %s", mode & W_OK ? "write to" : "read", folder,
                       strerror(errno));
    return check_writers(folder, &status);
}

static int check_owner(const char *path, FILE *file) {
    struct stat status;
    if (fstat(fileno(file), &status) < 0)
        return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    int code = S_ISREG(status.st_mode) ? check_writers(path, &status) : SL_OK;
    return code < 0 ? code : check_folder(path, F_OK);
}

int sl_authorized_check_place(const char *path) {
    return check_folder(path, W_OK | X_OK);
}

int sl_authorized_open(FILE **file, const char *path) {
    int code = sl_file_open(file, path, FILE_BYTES_MAX);
    if (code < 0)
        return code;
    code = check_owner(path, *file);
    if (code < 0) {
        fclose(*file);
        *file = NULL;
    }
    return code;
}

int sl_authorized_check_end(FILE *file, const char *path) {
    return feof(file) ? SL_OK
                      : sl_fail(SL_ESYSTEM, "cannot read %s to its end: %s", path, strerror(errno));
}

/* Whether lines that are not to be used may be told now: whoever knocks has the file read. */
static bool may_tell(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static sl_log_limit limit;
    uint64_t more;
    pthread_mutex_lock(&lock);
    bool pass = sl_log_limit_pass(&limit, &more);
    pthread_mutex_unlock(&lock);
    return pass;
}

int sl_authorized_look(const char *path, const sl_gate_target *link, ssh_key key, char *comment,
                       size_t size) {
    FILE *file;
    char *line = NULL;
    size_t room = 0;
    bool found = false, tells = false;
    int code = sl_authorized_open(&file, path);
    if (code < 0)
        return code;
    for (int number = 1; !found && getline(&line, &room, file) >= 0; number++) {
        ssh_key known;
        int read = sl_authorized_parse(line, link, &known, comment, size);
        tells = tells || (read == SL_EINVAL && may_tell());
        if (read == SL_EINVAL && tells)
            sl_log(SL_LOG_INFO, "gate", "line %d of %s lets nobody in: %s", number, path,
                   sl_error());
        found = read == SL_OK && ssh_key_cmp(known, key, SSH_KEY_CMP_PUBLIC) == 0;
        ssh_key_free(known);
    }
    if (!found)
        code = sl_authorized_check_end(file, path);
    free(line);
    fclose(file);
    return found || code < 0 ? code : sl_fail(SL_EAUTH, "its key is not in %s", path);
}
