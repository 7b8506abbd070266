/* tunnel: adding to and taking out of files of authorized keys. Used for pairing.
 *
 * Whoever changes one holds a lock of this user's, and puts a new file in the place of the old.
 * What else stands in it stays as it was written. */
#include "base/error.h"
#include "base/file.h"
#include "tunnel/authorized.h"
#include "tunnel/known_hosts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_NAME "authorized_keys.lock"

struct editing {
    char path[PATH_MAX]; /* of the file itself, where `path` was a link to it */
    int lock;            /* held */
    FILE *before;        /* NULL: there was none */
    FILE *after;         /* in memory */
    char *text;
    size_t length;
};

static int take_lock(struct editing *editing) {
    char path[PATH_MAX];
    int code = sl_state_path(path, sizeof(path), LOCK_NAME);
    return code == SL_OK ? sl_file_lock(&editing->lock, path) : code;
}

static int begin(struct editing *editing, const char *path) {
    *editing = (struct editing){.lock = -1};
    if (!realpath(path, editing->path))
        snprintf(editing->path, sizeof(editing->path), "%s", path);
    int code = take_lock(editing);
    if (code < 0)
        return code;
    code = sl_authorized_open(&editing->before, editing->path);
    if (code < 0 && !(code == SL_ESYSTEM && errno == ENOENT))
        return code;
    editing->after = open_memstream(&editing->text, &editing->length);
    return editing->after ? SL_OK : sl_fail_memory();
}

/* Puts what was written in the file's place when all went well. */
static int end(struct editing *editing, int code) {
    if (editing->after && fclose(editing->after) != 0 && code == SL_OK)
        code = sl_fail_memory();
    if (code == SL_OK)
        code = sl_file_replace(editing->path, editing->text, editing->length);
    if (editing->before)
        fclose(editing->before);
    free(editing->text);
    if (editing->lock >= 0)
        close(editing->lock);
    return code;
}

/* The fingerprint of a line's key, or "". */
static void name_key(const char *line, const sl_gate_target *link, char *fingerprint, size_t size) {
    char *copy = strdup(line), comment[2];
    ssh_key key = NULL;
    fingerprint[0] = '\0';
    if (copy)
        sl_authorized_parse(copy, link, &key, comment, sizeof(comment));
    if (key)
        sl_fingerprint(fingerprint, size, key);
    ssh_key_free(key);
    free(copy);
}

/* Copies all lines but those of one key (NULL: all). How many it left out; SL_ESYSTEM. */
static int copy_lines(const struct editing *editing, const sl_gate_target *link, const char *but) {
    char *line = NULL, fingerprint[64];
    size_t room = 0;
    int left_out = 0;
    ssize_t length;
    if (!editing->before)
        return 0;
    while ((length = getline(&line, &room, editing->before)) >= 0) {
        if (but)
            name_key(line, link, fingerprint, sizeof(fingerprint));
        if (but && strcmp(fingerprint, but) == 0) {
            left_out++;
            continue;
        }
        fputs(line, editing->after);
        if (line[length - 1] != '\n')
            fputc('\n', editing->after);
    }
    int code = sl_authorized_check_end(editing->before, editing->path);
    free(line);
    return code < 0 ? code : left_out;
}

int sl_authorized_add(const char *path, const sl_gate_target *link, ssh_key key,
                      const char *comment) {
    struct editing editing;
    char *encoded = NULL, known[2];
    int code = begin(&editing, path);
    if (code == SL_OK && ssh_pki_export_pubkey_base64(key, &encoded) != SSH_OK)
        code = sl_fail_memory();
    if (code == SL_OK)
        code = copy_lines(&editing, link, NULL);
    if (code == SL_OK)
        code = editing.before ? sl_authorized_look(editing.path, link, key, known, sizeof(known))
                              : SL_EAUTH;
    if (code == SL_EAUTH) {
        code = SL_OK;
        fprintf(editing.after, "restrict,port-forwarding %s %s %s\n",
                ssh_key_type_to_char(ssh_key_type(key)), encoded, comment);
    }
    ssh_string_free_char(encoded);
    return end(&editing, code);
}

int sl_authorized_ready(const char *path) {
    struct editing editing;
    int code = begin(&editing, path);
    if (code == SL_OK)
        code = sl_authorized_check_place(editing.path);
    end(&editing, code < 0 ? code : SL_EAGAIN); /* and nothing was written */
    return code;
}

int sl_authorized_remove(const char *path, const sl_gate_target *link, const char *fingerprint) {
    struct editing editing;
    int code = begin(&editing, path);
    int left_out = code == SL_OK ? copy_lines(&editing, link, fingerprint) : code;
    if (left_out == 0)
        code = sl_fail(SL_EAUTH, "%s lets no key %s in", path, fingerprint);
    else if (left_out < 0)
        code = left_out;
    return end(&editing, code);
}

/* Reads a line into what is told of it. False for one without a key. */
static bool read_line(char *text, const sl_gate_target *link, sl_authorized_line *line) {
    ssh_key key;
    *line = (sl_authorized_line){0};
    int code = sl_authorized_parse(text, link, &key, line->comment, sizeof(line->comment));
    if (code == SL_EINVAL)
        snprintf(line->problem, sizeof(line->problem), "%s", sl_error());
    if (key)
        sl_fingerprint(line->fingerprint, sizeof(line->fingerprint), key);
    ssh_key_free(key);
    return code != SL_EAGAIN;
}

int sl_authorized_each(const char *path, const sl_gate_target *link,
                       void (*tell)(void *user, const sl_authorized_line *line), void *user) {
    sl_authorized_line line;
    char *text = NULL;
    size_t room = 0;
    FILE *file;
    int code = sl_authorized_open(&file, path);
    if (code == SL_ESYSTEM && errno == ENOENT)
        return SL_OK;
    if (code < 0)
        return code;
    while (getline(&text, &room, file) >= 0)
        if (read_line(text, link, &line))
            tell(user, &line);
    code = sl_authorized_check_end(file, path);
    free(text);
    fclose(file);
    return code;
}
