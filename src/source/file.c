/* source: a file, paced by its own timestamps, from the start again when it is looped. Nothing of
 * it is left out. */
#include "base/error.h"
#include "source/kind.h"
#include "source/playback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file {
    sl_source_shared *shared;
    const char *path; /* within the settings */
    sl_reader *reader;
    sl_pace pace;
};

/* Whatever no other kind wants. */
static bool matches(const char *source) {
    (void)source;
    return true;
}

static int check(const char *path) {
    struct stat status;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return sl_fail(SL_ESOURCE,
                       "there is no file %s; a camera is named by its number or /dev/videoN, a "
                       "stream by its URL",
                       path);
    if (!file)
        return sl_fail(SL_ESOURCE, "the file %s can't be opened: %s", path, strerror(errno));
    bool known = fstat(fileno(file), &status) == 0;
    fclose(file);
    if (known && S_ISDIR(status.st_mode))
        return sl_fail(SL_ESOURCE, "%s is a directory: name a video file in it", path);
    if (known && S_ISREG(status.st_mode) && status.st_size == 0)
        return sl_fail(SL_ESOURCE, "the file %s is empty", path);
    return SL_OK;
}

static int open_reader(struct file *file) {
    char name[160], url[4096 + 8];
    snprintf(name, sizeof(name), "the file %s", file->path);
    /* Names with a colon are no protocol. */
    snprintf(url, sizeof(url), "file:%s", file->path);
    sl_reader_settings settings = {.input = {.name = name, .url = url}};
    AVDictionary *none = NULL;
    return sl_reader_open(&file->reader, file->shared, &settings, &none);
}

static void close_file(void *state) {
    struct file *file = state;
    sl_reader_close(&file->reader);
    free(file);
}

static int open_file(void **state, sl_source_shared *shared, char *describe, size_t size) {
    const char *path = shared->settings.source;
    if (strncmp(path, "file:", 5) == 0)
        path += 5;
    int code = check(path);
    if (code < 0)
        return code;
    struct file *file = calloc(1, sizeof(*file));
    if (!file)
        return sl_fail_memory();
    file->shared = shared;
    file->path = path;
    code = open_reader(file);
    if (code < 0) {
        free(file);
        return code;
    }
    sl_reader_describe(file->reader, describe, size);
    *state = file;
    return SL_OK;
}

static int read_file(void *state, sl_frame **frame) {
    struct file *file = state;
    int code = sl_playback_read(&file->pace, file->reader, file->shared, frame);
    if (code != SL_EEND || !file->shared->settings.loop)
        return code;
    /* Not every format can be wound back; all can be opened again. */
    sl_reader_close(&file->reader);
    code = open_reader(file);
    return code < 0 ? code : sl_playback_read(&file->pace, file->reader, file->shared, frame);
}

static bool is_live(const void *state) {
    (void)state;
    return false;
}

const sl_source_kind sl_source_file = {
    .name = "file",
    .matches = matches,
    .open = open_file,
    .read = read_file,
    .close = close_file,
    .live = is_live,
};
