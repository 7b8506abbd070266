/* sink: single pictures in files, whole or not at all. Used by picture.c and the window's key. */
#include "sink/still.h"
#include "base/error.h"
#include "sink/encoder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SHOWN 200 /* bytes of the name in the temporary one, which has its own limit */

/* Beside `path`, so that renaming it is one step, and with a name that nobody can foresee: others
 * may write in that folder too. */
static int temporary_path(const char *path, char *temporary, size_t size) {
    uint64_t chance;
    if (getentropy(&chance, sizeof(chance)) < 0)
        return sl_fail(SL_ESINK, "cannot write %s: %s", path, strerror(errno));
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    int length = snprintf(temporary, size, "%.*s.%.*s.%016" PRIx64, folder, path, NAME_SHOWN,
                          path + folder, chance);
    if (length < 0 || (size_t)length >= size)
        return sl_fail(SL_ESINK, "the path %.200s… is too long", path);
    return SL_OK;
}

/* SL_EAGAIN when the process or the machine is out of descriptors. */
static int open_temporary(const char *path, char *temporary, size_t size, int *fd) {
    struct stat status;
    int code = temporary_path(path, temporary, size);
    if (code < 0)
        return code;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return sl_fail(SL_ESINK, "%s is a folder: name a file in it", path);
    *fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (*fd < 0)
        return sl_fail(errno == EMFILE || errno == ENFILE ? SL_EAGAIN : SL_ESINK,
                       "cannot write %s: %s", path, strerror(errno));
    return SL_OK;
}

int sl_still_check(const char *path) {
    char temporary[PATH_MAX];
    int fd;
    int code = open_temporary(path, temporary, sizeof(temporary), &fd);
    if (code < 0)
        return code == SL_EAGAIN ? SL_ESINK : code;
    close(fd);
    unlink(temporary);
    return SL_OK;
}

int sl_still_write_bytes(const char *path, const uint8_t *bytes, size_t size) {
    char temporary[PATH_MAX];
    int fd;
    int code = open_temporary(path, temporary, sizeof(temporary), &fd);
    if (code < 0)
        return code;
    size_t written = 0;
    while (written < size) {
        ssize_t count = write(fd, bytes + written, size - written);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            goto failed;
        written += (size_t)count;
    }
    int closed = close(fd);
    fd = -1;
    if (closed < 0 || rename(temporary, path) < 0)
        goto failed;
    return SL_OK;
failed:
    code = errno == ENOSPC
               ? sl_fail(SL_ESINK, "the disk is full: there is no space for a new %s", path)
               : sl_fail(SL_ESINK, "cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    unlink(temporary);
    return code;
}

int sl_still_write(const char *path, enum AVCodecID codec, AVFrame *image) {
    sl_encoder encoder = {0};
    int code = sl_encoder_encode(&encoder, codec, image);
    if (code == SL_OK)
        code = sl_still_write_bytes(path, encoder.packet->data, (size_t)encoder.packet->size);
    sl_encoder_finish(&encoder);
    return code;
}
