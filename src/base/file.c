/* base: small files and folders that must be private. */
#include "base/file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/event.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

int sl_folders_make(char *path) {
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
    int code = sl_folders_make(path);
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

/* Without waiting, and without taking a terminal over. */
static int open_to_read(const char *path, int *fd, struct stat *status) {
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    if (fstat(*fd, status) == 0)
        return SL_OK;
    close(*fd);
    return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
}

int sl_file_open(FILE **file, const char *path, off_t most) {
    struct stat status;
    int fd;
    int code = open_to_read(path, &fd, &status);
    if (code < 0)
        return code;
    bool null_device = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
    if (!S_ISREG(status.st_mode) && !null_device)
        code = sl_fail(SL_EINVAL, "%s is not a regular file", path);
    else if (status.st_size > most)
        code = sl_fail(SL_EINVAL, "%s has more than %lld bytes", path, (long long)most);
    else if (!(*file = fdopen(fd, "r")))
        code = sl_fail_memory();
    if (code < 0)
        close(fd);
    return code;
}

int sl_file_check_secret(const char *path, const char *what) {
    struct stat status;
    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode) ||
        (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return SL_OK;
    return sl_fail(SL_EINVAL,
                   "the %s %s can be read by others (mode %04o), so it is not used; do: chmod 600 "
                   "%s",
                   what, path, status.st_mode & 07777, path);
}

/* One byte of a file or pipe that may not be there yet: 1, or 0 at the end. */
static int read_byte(int fd, const char *path, char *byte, int64_t deadline_us) {
    for (;;) {
        int code = sl_wait(fd, POLLIN, NULL, deadline_us);
        if (code == SL_EAGAIN)
            return sl_fail(SL_ESYSTEM, "cannot read %s: nobody writes a line into it", path);
        if (code < 0)
            return code;
        ssize_t count = read(fd, byte, 1);
        if (count >= 0)
            return (int)count;
        if (errno != EAGAIN && errno != EINTR)
            return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    }
}

/* Byte by byte: what is in the file may be a secret, and stays in `line` alone. */
static int read_line(int fd, const char *path, char *line, size_t size, int64_t deadline_us) {
    size_t length = 0;
    char byte = '\n';
    int count;
    while ((count = read_byte(fd, path, &byte, deadline_us)) == 1 && byte != '\n') {
        if (length + 1 == size)
            return sl_fail(SL_EINVAL, "the first line of %s is too long", path);
        line[length++] = byte;
    }
    line[length] = '\0';
    line[strcspn(line, "\r")] = '\0';
    if (count < 0)
        return count;
    if (count == 0 && length == 0)
        return sl_fail(SL_EINVAL, "%s is empty", path);
    return line[0] ? SL_OK : sl_fail(SL_EINVAL, "the first line of %s is empty", path);
}

int sl_file_first_line(const char *path, char *line, size_t size, int timeout_ms) {
    struct stat status;
    int fd;
    int code = open_to_read(path, &fd, &status);
    if (code < 0)
        return code;
    if (S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode))
        code = read_line(fd, path, line, size, sl_deadline_us(timeout_ms));
    else
        code = sl_fail(SL_ESYSTEM, "cannot read %s: it is neither a file nor a pipe", path);
    close(fd);
    return code;
}

/* What becomes of a file that is there already. */
enum old { STAYS, GIVES_ITS_MODE, GOES };

/* Writes a file under another name first, so that nobody finds half of it at `path`. */
static int put_file(const char *path, const char *text, size_t length, enum old old) {
    struct stat status;
    char other[4200];
    if ((size_t)snprintf(other, sizeof(other), "%s-XXXXXX", path) >= sizeof(other))
        return sl_fail(SL_ESYSTEM, "the path %.100s… is too long", path);
    int descriptor = mkostemp(other, O_CLOEXEC); /* 0600 */
    if (descriptor < 0)
        return sl_fail(SL_ESYSTEM, "cannot write %s: %s", path, strerror(errno));
    if (old == GIVES_ITS_MODE && stat(path, &status) == 0)
        fchmod(descriptor, status.st_mode & 0777);
    bool written = write(descriptor, text, length) == (ssize_t)length && fsync(descriptor) == 0;
    bool placed = written && (old == STAYS ? link(other, path) == 0 || errno == EEXIST
                                           : rename(other, path) == 0);
    int code = placed ? SL_OK : sl_fail(SL_ESYSTEM, "cannot write %s: %s", path, strerror(errno));
    if (old == STAYS || !placed)
        unlink(other);
    close(descriptor);
    return code;
}

int sl_file_replace(const char *path, const char *text, size_t length) {
    return put_file(path, text, length, GIVES_ITS_MODE);
}

int sl_file_replace_secret(const char *path, const char *text, size_t length) {
    return put_file(path, text, length, GOES);
}

int sl_file_create(const char *path, const char *text, size_t length) {
    return put_file(path, text, length, STAYS);
}

static int lock_opened(int *lock, const char *path, int flags) {
    struct stat status;
    *lock = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock < 0 || fstat(*lock, &status))
        return sl_fail(SL_ESYSTEM, "cannot lock %s: %s", path, strerror(errno));
    if (status.st_uid != geteuid())
        return sl_fail(SL_ESYSTEM, "cannot lock %s: it belongs to somebody else", path);
    if (flock(*lock, LOCK_EX) < 0)
        return sl_fail(SL_ESYSTEM, "cannot lock %s: %s", path, strerror(errno));
    return SL_OK;
}

int sl_file_lock(int *lock, const char *path) {
    return lock_opened(lock, path, O_RDWR | O_CREAT);
}

int sl_folder_lock(int *lock, const char *path) {
    return lock_opened(lock, path, O_RDONLY | O_DIRECTORY);
}

int sl_private_directory(char *path, size_t size) {
    const char *folders[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    int failure = ENOENT;
    for (size_t i = 0; i < SL_COUNT(folders); i++) {
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
