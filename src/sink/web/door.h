/* sink/web: who comes in. A thread accepts connections and hands them to the server, keeps count of
 * them, ends those that waste time, and beats once a second while anybody is there. */
#ifndef SINK_WEB_DOOR_H
#define SINK_WEB_DOOR_H

#include "base/listen.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SL_WEB_GUESTS_MAX      256
#define SL_WEB_GUESTS_GOING    48 /* besides, that were sent away */
#define SL_WEB_GUESTS_PER_HOST 64 /* elsewhere than on this machine */

typedef struct sl_web_door sl_web_door;
typedef struct sl_web_guest sl_web_guest;

typedef struct sl_web_door_settings {
    const char *what; /* listens, for sentences */
    const char *host; /* "*": everywhere */
    int port;
    void *user;
    /* Takes over a connection; false: it was closed. */
    bool (*admit)(void *user, int descriptor, const struct sockaddr *from, socklen_t size);
    void (*beat)(void *user); /* each second */
} sl_web_door_settings;

/* Listens, but lets nobody in yet. SL_EINVAL, SL_EINUSE, SL_ESYSTEM. */
int sl_web_door_open(sl_web_door **door, const sl_web_door_settings *settings);
int sl_web_door_start(sl_web_door *door);

/* Lets nobody in any more; no call of `admit` or `beat` is under way afterwards. */
void sl_web_door_stop(sl_web_door *door);

/* When no guest is left. Sets NULL; safe on NULL. */
void sl_web_door_close(sl_web_door **door);

int sl_web_door_port(const sl_web_door *door);

/* Whether it listens where nobody but this machine can come. */
bool sl_web_door_near(const sl_web_door *door);

/* A connection that was admitted has begun to be served; NULL when it isn't known. It stays until
 * sl_web_door_left(), before its descriptor is closed. */
sl_web_guest *sl_web_door_met(sl_web_door *door, int descriptor);
void sl_web_door_left(sl_web_door *door, sl_web_guest *guest);

/* Until when a guest must have said, or got, everything: for a while from now on, or for ever. */
void sl_web_guest_hurry(sl_web_guest *guest);
void sl_web_guest_stay(sl_web_guest *guest);

#endif
