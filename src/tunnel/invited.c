/* tunnel: the invitations that are out. Used by gates, and when somebody is invited.
 *
 * An invitation is an empty file, as old as the file. Renaming it uses it up: that can be done
 * once. The renamed file stays for a while, so that who comes later can be told why not. */
#include "tunnel/invited.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "tunnel/known_hosts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER     "invitations"
#define USED       ".used"
#define CLOCK_S    5              /* by which the system's clock may be set back meanwhile */
#define REMEMBER_S INT64_C(86400) /* a day */

struct paths {
    char folder[4096];
    char open[4400], used[4400];
};

static int find_paths(struct paths *paths, ssh_key token) {
    char name[64];
    int code = sl_state_path(paths->folder, sizeof(paths->folder), FOLDER);
    if (code == SL_OK)
        code = sl_fingerprint(name, sizeof(name), token);
    if (code < 0)
        return code;
    for (char *slash = name; (slash = strchr(slash, '/'));)
        *slash = '_';
    const char *tail = name + strlen("SHA256:");
    snprintf(paths->open, sizeof(paths->open), "%s/%s", paths->folder, tail);
    snprintf(paths->used, sizeof(paths->used), "%s/%s" USED, paths->folder, tail);
    return SL_OK;
}

static int64_t age_s(const struct stat *status) {
    return sl_utc_us() / SL_SECOND_US - status->st_mtime;
}

/* Removes what nobody will ask for any more. */
static void forget(const char *folder) {
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        struct stat status;
        if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && age_s(&status) > REMEMBER_S)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        closedir(entries);
}

int sl_invited_add(ssh_key token) {
    struct paths paths;
    int code = find_paths(&paths, token);
    if (code < 0)
        return code;
    if (mkdir(paths.folder, 0700) < 0 && errno != EEXIST)
        return sl_fail(SL_ESYSTEM, "cannot make the folder %s: %s", paths.folder, strerror(errno));
    forget(paths.folder);
    int descriptor = open(paths.open, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return sl_fail(SL_ESYSTEM, "cannot note the invitation in %s: %s", paths.open,
                       strerror(errno));
    close(descriptor);
    return SL_OK;
}

static int fail_gone(const struct paths *paths) {
    if (access(paths->used, F_OK) == 0)
        return sl_fail(SL_EAUTH, "the invitation was used already");
    return sl_fail(SL_EAUTH, "the invitation is not known here");
}

static int look(const struct paths *paths) {
    struct stat status;
    if (lstat(paths->open, &status) < 0 || status.st_uid != geteuid())
        return fail_gone(paths);
    int64_t age = age_s(&status);
    if (age > SL_INVITED_S || age < -CLOCK_S)
        return sl_fail(SL_EAUTH, "the invitation is older than %d minutes", SL_INVITED_S / 60);
    return SL_OK;
}

int sl_invited_look(ssh_key token) {
    struct paths paths;
    int code = find_paths(&paths, token);
    return code < 0 ? code : look(&paths);
}

int sl_invited_take(ssh_key token) {
    struct paths paths;
    int code = find_paths(&paths, token);
    if (code == SL_OK)
        code = look(&paths);
    if (code == SL_OK && rename(paths.open, paths.used) < 0)
        code = fail_gone(&paths);
    return code;
}
