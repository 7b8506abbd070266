/* cli: the cameras that a viewer knows, looked at each second. */
#include "roster.h"
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MOST 3 /* at a time */

bool roster_open(struct roster *roster, bool own) {
    *roster = (struct roster){
        .own = own,
        .now = calloc(SL_VIEWS_MAX, sizeof(sl_camera_view)),
        .told = calloc(SL_VIEWS_MAX, sizeof(struct roster_word)),
    };
    return roster->now && roster->told;
}

void roster_look(struct roster *roster, const sl_receiver *receiver) {
    if (roster->now)
        roster->count = sl_receiver_cameras(receiver, roster->now, SL_VIEWS_MAX);
}

/* One that wasn't known was as well as it could be. */
static sl_view_state state_before(const struct roster *roster, const char *port) {
    for (size_t i = 0; i < roster->told_count; i++) {
        if (strcmp(roster->told[i].port, port) == 0)
            return roster->told[i].state;
    }
    return SL_VIEW_LIVE;
}

static void say_lost(const sl_camera_view *camera) {
    time_t since = (time_t)(camera->since_us / 1000000);
    struct tm local;
    char stamp[16];
    localtime_r(&since, &local);
    strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
    console_say("the camera %s is lost since %s: %s", camera->name, stamp, camera->reason);
}

/* True when there was something to say. */
static bool tell(const struct roster *roster, const sl_camera_view *camera) {
    sl_view_state before = state_before(roster, camera->port);
    bool lost = camera->state == SL_VIEW_LOST, gone = camera->state == SL_VIEW_GONE;
    bool own = roster->own || roster->count > 1;
    if (camera->state == before)
        return false;
    if (lost)
        say_lost(camera);
    else if (gone && own)
        console_say("the camera %s is gone; waiting for it", camera->name);
    else if (!gone && (before == SL_VIEW_LOST || (before == SL_VIEW_GONE && own)))
        console_say("the camera %s is back", camera->name);
    else
        return false;
    return true;
}

void roster_tell(struct roster *roster) {
    size_t lines = 0;
    for (size_t i = 0; i < roster->count && lines < LINES_MOST; i++)
        lines += tell(roster, &roster->now[i]);
    for (size_t i = 0; i < roster->count; i++) {
        roster->told[i].state = roster->now[i].state;
        snprintf(roster->told[i].port, sizeof(roster->told[i].port), "%s", roster->now[i].port);
    }
    roster->told_count = roster->count;
}

void roster_finish(struct roster *roster) {
    free(roster->now);
    free(roster->told);
    *roster = (struct roster){0};
}
