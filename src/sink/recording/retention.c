/* sink/recording: deletes the oldest segments. Called by the recorder's thread. */
#include "sink/recording/retention.h"
#include "base/clock.h"
#include "base/text.h"
#include "sink/recording/naming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 512 /* of st_blocks, whatever the disk's are */

struct segment {
    char id[SL_VIEW_ID_MAX], name[SL_SEGMENT_NAME_MAX];
    int64_t written_us, bytes;
};

struct segments {
    struct segment *each;
    size_t count, room;
    int64_t bytes;
};

static DIR *open_folder(int at, const char *name) {
    int fd =
        openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (at == AT_FDCWD ? 0 : O_NOFOLLOW));
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !folder)
        close(fd);
    return folder;
}

/* What it takes of the disk: many small ones take more than their bytes. */
static int64_t size_of(const struct stat *status) {
    int64_t blocks = (int64_t)status->st_blocks * BLOCK_BYTES;
    return blocks > status->st_size ? blocks : status->st_size;
}

/* Without memory for more, what is known is a part of them: that deletes too little. */
static void add(struct segments *segments, const char *id, const char *name,
                const struct stat *status) {
    if (segments->count == segments->room) {
        size_t room = segments->room ? 2 * segments->room : 256;
        struct segment *each = realloc(segments->each, room * sizeof(*each));
        if (!each)
            return;
        segments->each = each;
        segments->room = room;
    }
    struct segment *added = &segments->each[segments->count++];
    sl_text_copy(added->id, id, sizeof(added->id));
    sl_text_copy(added->name, name, sizeof(added->name));
    added->written_us = status->st_mtim.tv_sec * SL_SECOND_US + status->st_mtim.tv_nsec / 1000;
    added->bytes = size_of(status);
    segments->bytes += added->bytes;
}

/* A segment's name, or that of one which was cut off before it had any: with a dot before it. */
static bool is_ours(const char *name, const char *id) {
    return strlen(name) < SL_SEGMENT_NAME_MAX &&
           sl_naming_is_segment(name[0] == '.' ? name + 1 : name, id);
}

static void look_into(struct segments *segments, int at, const char *id) {
    DIR *folder = open_folder(at, id);
    struct stat status;
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        if (is_ours(entry->d_name, id) &&
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            add(segments, id, entry->d_name, &status);
    if (folder)
        closedir(folder);
}

static int compare(const void *one, const void *other) {
    const struct segment *a = one, *b = other;
    if (a->written_us != b->written_us)
        return a->written_us < b->written_us ? -1 : 1;
    return strcmp(a->name, b->name);
}

static bool delete (sl_retention *retention, int at, const struct segment *segment) {
    uint64_t held_back;
    int folder = openat(at, segment->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool deleted = folder >= 0 && unlinkat(folder, segment->name, 0) == 0;
    if (!deleted && errno != ENOENT && sl_log_limit_pass(&retention->limit, &held_back))
        sl_log(SL_LOG_WARNING, "sink", "cannot delete the old segment %s/%s/%s: %s",
               retention->directory, segment->id, segment->name, strerror(errno));
    if (folder >= 0)
        close(folder);
    if (deleted) /* its folder goes with the last: a peer chooses how many cameras there were */
        unlinkat(at, segment->id, AT_REMOVEDIR);
    return deleted;
}

static size_t delete_oldest(sl_retention *retention, struct segments *segments, int at,
                            int64_t now_utc_us) {
    const sl_extent *keep = &retention->keep;
    size_t deleted = 0;
    qsort(segments->each, segments->count, sizeof(*segments->each), compare);
    for (size_t i = 0; i < segments->count; i++) {
        const struct segment *segment = &segments->each[i];
        bool old = keep->us > 0 && now_utc_us - segment->written_us > keep->us;
        bool beyond = keep->bytes > 0 && segments->bytes > keep->bytes;
        if (!old && !beyond)
            break;
        const char *name = segment->name[0] == '.' ? segment->name + 1 : segment->name;
        if (retention->in_work(retention->user, segment->id, name) ||
            !delete (retention, at, segment))
            continue;
        segments->bytes -= segment->bytes;
        deleted++;
    }
    return deleted;
}

size_t sl_retention_run(sl_retention *retention, int64_t now_utc_us) {
    struct segments segments = {0};
    size_t deleted = 0;
    DIR *directory = open_folder(AT_FDCWD, retention->directory);
    if (!directory)
        return 0;
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (sl_naming_is_id(entry->d_name))
            look_into(&segments, dirfd(directory), entry->d_name);
    if (segments.count > 0)
        deleted = delete_oldest(retention, &segments, dirfd(directory), now_utc_us);
    closedir(directory);
    free(segments.each);
    if (deleted > 0)
        sl_log(SL_LOG_INFO, "sink", "deleted %zu old segments in %s", deleted,
               retention->directory);
    return deleted;
}
