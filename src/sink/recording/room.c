/* sink/recording: whether a disk has room for recordings. Used by tape.c. */
#include "sink/recording/room.h"

#include <stdint.h>
#include <sys/statvfs.h>

#define LEFT_MOST  (UINT64_C(16) << 20)
#define LEFT_SHARE 16 /* of a small disk so much less */

/* How many times what should be left there is; -1 when that can't be told. */
static double times_left(const char *directory) {
    struct statvfs disk;
    if (statvfs(directory, &disk) < 0 || disk.f_blocks == 0)
        return -1;
    uint64_t whole = (uint64_t)disk.f_blocks * disk.f_frsize;
    uint64_t left = whole / LEFT_SHARE < LEFT_MOST ? whole / LEFT_SHARE : LEFT_MOST;
    return (double)disk.f_bavail * (double)disk.f_frsize / (double)(left + 1);
}

bool sl_room_is_short(const char *directory) {
    double times = times_left(directory);
    return times >= 0 && times < 1;
}

bool sl_room_is_enough(const char *directory) {
    double times = times_left(directory);
    return times < 0 || times >= 2;
}
