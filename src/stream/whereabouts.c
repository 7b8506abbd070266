/* stream: where an open gate is. Told by the receiver, asked by pair.c, each in its own process.
 *
 * It is a file of settings in Sightline's state folder. Whoever holds a lock on it is alive, so
 * that what a viewer left behind that was killed is not believed. */
#include "stream/whereabouts.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "tunnel/gate.h"
#include "base/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "gate"

static int write_down(sl_whereabouts *told, const sl_gate_place *place,
                      const sl_gate_settings *gate, sl_pattern pattern) {
    char path[4096], keys[4096], here[4096] = "", where[96], text[3 * 4096];
    sl_host_port(where, sizeof where, place->address, place->port);
    if (strcmp(place->address, "*") == 0)
        snprintf(where, sizeof where, "%d", place->port);
    int code = sl_gate_authorized_keys(gate, keys, sizeof keys);
    if (code < 0)
        return code;
    bool absolute = keys[0] == '/' || !getcwd(here, sizeof here);
    snprintf(text, sizeof text,
             "gate = %s\nport = %d\npattern = %s\ngate_authorized_keys = %s%s%s\n", where,
             place->link_port, sl_pattern_name(pattern), here, absolute ? "" : "/", keys);
    code = sl_state_path(path, sizeof path, NAME);
    if (code == SL_OK)
        code = sl_file_replace(path, text, strlen(text));
    if (code < 0)
        return code;
    told->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (told->fd < 0)
        return sl_fail(SL_ESYSTEM, "cannot read %s: %s", path, strerror(errno));
    if (flock(told->fd, LOCK_EX | LOCK_NB) == 0)
        return SL_OK;
    bool replaced = errno == EWOULDBLOCK; /* by another gate's, which has locked its own */
    code = replaced ? SL_OK : sl_fail(SL_ESYSTEM, "cannot lock %s: %s", path, strerror(errno));
    close(told->fd);
    told->fd = -1;
    return code;
}

void sl_whereabouts_tell(sl_whereabouts *told, const sl_gate_place *place,
                         const sl_gate_settings *gate, sl_pattern pattern) {
    told->fd = -1;
    if (write_down(told, place, gate, pattern) < 0)
        sl_log(SL_LOG_WARNING, "gate", "`sightline pair` has to be told --gate: %s", sl_error());
}

void sl_whereabouts_finish(sl_whereabouts *told) {
    char path[4096];
    struct stat ours, there;
    if (told->fd < 0)
        return;
    /* Another gate may have put its own there meanwhile. */
    if (sl_state_path(path, sizeof path, NAME) == SL_OK && fstat(told->fd, &ours) == 0 &&
        stat(path, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
        unlink(path);
    close(told->fd);
    told->fd = -1;
}

bool sl_whereabouts_find(sl_receiver_settings *settings) {
    char path[4096];
    void *all[] = {settings};
    if (sl_state_path(path, sizeof path, NAME) < 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool open_now = flock(fd, LOCK_SH | LOCK_NB) < 0;
    close(fd);
    return open_now && sl_settings_load(all, 1, path) == SL_OK;
}
