/* source: the list of cameras that this machine has. Opens each for a moment. */
#include "base/error.h"
#include "source/v4l2.h"
#include <sightline/camera.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int video_device(const struct dirent *entry) {
    return strncmp(entry->d_name, "video", 5) == 0 &&
           strspn(entry->d_name + 5, "0123456789") == strlen(entry->d_name + 5) &&
           entry->d_name[5] != '\0';
}

static int copy_modes(sl_camera *camera, const sl_v4l2_facts *facts) {
    if (facts->count == 0)
        return SL_OK;
    camera->modes = calloc(facts->count, sizeof(*camera->modes));
    if (!camera->modes)
        return sl_fail_memory();
    for (size_t i = 0; i < facts->count; i++) {
        char letters[5];
        sl_camera_mode *mode = &camera->modes[camera->mode_count++];
        snprintf(mode->format, sizeof(mode->format), "%s",
                 sl_mode_format(facts->modes[i].fourcc, letters));
        mode->width = facts->modes[i].width;
        mode->height = facts->modes[i].height;
        mode->fps = facts->modes[i].fps;
    }
    return SL_OK;
}

/* Adds the device, unless it is no camera at all. */
static int add(sl_camera_list *list, const char *entry) {
    sl_v4l2_facts facts;
    sl_camera *camera = &list->cameras[list->count];
    *camera = (sl_camera){.index = atoi(entry + 5)};
    snprintf(camera->device, sizeof(camera->device), "/dev/%.50s", entry);
    int code = sl_v4l2_inspect(camera->device, (sl_size){0, 0}, &facts);
    if (code == SL_ESOURCE)
        snprintf(camera->problem, sizeof(camera->problem), "%s", sl_error());
    if (code >= 0 || code == SL_ESOURCE)
        list->count++;
    snprintf(camera->name, sizeof(camera->name), "%s", facts.name);
    if (code >= 0)
        code = copy_modes(camera, &facts);
    sl_v4l2_facts_finish(&facts);
    return code == SL_ENOMEM ? code : SL_OK;
}

static int add_all(sl_camera_list *list) {
    struct dirent **entries = NULL;
    int code = SL_OK, count = scandir("/dev", &entries, video_device, versionsort);
    if (count > 0) {
        list->cameras = calloc((size_t)count, sizeof(*list->cameras));
        if (!list->cameras)
            code = sl_fail_memory();
    }
    for (int i = 0; i < count; i++) {
        if (code >= 0 && list->cameras)
            code = add(list, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return code;
}

int sl_camera_list_open(sl_camera_list **list) {
    *list = calloc(1, sizeof(**list));
    if (!*list)
        return sl_fail_memory();
    int code = add_all(*list);
    if (code < 0) {
        sl_camera_list_close(list);
        return code;
    }
    if ((*list)->count == 0)
        sl_fail(SL_ESOURCE, "there is no camera: plug one in and look for it with ls /dev/video*; "
                            "a container must be given it, as in docker run --device /dev/video0; "
                            "without one, try the source pattern:");
    return SL_OK;
}

void sl_camera_list_close(sl_camera_list **list) {
    sl_camera_list *closed = *list;
    if (!closed)
        return;
    *list = NULL;
    for (size_t i = 0; i < closed->count; i++)
        free(closed->cameras[i].modes);
    free(closed->cameras);
    free(closed);
}
