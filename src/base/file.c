/* base: small files and folders that must be private. */
#include "base/file.h"
#include "base/error.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A Unix socket's address holds 108 bytes; what stands in the folder needs some of them. */
#define SOCKET_FOLDER_MAX 80

static int home_directory(char *path, size_t size) {
    const char *home = getenv("HOME");
    char memory[4096];
    struct passwd entry, *found = NULL;
    if (!home || home[0] != '/') {
        if (getpwuid_r(getuid(), &entry, memory, sizeof(memory), &found) != 0 || !found)
            return sl_fail(SL_ESYSTEM, "no home directory is known; set HOME");
        home = found->pw_dir;
    }
    if ((size_t)snprintf(path, size, "%s", home) >= size)
        return sl_fail(SL_ESYSTEM, "the path of the home directory is too long");
    return SL_OK;
}

/* Makes the folder `path` and those above it, all private where they are new. */
static int make_folders(char *path) {
    for (char *end = path + 1; *end; end++) {
        if (*end != '/')
            continue;
        *end = '\0';
        int failed = mkdir(path, 0700) < 0 && errno != EEXIST && access(path, F_OK) < 0;
        *end = '/';
        if (failed)
            break;
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return sl_fail(SL_ESYSTEM, "cannot make the folder %s: %s", path, strerror(errno));
    return SL_OK;
}

static int own_path(char *path, size_t size, const char *variable, const char *usual,
                    const char *name) {
    const char *base = getenv(variable);
    char home[4096] = "";
    if (!base || base[0] != '/') {
        int code = home_directory(home, sizeof(home));
        if (code < 0)
            return code;
        base = NULL;
    }
    int length = snprintf(path, size, "%s%s/sightline", base ? base : home, base ? "" : usual);
    if (length < 0 || (size_t)length + strlen(name) + 2 > size)
        return sl_fail(SL_ESYSTEM, "the path of Sightline's own folder is too long");
    int code = make_folders(path);
    if (code < 0)
        return code;
    snprintf(path + length, size - (size_t)length, "/%s", name);
    return SL_OK;
}

int sl_home_path(char *path, size_t size, const char *name) {
    int code = home_directory(path, size);
    if (code < 0)
        return code;
    size_t length = strlen(path);
    if ((size_t)snprintf(path + length, size - length, "/%s", name) >= size - length)
        return sl_fail(SL_ESYSTEM, "the path of %s in the home directory is too long", name);
    return SL_OK;
}

int sl_config_path(char *path, size_t size, const char *name) {
    return own_path(path, size, "XDG_CONFIG_HOME", "/.config", name);
}

int sl_state_path(char *path, size_t size, const char *name) {
    return own_path(path, size, "XDG_STATE_HOME", "/.local/state", name);
}

int sl_file_first_line(const char *path, char *line, size_t size) {
    int code = SL_OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    /* Unbuffered: what is in the file may be a secret, and stays in `line` alone. */
    setvbuf(file, NULL, _IONBF, 0);
    if (!fgets(line, (int)size, file)) {
        code = ferror(file) ? sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno))
                            : sl_fail(SL_EINVAL, "%s is empty", path);
        goto out;
    }
    size_t length = strcspn(line, "\r\n");
    if (length == 0)
        code = sl_fail(SL_EINVAL, "the first line of %s is empty", path);
    else if (!line[length] && fgetc(file) != EOF)
        code = sl_fail(SL_EINVAL, "the first line of %s is too long", path);
    line[length] = '\0';
out:
    fclose(file);
    return code;
}

int sl_private_directory(char *path, size_t size) {
    const char *folders[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    int failure = ENOENT;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (!folders[i] || folders[i][0] != '/' || strlen(folders[i]) > SOCKET_FOLDER_MAX)
            continue;
        if ((size_t)snprintf(path, size, "%s/sl-XXXXXX", folders[i]) >= size)
            continue;
        if (mkdtemp(path))
            return SL_OK;
        failure = errno;
    }
    return sl_fail(SL_ESYSTEM, "cannot make a private folder for sockets in %s: %s", folders[2],
                   strerror(failure));
}
