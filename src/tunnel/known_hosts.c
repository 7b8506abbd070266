/* tunnel: reading and adding to files of known hosts. Used by hostkey.c. */
#include "tunnel/known_hosts.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS         " \t"
#define FILE_BYTES_MAX 16777216

int sl_fingerprint(char *text, size_t size, ssh_key key) {
    unsigned char *hash = NULL;
    size_t hash_size = 0;
    text[0] = '\0';
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &hash_size) < 0)
        return sl_fail_memory();
    char *found = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hash_size);
    ssh_clean_pubkey_hash(&hash);
    if (!found)
        return sl_fail_memory();
    snprintf(text, size, "%s", found);
    ssh_string_free_char(found);
    return SL_OK;
}

/* Whether the names of a line exclude this one: "!name". libssh looks at names one by one, and
 * takes no notice of these. */
static bool excluded(const char *line, const char *name) {
    size_t names_length = strcspn(line, " ");
    char *copy = strdup(line), *rest = NULL;
    bool found = !copy; /* when in doubt the line says nothing */
    if (!copy)
        return found;
    copy[names_length] = '\0';
    for (char *each = strtok_r(copy, ",", &rest); each && !found;
         each = strtok_r(NULL, ",", &rest)) {
        char *alone = NULL;
        struct ssh_knownhosts_entry *entry = NULL;
        if (each[0] == '!' && asprintf(&alone, "%s%s", each + 1, line + names_length) >= 0)
            found = ssh_known_hosts_parse_line(name, alone, &entry) == SSH_OK;
        ssh_knownhosts_entry_free(entry);
        free(alone);
    }
    free(copy);
    return found;
}

/* The key of a line about this host, or NULL. Tidies the line. */
static struct ssh_knownhosts_entry *parse(char *line, const char *name, bool *revoked) {
    static const char marker[] = "@revoked";
    struct ssh_knownhosts_entry *entry = NULL;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *blank = line; (blank = strchr(blank, '\t'));)
        *blank = ' ';
    line += strspn(line, BLANKS);
    *revoked = strncmp(line, marker, strlen(marker)) == 0;
    if (*revoked)
        line += strlen(marker) + strspn(line + strlen(marker), BLANKS);
    if (!line[0] || line[0] == '#' || line[0] == '@')
        return NULL;
    if (ssh_known_hosts_parse_line(name, line, &entry) != SSH_OK)
        return NULL;
    if (excluded(line, name)) {
        ssh_knownhosts_entry_free(entry);
        return NULL;
    }
    return entry;
}

static void judge(sl_known_hosts *known, const char *path, int line, ssh_key found, bool revoked,
                  ssh_key key) {
    bool same = key && ssh_key_cmp(found, key, SSH_KEY_CMP_PUBLIC) == 0;
    if (!revoked)
        known->types |= 1u << ssh_key_type(found);
    sl_known_verdict verdict = same ? SL_KNOWN_SAME : SL_KNOWN_OTHER;
    if (revoked)
        verdict = same ? SL_KNOWN_REVOKED : SL_KNOWN_NOTHING;
    /* Revoked outweighs all, and the same key outweighs others; the first of a kind counts. */
    static const int weight[] = {
        [SL_KNOWN_NOTHING] = 0, [SL_KNOWN_OTHER] = 1, [SL_KNOWN_SAME] = 2, [SL_KNOWN_REVOKED] = 3};
    if (!key || weight[verdict] <= weight[known->verdict])
        return;
    known->verdict = verdict;
    known->line = line;
    snprintf(known->path, sizeof(known->path), "%s", path);
    if (verdict == SL_KNOWN_OTHER)
        sl_fingerprint(known->fingerprint, sizeof(known->fingerprint), found);
}

static void keep_trouble(sl_known_hosts *known, const char *sentence) {
    sl_log(SL_LOG_WARNING, "tunnel", "the known hosts cannot be had: %s", sentence);
    if (!known->trouble[0])
        snprintf(known->trouble, sizeof(known->trouble), "%s", sentence);
}

void sl_known_hosts_look(sl_known_hosts *known, const char *path, const char *name, ssh_key key) {
    char *line = NULL;
    size_t size = 0;
    FILE *file;
    int code = sl_file_open(&file, path, FILE_BYTES_MAX);
    if (code < 0) {
        if (code != SL_ESYSTEM || (errno != ENOENT && errno != ENOTDIR))
            keep_trouble(known, sl_error());
        return;
    }
    for (int number = 1; getline(&line, &size, file) >= 0; number++) {
        bool revoked;
        struct ssh_knownhosts_entry *entry = parse(line, name, &revoked);
        if (entry)
            judge(known, path, number, entry->publickey, revoked, key);
        ssh_knownhosts_entry_free(entry);
    }
    if (!feof(file)) {
        sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
        keep_trouble(known, sl_error());
    }
    free(line);
    fclose(file);
}

/* Whether the file's last line lacks its ending. */
static bool ends_open(int descriptor) {
    char last = '\n';
    off_t end = lseek(descriptor, 0, SEEK_END);
    return end > 0 && pread(descriptor, &last, 1, end - 1) == 1 && last != '\n';
}

int sl_known_hosts_add(const char *path, const char *name, ssh_key key) {
    char *line = NULL, *encoded = NULL;
    int code = SL_OK;
    int descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return sl_fail(SL_ESYSTEM, "cannot add a host key to %s: %s", path, strerror(errno));
    int length = -1;
    if (ssh_pki_export_pubkey_base64(key, &encoded) == SSH_OK)
        length = asprintf(&line, "%s%s %s %s\n", ends_open(descriptor) ? "\n" : "", name,
                          ssh_key_type_to_char(ssh_key_type(key)), encoded);
    if (length < 0) {
        line = NULL;
        code = sl_fail_memory();
    } else if (write(descriptor, line, (size_t)length) != length) {
        code = sl_fail(SL_ESYSTEM, "cannot add a host key to %s: %s", path, strerror(errno));
    }
    free(line);
    ssh_string_free_char(encoded);
    close(descriptor);
    return code;
}
